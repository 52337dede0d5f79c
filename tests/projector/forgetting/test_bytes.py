"""After a forget, no file of the journal contains the forgotten text, in any encoding."""

from __future__ import annotations

import json
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from journal import Journal, make_backup
from journal.cli import cli
from journal.fs.directory import open_directory
from projector import Projection, SessionStore
from projector.forgetting.files.check import check_erased
from projector.forgetting.finish import finish_forgetting
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from projector.upkeep.salvage import salvage
from tests.importers.programs.test_exports import said, talk
from tests.importers.sqlite.programs import Opencode

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import ExpectedProblems

pytestmark = pytest.mark.slow

WORD, HAN = "zqxjtoken", "鑫龘靐齉"
"""A word and some characters that occur nowhere else."""
ENCODED = (
    WORD.encode(),
    WORD[1:7].encode(),  # the index may store a word without its first letters
    HAN.encode(),
    HAN[:2].encode(),  # the character pairs of the index
    HAN[1:3].encode(),
    HAN[2:].encode(),
    json.dumps(HAN)[1:-1].encode(),
    json.dumps(HAN)[1:13].encode(),
    HAN.encode("utf-16-le"),
)
T = 1_700_000_000_000_000


LINE = "0199c0de-0000-4000-8000-000000000003"
"""A line by which a fork repeats a message."""
SESSION = f"{WORD}-session"
KEPT = {"fork", "other", "agent"}
"""Sessions that stay, although two of them name the session or repeat a message of it."""


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    """A list of messages, a database and a zip file, each with the word in its name and content."""
    folder = tmp_path / "sources" / WORD
    folder.mkdir(parents=True)
    lines = [
        {"role": "user", "content": f"{WORD} in an import {HAN}", "timestamp": "2026-01-01T00:00Z"},
        {"role": "assistant", "content": "an answer to it"},
    ]
    talk_file = folder / f"{WORD}-talk.jsonl"
    talk_file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    database = Opencode(folder / "opencode.db", mode="delete")
    database.session(f"ses_{WORD}", title=HAN, directory=f"/home/{WORD}")
    database.says(1, f"{WORD} {HAN}", f"ses_{WORD}")
    database.db.close()
    nodes = (("a", None, said("a", f"{WORD} {HAN}", 1)), ("b", "a", said("b", HAN, 2, "assistant")))
    exported = talk("b", *nodes, id=f"conversation-{WORD}") | {"title": f"About {WORD}"}
    with zipfile.ZipFile(folder / f"{WORD}.zip", "w") as archive:
        archive.writestr("conversations.json", json.dumps([exported]))
    return [talk_file, folder / "opencode.db", folder / f"{WORD}.zip"]


@pytest.fixture
def path(journal_dir: Path, sources: list[Path]) -> Path:
    """A journal with the word in every place where a user can write it, applied and imported."""
    with Journal.open(journal_dir, fsync="never") as journal:
        _append_session(journal)
        _append_messages(journal)
        _append_others(journal)
    with SessionStore.open(journal_dir) as store:
        store.claims.acquire(f"lock:{SESSION}", holder=f"worker-{WORD}", seconds=60)
    _import(journal_dir, sources)
    assert _sessions(journal_dir) > KEPT | {SESSION, f"ses_{WORD}", f"conversation-{WORD}"}
    return journal_dir


def _append_session(journal: Journal) -> None:
    """Append events with the word in each field of a session, and of its usage."""
    names = ("title", "source", "model", "cwd", "user", "system_prompt", "branch", "commit")
    data: dict[str, Any] = {name: f"{name} {WORD} {HAN}" for name in names}
    data |= {"parent": f"{WORD}-parent", "relation": WORD, "config": {WORD: HAN}}
    for type, more in (
        ("session.created", data | {"extra": {"note": WORD}}),
        ("session.titled", {"title": f"Again {HAN}"}),
        ("session.revised", {"branch": f"b-{WORD}", "clear": ["model"]}),
        ("session.ensured", {"source": f"e-{WORD}"}),
        ("session.ended", {"reason": WORD, "extra": {"note": HAN}}),
        ("usage.set", {"output_tokens": 5, "model": WORD}),
        (f"odd.{WORD}", {"note": [WORD, {HAN: 1}]}),
    ):
        journal.append(session=SESSION, type=type, data=more)
    used = {"input_tokens": 3, "model": WORD, "provider": WORD, "extra": {"note": HAN}}
    used |= {"call": f"call-{WORD}-0123456789", "timestamp": T}
    for session in (SESSION, "fork"):
        journal.append(session=session, type="usage.added", data=used)


