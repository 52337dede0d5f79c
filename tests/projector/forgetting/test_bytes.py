"""After a forget, no file of the journal contains the forgotten text, in any encoding."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from journal import Journal
from journal.cli import cli
from journal.fs.directory import open_directory
from projector import Projection
from projector.forgetting.check import check_erased
from projector.forgetting.finish import finish_forgetting
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from projector.upkeep.salvage import salvage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import ExpectedProblems

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


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A transcript with the word in its file name, under another session id in each test."""
    file = tmp_path / "sources" / f"{WORD}-talk.jsonl"
    file.parent.mkdir()
    lines = [
        {"role": "user", "content": f"{WORD} in an import {HAN}", "timestamp": "2026-01-01T00:00Z"},
        {"role": "assistant", "content": "an answer to it"},
    ]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return file


@pytest.fixture
def path(journal_dir: Path, source: Path) -> Path:
    """A journal with the word in every place where a user can write it, applied and imported."""
    with Journal.open(journal_dir, fsync="never") as journal:
        session = f"{WORD}-session"
        data = {"title": f"About {HAN}", "cwd": f"/home/{WORD}", "extra": {"note": WORD}}
        journal.append(session=session, type="session.created", data=data)
        journal.append_message(session, "user", f"{WORD} and {HAN}", id="m1", timestamp=T)
        call = {"name": "grep", "arguments": json.dumps({"q": f"{WORD} {HAN}"})}
        calls = [{"id": "c1", "type": "function", "function": call}]
        journal.append_message(session, "assistant", None, id="m2", tool_calls=calls)
        journal.append_message(session, "tool", [{"type": "text", "text": HAN}], id="m3")
        journal.append_message(session, "user", "another", id="m1", timestamp=T + 1)
        journal.append_message(session, "user", f"in conflict {WORD}", id="m1", timestamp=T + 2)
        data = {"message": "m3", "content": f"revised {WORD}"}
        journal.append(session=session, type="message.revised", data=data)
        journal.append_message("fork", "user", f"{WORD} and {HAN}", id="r1", timestamp=T)
        journal.append(session="fork", type="session.created", data={"parent": session})
        data = {"key": f"cursor:{session}", "value": HAN}
        journal.append(session="@keys", type="key.set", data=data)
        journal.append_message("other", "user", "stays", id="m1")
    _import(journal_dir, source)
    assert _sessions(journal_dir) >= {f"{WORD}-session", "fork", "other"}
    return journal_dir


def _import(path: Path, source: Path, *options: str) -> None:
    arguments = ["--journal", str(path), "import", "openai", str(source), *options]
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
    with Projection.open(path) as projection:
        words = projection.search(f"{WORD} OR {HAN}", limit=100)
        sessions = {hit.session for hit in words if hit.session not in {"fork", "other"}}
    assert len(sessions) == 2
    assert forget(path, Selection(sessions=tuple(sessions))).is_complete


def test_no_file_contains_what_was_forgotten(path: Path, source: Path) -> None:
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
        _import(path, source, *arguments)
        assert _sessions(path) == {"fork", "other"}
        assert _leaks(path) == []


def test_an_older_projection_does_not_restore_it(path: Path, tmp_path: Path) -> None:
    """A query or a salvage of an older database that was put back neither shows nor writes it."""
    shutil.copytree(path / "projection", tmp_path / "before")
    _forget_all(path)
    shutil.rmtree(path / "projection")
    shutil.copytree(tmp_path / "before", path / "projection")
    assert _leaks(path)
    assert salvage(open_directory(path)).events == 0
    assert _sessions(path) == {"fork", "other"}
    assert _leaks(path) == []


@pytest.mark.slow
def test_an_older_lane_does_not_restore_it(
    path: Path, tmp_path: Path, expect_problems: ExpectedProblems
) -> None:
    """A lane from a backup is hidden, `verify --erased` reports it, and an erasure removes it."""
    expect_problems("duplicate")  # the copy has the uuid of its original
    shutil.copytree(path / "lanes" / "1", tmp_path / "before")
    _forget_all(path)
    shutil.copytree(tmp_path / "before", path / "lanes" / "77")
    assert _sessions(path) == {"fork", "other"}
    found = check_erased(open_directory(path)).found
    assert {each.where for each in found} == {"lanes/77/000001.jsonl"}
    assert finish_forgetting(path).lines > 0
    assert check_erased(open_directory(path)).found == ()
    assert _leaks(path) == []
    assert _sessions(path) == {"fork", "other"}
