"""Forgotten messages are not imported again, and the ledger does not name their source."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from journal.erasure.hashes import event_hash, message_hashes, session_hash
from journal.format.event_types import ERASURE_REQUESTED, FORGET, MESSAGE_APPENDED
from journal.fs.directory import open_directory
from journal.fs.key_file import own_key
from journal.importers.registry import installed
from journal.importers.run.driver import Importer
from journal.importers.run.ledger import Ledger
from tests.support.journals import events

if TYPE_CHECKING:
    from pathlib import Path

    from journal.importers.run.report import Report


def _import(path: Path, source: Path) -> Report:
    with Journal.open(path, fsync="never") as journal:
        importer = Importer(journal, "openai", reread=True)
        return importer.run(importer.sources([source]))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two messages; the file names their session."""
    file = tmp_path / "a-secret-name.jsonl"
    lines = [
        {"id": "m1", "role": "user", "content": "first", "timestamp": "2026-01-01T00:00:00Z"},
        {"id": "m2", "role": "user", "content": "second", "timestamp": "2026-01-01T00:01:00Z"},
    ]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return file


@pytest.mark.parametrize("named", ["session", "event", "message"])
def test_messages_that_a_request_names_are_not_imported(
    journal_dir: Path, source: Path, named: str
) -> None:
    """A request names them by session, by key, or by time and content; the report counts them."""
    (session,) = _import(journal_dir.with_name("scratch"), source).sessions
    with Journal.open(journal_dir, fsync="never") as journal:
        key = own_key(journal_dir)
        data = {"role": "user", "content": "second", "timestamp": 1_767_225_660_000_000}
        hashes = {
            "session": {"sessions": [session_hash(key, session)]},
            "event": {"events": [event_hash(key, session, "m2")]},
            "message": {"messages": list(message_hashes(key, "x", data))},
        }
        request = {"key": key.id} | hashes[named]
        journal.append(session=FORGET, type=ERASURE_REQUESTED, data=request)
    report = _import(journal_dir, source)
    found = [record.event for record in events(journal_dir) if record.event.session == session]
    there = {event.id for event in found if event.type == MESSAGE_APPENDED}
    assert there == (set() if named == "session" else {"m1"})
    assert (report.forgotten, report.messages) == ((3, 0) if named == "session" else (1, 1))
    assert not report.is_empty


def test_the_ledger_does_not_name_a_source(journal_dir: Path, source: Path) -> None:
    """The name of a file may be what a user wants to forget; here a session is named after it."""
    report = _import(journal_dir, source)
    Ledger(journal_dir / "imports").prune(installed().formats, report.sessions.__contains__)
    entries = list((journal_dir / "imports").iterdir())
    assert entries
    for entry in entries:
        assert b"a-secret-name" not in entry.read_bytes()
        assert "a-secret-name" not in entry.name


def test_a_request_during_following_is_in_force(journal_dir: Path, source: Path) -> None:
    """An importer that started before the request does not append what it forgets."""
    (session,) = _import(journal_dir.with_name("scratch"), source).sessions
    with Journal.open(journal_dir, fsync="never") as journal:
        importer = Importer(journal, "openai")
        key = own_key(journal_dir)
        request = {"key": key.id, "sessions": [session_hash(key, session)]}
        journal.append(session=FORGET, type=ERASURE_REQUESTED, data=request)
        report = importer.run(importer.sources([source]))
    assert (report.forgotten, report.messages) == (3, 0)


def test_an_event_that_is_no_json_is_still_refused(journal_dir: Path, tmp_path: Path) -> None:
    """It has no hashes; the report has the reason, and a placeholder is appended."""
    key = own_key(open_directory(journal_dir).path)
    file = tmp_path / "talk.jsonl"
    fields = {"id": "m1", "role": "user", "content": "x", "timestamp": "2026-01-01T00:00:00Z"}
    file.write_text(json.dumps(fields | {"content": "lone \ud800 half"}) + "\n", encoding="utf-8")
    with Journal.open(journal_dir, fsync="never") as journal:
        request = {"key": key.id, "messages": [key.hash("line", "x")]}
        journal.append(session=FORGET, type=ERASURE_REQUESTED, data=request)
    report = _import(journal_dir, file)
    assert report.messages == 1
    assert report.forgotten == 0