def _append_messages(journal: Journal) -> None:
    """Append messages with the word in each field, in all states and forms."""
    session = SESSION
    fields: dict[str, Any] = dict.fromkeys(("source", "model", "meta", "finish_reason"), WORD)
    fields |= {"extra": {WORD: HAN}, "reasoning": HAN, "line": LINE}
    journal.append_message(session, "user", f"{WORD} and {HAN}", id="m1", timestamp=T, **fields)
    call = {"name": "grep", "arguments": json.dumps({"q": f"{WORD} {HAN}"})}
    calls = [{"id": f"call-{WORD}", "type": "function", "function": call}]
    journal.append_message(session, "assistant", None, id=f"id-{WORD}", tool_calls=calls)
    parts = [{"type": "text", "text": HAN}]
    fields = {"tool_name": WORD, "tool_call_id": f"call-{WORD}", "parent": f"id-{WORD}"}
    journal.append_message(session, f"role-{WORD}", parts, id="m3", **fields)
    journal.append_message(session, "user", "another", id="m1", timestamp=T + 1)
    journal.append_message(session, "user", f"in conflict {WORD}", id="m1", timestamp=T + 2)
    new = {"id": "new", "role": "user", "content": f"new {WORD}"}
    for type, data in (
        ("message.revised", {"message": "m3", "content": f"revised {WORD}"}),
        ("message.archived", {"messages": ["m1"], "reason": WORD}),
        ("transcript.replaced", {"messages": [{"message": "m3"}, new], "reason": WORD}),
        ("message.removed", {"messages": [f"id-{WORD}"], "reason": HAN}),
    ):
        journal.append(session=session, type=type, data=data)


def _append_others(journal: Journal) -> None:
    """Append what repeats or mentions the session, and what stays."""
    journal.append_message("fork", "user", f"{WORD} and {HAN}", id="r1", timestamp=T)
    journal.append_message("fork", "user", f"{WORD} later {HAN}", id="r2", line=LINE)
    for name, relation in (("fork", "fork"), ("agent", "subagent")):
        data = {"parent": SESSION, "relation": relation}
        journal.append(session=name, type="session.created", data=data)
        journal.append_message(name, "user", f"{name} stays", id="m1")
    data = {"key": f"cursor:{SESSION}", "value": HAN}
    journal.append(session="@keys", type="key.set", data=data)
    journal.append_message("other", "user", "stays", id="m1")


def _import(path: Path, sources: list[Path], *options: str) -> None:
    for source in sources:
        arguments = ["--journal", str(path), "import", "auto", str(source), *options]
        result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.stderr


def _sessions(path: Path) -> set[str]:
    with Projection.open(path) as projection:
        return {view.session for view in projection.sessions()}


def _leaks(path: Path) -> list[str]:
    """Return the files below a folder whose content or name contains the word."""
    found = []
    for file in sorted(path.rglob("*")):
        content = file.read_bytes() if file.is_file() else b""
        if WORD in file.name or any(each in content for each in ENCODED):
            found.append(str(file.relative_to(path)))
    return found


def _forget_all(path: Path) -> None:
    sessions = _sessions(path) - KEPT
    assert len(sessions) == 4
    assert forget(path, Selection(sessions=tuple(sessions))).is_complete


def test_no_file_contains_what_was_forgotten(path: Path, sources: list[Path]) -> None:
    """No file contains it, at once, after a rebuild, and after an import of the same file."""
    assert _leaks(path)
    _forget_all(path)
    assert _leaks(path) == []
    report = check_erased(open_directory(path))
    assert (report.requests, report.found) == (1, ())
    assert report.unchecked == ()
    with Projection.open(path) as projection:
        projection.rebuild()
    assert _leaks(path) == []
    for arguments in ((), ("--reread",)):
        _import(path, sources, *arguments)
        assert _sessions(path) == KEPT
        assert _leaks(path) == []


def test_an_older_projection_does_not_restore_it(path: Path, tmp_path: Path) -> None:
    """A query or a salvage of an older database that was put back neither shows nor writes it.

    The next backup into the same folder removes it there.
    """
    make_backup(path, tmp_path / "backup")
    shutil.copytree(path / "projection", tmp_path / "before")
    _forget_all(path)
    make_backup(path, tmp_path / "backup")
    assert _leaks(tmp_path / "backup") == []
    shutil.rmtree(path / "projection")
    shutil.copytree(tmp_path / "before", path / "projection")
    assert _leaks(path)
    assert salvage(open_directory(path)).events == 0
    assert _sessions(path) == KEPT
    assert _leaks(path) == []


def test_an_older_lane_does_not_restore_it(
    path: Path, tmp_path: Path, expect_problems: ExpectedProblems
) -> None:
    """A lane from a backup is hidden, `verify --erased` reports it, and an erasure removes it."""
    expect_problems("duplicate")  # the copy has the uuid of its original
    shutil.copytree(path / "lanes" / "1", tmp_path / "before")
    _forget_all(path)
    shutil.copytree(tmp_path / "before", path / "lanes" / "77")
    assert _sessions(path) == KEPT
    found = check_erased(open_directory(path)).found
    assert {each.where for each in found} == {"lanes/77/000001.jsonl"}
    assert finish_forgetting(path).lines > 0
    assert check_erased(open_directory(path)).found == ()
    assert _leaks(path) == []
    assert _sessions(path) == KEPT
