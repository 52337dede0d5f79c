"""Titles from the index that a program keeps of its sessions."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from journal.importers.run import index_titles
from projector import Projection
from tests.importers.feed import journal_events
from tests.importers.run.test_following import watch
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


def settled(*files: Path) -> None:
    """Date files as written a while ago: a change now gives them another time."""
    for file in files:
        os.utime(file, (1_700_000_000, 1_700_000_000))


def test_a_title_that_comes_later_is_found_beside_a_file_that_is_unchanged(
    tmp_path: Path, journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is not opened, and while the index is as it was, no title is looked for."""
    box, file, names = tmp_path, tmp_path / f"{SESSION}.jsonl", tmp_path / "sessions-index.json"
    write(file, [{**claude("1", None, "1", 1), "sessionId": SESSION}])
    settled(file)
    take(journal_dir, file)
    index(names, "Paint")
    settled(names)
    found = take(journal_dir, file)
    assert (found.unchanged, found.files, found.events) == (1, 0, 1)
    assert title(journal_dir, SESSION) == "Paint"
    monkeypatch.setattr(index_titles, "location_of", None)
    assert take(journal_dir, file).unchanged == 1
    monkeypatch.undo()
    index(names, "Paint the shed")
    assert take(journal_dir, file).events == 1
    assert take(journal_dir, box).events == 0
    assert title(journal_dir, SESSION) == "Paint the shed"


@pytest.mark.slow
def test_a_title_that_comes_while_a_file_is_followed_arrives(
    tmp_path: Path, journal_dir: Path
) -> None:
    """One of a session that was imported before, and one of a session that began meanwhile."""
    box, names, other = tmp_path / "box", tmp_path / "box" / "sessions-index.json", "5e-other"
    box.mkdir()
    old, new = box / f"{SESSION}.jsonl", box / f"{other}.jsonl"
    write(old, [{**claude("1", None, "1", 1), "sessionId": SESSION}])
    settled(old)
    take(journal_dir, box)

    def begin() -> None:
        write(new, [{**claude("2", None, "2", 1), "sessionId": other}])

    def name() -> None:
        entries = [{"sessionId": id, "summary": f"About {id}"} for id in (SESSION, other)]
        names.write_text(json.dumps({"entries": entries}))

    pauses = [lambda: None] * 30
    watch(journal_dir, box, *pauses, begin, *pauses, name, *pauses)
    assert title(journal_dir, SESSION) == f"About {SESSION}"
    assert title(journal_dir, other) == f"About {other}"


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ("id: x\nname: Paint the shed\nuser_named: true\n", "Paint the shed"),
        ("summary: Old name\ncwd: /w\n", "Old name"),
        ("name: ''\nsummary: Old name # of before\n", "Old name"),
        ("name: 'It''s: red'\n", "It's: red"),
        ('name: "A \\"red\\" \\u0073hed"\r\n', 'A "red" shed'),
        (
            "name: >-\n  A long name that\n  goes on\nuser_named: false\n",
            "A long name that goes on",
        ),
        ("name: A long name that\n  goes on\n", "A long name that goes on"),
        ("named: no\nsub:\n  name: no\nname: null\n", None),
        ("name: *anchor\n", None),
        ('name: "torn\n', None),
        ("", None),
    ],
)
def test_a_session_of_copilot_has_the_title_of_its_workspace(
    tmp_path: Path, journal_dir: Path, yaml: str, expected: str | None
) -> None:
    """Copilot's command line keeps it in YAML, of which a part is read."""
    box = tmp_path / "session-state" / "c-1"
    start = {"sessionId": "c-1", "context": {"cwd": "/w"}}
    time = "2026-01-01T00:00:00Z"
    said = {"type": "user.message", "data": {"content": "Hi."}, "id": "e2", "timestamp": time}
    begun = {"type": "session.start", "data": start, "id": "e1", "timestamp": time}
    write(box / "events.jsonl", [begun, said])
    (box / "workspace.yaml").write_bytes(yaml.encode())
    take(journal_dir, box)
    assert title(journal_dir, "c-1") == expected


def test_files_beside_sessions_are_named_as_what_they_are(
    tmp_path: Path, journal_dir: Path
) -> None:
    """An index is no file of an unknown format where it is beside a session; elsewhere it is."""
    box, other = tmp_path / "box", tmp_path / "other"
    write(box / f"{SESSION}.jsonl", [{**claude("1", None, "1", 1), "sessionId": SESSION}])
    index(box / "sessions-index.json", "Paint")
    other.mkdir()
    index(other / "sessions-index.json", "Paint")
    found = take(journal_dir, tmp_path)
    beside = "beside sessions of claude-code: index or settings"
    assert found.passed_over[beside] == [str(box / "sessions-index.json")]
    assert found.unknown == [str(other / "sessions-index.json")]


def test_names_of_files_are_shown_without_secrets(tmp_path: Path, journal_dir: Path) -> None:
    """In every part of a report that names files."""
    secret = "ghp_" + "k3Jq8ZpW2nR7xT5vB9mL4cD6fH1gY0sAeUiO"[:36]
    box = tmp_path / secret
    write(box / f"{SESSION}.jsonl", [{**claude("1", None, "1", 1), "sessionId": SESSION}, "text"])
    (box / "x.json").write_text("{}")
    (box / "y.md").write_text("-")
    os.mkfifo(box / "z.jsonl")
    found = take(journal_dir, tmp_path)
    assert all((found.unknown, found.passed_over, found.skipped_at))
    assert secret not in json.dumps(found.as_json())
