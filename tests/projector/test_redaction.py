"""`redact_secrets`: secrets that were let through become marks, and no file has them any more."""

from __future__ import annotations

import errno
import json
import os
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from journal import Journal, make_backup, restore_backup
from journal.cli import cli
from journal.errors import AppendError, EraseError, EventError
from journal.format import record
from journal.format.redacted import MARK
from journal.fs import disk
from journal.fs.directory import open_directory
from journal.fs.key_file import own_key
from projector import Projection, SessionStore
from projector.errors import NotFinished
from projector.forgetting.erasures import erasures
from projector.forgetting.files.check import check_erased
from projector.forgetting.finish import finish_forgetting
from projector.redaction import find_secrets, redact_secrets
from projector.upkeep.salvage import salvage
from tests.support.journals import events, segments

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import ExpectedProblems

WORD = "Zqxj7oken"
"""A part of the password that nothing else contains."""
SECRET = f"DB_PASSWORD={WORD}-Tr0ub4dor"
HIDDEN = "DB_PASSWORD=@"
TOKEN = "gh" + "p_" + "aB3" * 12
T = 1_700_000_000_000_000


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A transcript with the secret."""
    file = tmp_path / "talk.jsonl"
    call = {"name": "sh", "arguments": json.dumps({"env": {"DB_PASSWORD": f"{WORD}-Tr0ub4dor"}})}
    lines: list[dict[str, Any]] = [
        {"role": "user", "content": f"use {SECRET}", "timestamp": "2026-01-01T00:00Z"},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": call}]},
        {"role": "user", "content": "thanks"},
    ]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return file


@pytest.fixture
def path(journal_dir: Path, source: Path) -> Path:
    """A journal with the secret in every part that can hold one, applied."""
    _import(journal_dir, source, "--no-redact")
    with Journal.open(journal_dir, fsync="never") as journal:
        data: dict[str, Any] = {"title": SECRET, "cwd": f"/x?{SECRET}", "extra": {"env": [SECRET]}}
        journal.append(session="s1", id="c", type="session.created", data=data)
        journal.append_message("s1", "user", SECRET, id="m1")
        journal.append_message("s1", "assistant", [{"type": "text", "text": SECRET}], id="m2")
        journal.append_message("s1", "user", f"in conflict: {SECRET}", id="m1")
        data = {"message": "m2", "content": f"revised: {SECRET}"}
        journal.append(session="s1", id="r", type="message.revised", data=data)
        usage = {"input_tokens": 7, "extra": {"note": SECRET}}
        journal.append(session="s1", id="u", type="usage.added", data=usage)
        data = {"key": "deploy", "value": [SECRET]}
        journal.append(session="@keys", id="k", type="key.set", data=data)
        journal.append(session="s1", id="x", type="tool.used", data={"out": SECRET})
        items: list[dict[str, str]] = [
            {"message": "m1"},
            {"id": "n", "role": "user", "content": f"new: {SECRET}"},
        ]
        data = {"messages": items, "reason": SECRET}
        journal.append(session="s2", id="t", type="transcript.replaced", data=data)
    assert _leaks(journal_dir)
    return journal_dir


def _import(path: Path, source: Path, *options: str) -> dict[str, Any]:
    arguments = ["--journal", str(path), "import", "openai", str(source), "--json", *options]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


_QUERIES = (
    "SELECT * FROM usage ORDER BY 1, 2",
    "SELECT namespace, key, value FROM keys ORDER BY 1, 2",
    "SELECT session, id, data FROM conflicts ORDER BY 1, 2, 3",
    "SELECT id, time, event_order, lane, seq FROM events WHERE session <> '@forget' ORDER BY 4, 5",
)


def _leaks(path: Path) -> list[str]:
    """Return the files below a folder that contain the secret; the projection is made first."""
    with Projection.open(path) as projection:
        projection.sessions()
    return [
        str(file.relative_to(path))
        for file in sorted(path.rglob("*"))
        if file.is_file() and WORD.casefold().encode() in file.read_bytes().lower()
    ]


def _shown(path: Path) -> str:
    """Return everything that readers see, with each secret and each mark as `@`."""
    with Projection.open(path) as projection:
        views = sorted(projection.sessions(limit=100), key=lambda view: view.session)
        talks = [
            [asdict(view), *(asdict(message) for message in projection.messages(view.session))]
            for view in views
        ]
        more, _ = projection.read(lambda db: [db.execute(each).fetchall() for each in _QUERIES])
    text = json.dumps([talks, more], sort_keys=True)
    return MARK.sub("@", text.replace(f"{WORD}-Tr0ub4dor", "@"))


def test_no_file_contains_the_secret_and_nothing_else_changes(path: Path) -> None:
    """Ids, places, sessions, usage, order and numbers are as before; the secret is a mark."""
    before = _shown(path)
    records = [(it.seq, it.event.id, it.event.order) for it in events(path)]
    found, outcome = redact_secrets(path)
    assert set(found.kinds) == {"password"}
    assert outcome.is_complete
    assert _leaks(path) == []
    assert _shown(path) == before
    after = [(it.seq, it.event.id, it.event.order) for it in events(path)]
    assert after[: len(records)] == records
    assert not find_secrets(path)
    report = check_erased(open_directory(path))
    assert (report.requests, report.found) == (1, ())
    (erasure,) = erasures(path)
    assert (erasure.scope, erasure.texts) == ("redaction", found.texts)
    assert erasure.receipt is not None


@pytest.mark.slow
def test_nothing_brings_it_back(path: Path, source: Path) -> None:
    """Neither a rebuild nor an import of the same file, which adds nothing and is no conflict."""
    redact_secrets(path)
    before = _shown(path)
    with Projection.open(path) as projection:
        projection.rebuild()
        conflicts = projection.status().conflicts
    for options in ((), ("--reread",), ("--no-redact", "--reread")):
        report = _import(path, source, *options)
        assert not report["conflicts"]
        assert _leaks(path) == [], options
        assert _shown(path) == before
    with Projection.open(path) as projection:
        assert projection.status().conflicts == conflicts


@pytest.mark.slow
def test_a_projection_and_a_backup_of_before_do_not_bring_it_back(
    path: Path, tmp_path: Path
) -> None:
    """What they have is shown redacted at once, and salvage and restore write nothing in clear."""
    make_backup(path, tmp_path / "backup")
    shutil.copytree(path / "projection", tmp_path / "before")
    with Journal.open(path):  # it holds the lane, so the request is in another one
        assert redact_secrets(path)[1].pending
    assert finish_forgetting(path).is_complete
    before = _shown(path)
    shutil.rmtree(path / "projection")
    shutil.copytree(tmp_path / "before", path / "projection")
    assert salvage(open_directory(path)).events == 0
    assert _leaks(path) == []
    assert restore_backup(tmp_path / "backup", path).events == 0
    assert _shown(path) == before
    segment = segments(path)[0]
    segment.rename(tmp_path / "lost.jsonl")
    assert restore_backup(tmp_path / "backup", path).events > 0
    assert _leaks(path) == []
    assert _shown(path) == before


@pytest.mark.slow
def test_a_lane_of_before_does_not_bring_it_back(
    path: Path, tmp_path: Path, expect_problems: ExpectedProblems
) -> None:
    """As from another machine: it is shown redacted, `verify --erased` finds it, its bytes go."""
    expect_problems("duplicate")  # the copy has the uuid of its original
    shutil.copytree(path / "lanes" / "1", tmp_path / "lane")
    redact_secrets(path)
    before = _shown(path)
    shutil.copytree(tmp_path / "lane", path / "lanes" / "77")
    assert _leaks(path) == ["lanes/77/000001.jsonl"]
    assert _shown(path) == before
    found = check_erased(open_directory(path)).found
    assert {it.where for it in found} == {"lanes/77/000001.jsonl"}
    assert finish_forgetting(path).lines > 0
    assert _leaks(path) == []
    assert _shown(path) == before


@pytest.mark.slow
def test_a_second_scan_with_newer_rules_redacts_more(path: Path, source: Path) -> None:
    """What was redacted before keeps the hash of its original: an import is no conflict."""
    redact_secrets(path)
    rule = "[[rule]]\nkind = 'thanks'\npattern = 'use|thanks|revised'\n"
    (path / "redact.toml").write_text(rule)
    (path / "redact.toml").chmod(0o600)
    found, outcome = redact_secrets(path)
    assert set(found.kinds) == {"thanks"}
    assert outcome.lines == 3
    with Projection.open(path) as projection:
        hits = projection.search("thanks OR revised OR use").hits
        assert all("[redacted:" in hit.snippet for hit in hits)
    report = _import(path, source, "--reread")
    assert not report["conflicts"]
    redacted = [it.event.redacted for it in events(path) if it.event.redacted is not None]
    assert any("thanks" in it.counts and "password" in it.counts for it in redacted)


@pytest.mark.slow
def test_it_is_hidden_while_a_lessee_sleeps(path: Path) -> None:
    """Readers see the marks at once and never miss the message; the lane is named as pending."""
    with Journal.open(path) as sleeper:
        sleeper.append_message("s3", "user", f"mine: {SECRET}", id="m1")
        _, outcome = redact_secrets(path)
        (pending,) = outcome.pending
        (named,) = erasures(path)[-1].pending
        assert named == pending
        assert (pending.pid, pending.lane_folder) == (os.getpid(), "1")
        assert pending.lane == sleeper.append_message("s4", "user", "x").lane
        with Projection.open(path) as projection:
            (message,) = projection.messages("s3")
            assert MARK.sub("@", str(message.content)) == f"mine: {HIDDEN}"
        assert not find_secrets(path)
        sleeper.append_message("s4", "user", "awake")
        assert finish_forgetting(path).is_complete
    assert _leaks(path) == []


@pytest.mark.slow
def test_a_program_that_does_not_redact_writes_it_again_and_it_is_not_shown(path: Path) -> None:
    """A handle that has the secret in memory flushes the same list: nothing is revised."""
    with SessionStore.open(path) as store:
        talk = [{"role": "user", "content": SECRET}, {"role": "assistant", "content": "ok"}]
        first = store.flush("agent", talk)
        redact_secrets(path)
        for _ in range(2):
            again = store.flush("agent", talk)
            assert (again.kept, again.added, again.revised) == (first.ids, (), ())
        with SessionStore.open(path) as other:
            assert other.flush("agent", talk).kept == first.ids
        store.flush("agent", [*talk, {"role": "user", "content": SECRET}])
        contents = [str(view.content) for view in store.messages("agent")]
    assert [MARK.sub("@", each) for each in contents] == [HIDDEN, "ok", HIDDEN]


def test_where_there_is_no_secret_nothing_is_done(journal_dir: Path) -> None:
    """No request, and no key."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", "nothing")
    found, outcome = redact_secrets(journal_dir)
    assert (bool(found), outcome.lines, erasures(journal_dir)) == (False, 0, [])
    assert not (journal_dir / "key").exists()


