"""Titles from the index that a program keeps of its sessions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from projector import Projection
from tests.importers.feed import journal_events
from tests.importers.source_lines import ROLLOUT, THREAD, claude, event, head, says, take, write

if TYPE_CHECKING:
    from pathlib import Path

SESSION = "5e000000-0000-4000-8000-000000000001"


def title(journal: Path, session: str) -> str | None:
    """Return the title of a session."""
    with Projection.open(journal) as projection:
        return next(it.title for it in projection.sessions() if it.session == session)


def index(file: Path, name: str) -> None:
    """Write the index of a project of Claude Code."""
    entry = {"sessionId": SESSION, "fullPath": "x", "firstPrompt": "p", "summary": name}
    file.write_text(json.dumps({"version": 1, "entries": ["broken", {}, entry]}))


def test_a_session_of_claude_code_has_the_title_of_the_index(
    tmp_path: Path, journal_dir: Path
) -> None:
    """A later import finds a new one; a title in the file itself is stronger."""
    box = tmp_path / "box"
    lines = [{**claude(str(n), None, str(n), n), "sessionId": SESSION} for n in range(3)]
    write(box / f"{SESSION}.jsonl", lines[:1])
    take(journal_dir, box)
    assert title(journal_dir, SESSION) is None
    index(box / "sessions-index.json", "Paint")
    write(box / f"{SESSION}.jsonl", lines[:2])
    assert take(journal_dir, box).events == 1
    assert title(journal_dir, SESSION) == "Paint"
    index(box / "sessions-index.json", "Paint the shed")
    write(box / f"{SESSION}.jsonl", lines[:3])
    take(journal_dir, box)
    assert title(journal_dir, SESSION) == "Paint the shed"
    before = journal_events(journal_dir)
    take(journal_dir, box, reread=True)
    assert {it[:3] for it in journal_events(journal_dir)} == {it[:3] for it in before}
    own = {"type": "custom-title", "customTitle": "Mine", "sessionId": SESSION}
    write(box / f"{SESSION}.jsonl", [*lines, own])
    take(journal_dir, box)
    assert title(journal_dir, SESSION) == "Mine"


def test_a_session_of_codex_has_the_title_of_the_index(tmp_path: Path, journal_dir: Path) -> None:
    """The last line of the index counts, and no other session comes into being."""
    home = tmp_path / "codex"
    rollout = home / "sessions" / "2026" / "01" / "01" / ROLLOUT
    lines = [head(), says(1, "Hi."), event(2, type="thread_name_updated", thread_name="First")]
    names = [{"id": THREAD, "thread_name": "First"}, {"id": "other", "thread_name": "Gone"}]
    write(rollout, lines)
    write(home / "session_index.jsonl", [*names, b"{broken", {"id": THREAD, "thread_name": "Last"}])
    take(journal_dir, home / "sessions")
    assert title(journal_dir, THREAD) == "Last"
    with Projection.open(journal_dir) as projection:
        assert len(projection.sessions()) == 1
    write(rollout, [*lines, says(3, "More.")])
    assert take(journal_dir, home / "sessions").events == 0


def test_an_archived_rollout_has_the_title_of_the_index(tmp_path: Path, journal_dir: Path) -> None:
    """Codex moves a rollout to one folder when a person archives its session."""
    write(tmp_path / "codex" / "archived_sessions" / ROLLOUT, [head(), says(1, "Hi.")])
    write(tmp_path / "codex" / "session_index.jsonl", [{"id": THREAD, "thread_name": "Old"}])
    take(journal_dir, tmp_path / "codex" / "archived_sessions")
    assert title(journal_dir, THREAD) == "Old"


def test_a_session_of_openclaw_has_the_title_of_the_index(
    tmp_path: Path, journal_dir: Path
) -> None:
    """The index is an object of entries; a label comes before the name of a chat."""
    box = tmp_path / "agents" / "main" / "sessions"
    said = {"role": "user", "content": "Hi."}
    lines = [
        {"type": "session", "id": "oc-1", "version": 3, "timestamp": "2026-01-01T00:00:00Z"},
        {"type": "message", "id": "m1", "parentId": None, "message": said},
    ]
    entry = {"sessionId": "oc-1", "displayName": "A chat", "label": "Paint"}
    write(box / "oc-1.jsonl", lines)
    (box / "sessions.json").write_text(json.dumps({"agent:main:main": entry, "x": None}))
    take(journal_dir, box)
    assert title(journal_dir, "oc-1") == "Paint"
