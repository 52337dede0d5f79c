"""Reading a journal with `journal.read`: every event once, with its position, past damage."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import pytest

import journal
from journal import DamagedBytes, EventError, Journal, NotAJournalError, ReadError, new_event
from journal.erasure.hashes import event_hash
from journal.fs.key_file import own_key

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import ExpectedProblems


def _ids(path: Path, **given: object) -> list[str]:
    return [event.id for _, event in journal.read(path, **given)]  # type: ignore[arg-type] # by each test


def test_every_event_has_its_position_in_order(journal_dir: Path) -> None:
    """`read` yields the positions that `append` returned, in order over all lanes."""
    with Journal(journal_dir) as one, Journal(journal_dir) as two:
        positions = [
            one.append_message("s1", "user", "hello", id="m1"),
            two.append_message("s2", "user", "hello", id="m2"),
            *one.append_many([new_event("s1", "x", {"n": n}, id=f"e{n}") for n in range(3)]),
        ]
    found = list(journal.read(journal_dir))
    assert [(entry.position, entry.event.id) for entry in found] == list(
        zip(positions, ["m1", "m2", "e0", "e1", "e2"], strict=True)
    )
    assert (found[0].event.session, found[0].event.data["content"]) == ("s1", "hello")
    assert found[0].event.time_utc.tzinfo is UTC


def test_events_are_filtered_by_session_type_and_time(journal_dir: Path) -> None:
    """A single type may be given without a list; a time as for `append_message`."""
    with Journal(journal_dir) as handle:
        handle.append_message("s1", "user", "hello", id="m1")
        handle.append(session="s1", id="e1", type="x", data={})
        handle.append(session="s2", id="e2", type="y", data={})
    assert _ids(journal_dir, session="s1") == ["m1", "e1"]
    assert _ids(journal_dir, types="x") == ["e1"]
    assert _ids(journal_dir, types=["x", "y"]) == ["e1", "e2"]
    assert _ids(journal_dir, types=[]) == []
    assert _ids(journal_dir, since="2001-01-01T00:00:00Z", session="s2") == ["e2"]
    assert _ids(journal_dir, since=datetime(2255, 1, 1, tzinfo=UTC)) == []


def test_a_journal_is_followed_as_it_grows(journal_dir: Path) -> None:
    """New events, also of new lanes, are yielded after the earlier ones."""
    with Journal(journal_dir) as handle:
        handle.append_message("s", "user", "one", id="m1")
        following = journal.read(journal_dir, follow=True)
        assert next(following).event.id == "m1"
        handle.append_message("s", "user", "two", id="m2")
        with Journal(journal_dir) as other:
            other.append_message("s", "user", "three", id="m3")
        assert [entry.event.id for entry in islice(following, 2)] == ["m2", "m3"]


def test_forgotten_events_are_not_read(journal_dir: Path) -> None:
    """A request hides at once, also what comes later, long before the bytes are erased."""
    with Journal(journal_dir) as handle:
        handle.append_message("s", "user", "hello", id="m1")
        handle.append_message("s", "user", "hello", id="m2")
        removed = {"messages": ["m1", "m2"]}
        handle.append(session="s", id="r", type="message.removed", data=removed)
        following = journal.read(journal_dir, session="s", follow=True)
        assert [entry.event.id for entry in islice(following, 3)] == ["m1", "m2", "r"]
        key = own_key(journal_dir)
        data = {"key": key.id, "events": [event_hash(key, "s", "m1")]}
        handle.append(session="@forget", type="erasure.requested", data=data)
        handle.append_message("s", "user", "again", id="m1")
        handle.append_message("s", "user", "hello", id="m3")
        assert next(following).event.id == "m3"
        found = list(journal.read(journal_dir, session="s"))
    assert [entry.event.id for entry in found] == ["m2", "r", "m3"]
    assert found[1].event.data == {"messages": ["m2"]}


def test_mistakes_are_raised_at_the_call(journal_dir: Path) -> None:
    """A missing journal or an invalid time raises at the call, not at the first event."""
    with pytest.raises(NotAJournalError):
        journal.read(journal_dir)
    with Journal(journal_dir):
        pass
    with pytest.raises(EventError, match="since must be an ISO 8601 time"):
        journal.read(journal_dir, since="yesterday")


def test_damage_is_reported_and_skipped(
    journal_dir: Path, expect_problems: ExpectedProblems, caplog: pytest.LogCaptureFixture
) -> None:
    """Records around damage are read; without a callback, a warning names the place."""
    expect_problems("damage", "gap")
    with Journal(journal_dir) as handle:
        for n in range(3):
            handle.append_message("s", "user", "hello", id=f"m{n}")
    segment = journal_dir / "lanes" / "1" / "000001.jsonl"
    lines = segment.read_bytes().split(b"\n")
    offset = len(b"\n".join(lines[:2])) + 1
    segment.write_bytes(segment.read_bytes().replace(b'"m1"', b'"mX"'))
    damaged: list[DamagedBytes] = []
    assert _ids(journal_dir, on_damage=damaged.append) == ["m0", "m2"]
    (found,) = damaged
    assert (found.lane_folder, found.segment, found.offset) == ("1", 1, offset)
    assert found.length == len(lines[2]) + 1
    assert "checksum mismatch" in found.reason
    assert caplog.records == []
    with caplog.at_level(logging.WARNING, logger="journal"):
        assert _ids(journal_dir) == ["m0", "m2"]
    assert [record.getMessage() for record in caplog.records] == [str(found)]
    assert str(found).startswith(f"lane folder 1, segment 1, offset {offset}: ")


def test_a_following_read_ends_if_the_folder_is_missing(journal_dir: Path) -> None:
    """The error is raised once, and a new read continues from the position in `since`."""
    with Journal(journal_dir) as handle:
        handle.append_message("s", "user", "hello", id="m1")
        following = journal.read(journal_dir, follow=True)
        (first,) = islice(following, 1)
        away = journal_dir.with_name("away")
        journal_dir.rename(away)
        with pytest.raises(ReadError):
            next(following)
        away.rename(journal_dir)
        with pytest.raises(StopIteration):
            next(following)
        handle.append_message("s", "user", "hello", id="m2")
        again = journal.read(journal_dir, follow=True, since=first.event.time)
        assert [entry.event.id for entry in islice(again, 2)] == ["m1", "m2"]