def test_a_record_that_would_be_too_large_is_named_before_anything_is_done(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mark can be longer than its secret."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", "PASSWORD=Tr0ub4d0\n" * 50, id="big")
    monkeypatch.setattr(record, "MAX_RECORD", segments(journal_dir)[0].stat().st_size)
    with pytest.raises(EventError, match="'big' of session 's1' cannot be redacted"):
        redact_secrets(journal_dir)
    assert erasures(journal_dir) == []


@pytest.mark.slow
def test_an_event_that_arrives_later_and_is_too_large_is_named(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shown redacted; its bytes stay until it is forgotten."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s1", "user", TOKEN, id="m1")
    redact_secrets(journal_dir)
    with Journal.open(journal_dir) as journal:
        journal.append_message("s2", "user", TOKEN, id="m1", extra={"note": "x" * 2_000})
    with monkeypatch.context() as patch:
        patch.setattr(record, "MAX_RECORD", 1_000)
        with pytest.raises(EraseError, match="forget the event"):
            finish_forgetting(journal_dir)
    with Projection.open(journal_dir) as projection:
        assert TOKEN not in str(projection.messages("s2"))
    assert finish_forgetting(journal_dir).lines == 1


@pytest.mark.slow
def test_a_request_that_cannot_be_written_leaves_everything_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that was written is carried out later."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    own_key(path)
    with monkeypatch.context() as patch:
        patch.setattr(disk.Disk, "write", full)
        with pytest.raises(AppendError):
            redact_secrets(path)
    assert erasures(path) == []
    with monkeypatch.context() as patch:
        patch.setattr(disk.Disk, "replace", full)
        with pytest.raises(NotFinished, match="forget --finish"):
            redact_secrets(path)
    assert finish_forgetting(path).is_complete
    assert _leaks(path) == []
