"""Events that only the projection still has are detected, and written back to the lanes."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from journal.format.event import Event
from journal.format.event_types import SESSION_CLEARED
from journal.fs.directory import open_directory
from journal.process import clock
from journal.segments.reader import read_events
from projector import Projection, ProjectionError, SessionStore
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from projector.run.build import rebuild
from projector.upkeep.salvage import salvage
from projector.upkeep.verify import verify
from tests.support.journals import events
from tests.support.projections import Fact, message, write_lane
from tests.support.redaction.variants import KEYS, redacted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import ExpectedProblems


def _append(path: Path, ids: range) -> None:
    with Journal.open(path) as journal:
        for number in ids:
            journal.append_message("s", "user", f"word{number}", id=f"m{number}")


def _cut(path: Path, lines: int) -> None:
    """Leave this number of lines in the first segment of the first lane."""
    segment = path / "lanes/1/000001.jsonl"
    kept = segment.read_bytes().split(b"\n")[:lines]
    segment.write_bytes(b"\n".join(kept) + b"\n")


def _kinds(path: Path) -> list[str]:
    return [fault.kind for fault in verify(open_directory(path))]


def test_a_read_only_journal_cannot_be_salvaged(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says that the journal is read-only and what to do, and no file is created."""
    _append(journal_dir, range(2))
    rebuild(open_directory(journal_dir))
    before = sorted((journal_dir / "projection").iterdir())
    monkeypatch.setattr(os, "access", lambda *_: False)  # as access(2) answers on a read-only disk
    with pytest.raises(ProjectionError, match="it is read-only"):
        salvage(open_directory(journal_dir))
    assert sorted((journal_dir / "projection").iterdir()) == before


def _ids(path: Path) -> list[str]:
    with Projection.open(path) as projection:
        return [message.id for message in projection.messages("s")]


def test_a_lost_end_of_a_segment_is_written_back(journal_dir: Path) -> None:
    """Events that a disk lost are written to a new lane, with their own times."""
    _append(journal_dir, range(6))
    times = {m.id: m.time for m in Projection.open(journal_dir).messages("s")}
    with Projection.open(journal_dir) as projection:
        digest = projection.digest()
    _cut(journal_dir, 3)
    assert _kinds(journal_dir) == ["log"]
    saved = salvage(open_directory(journal_dir))
    assert (saved.events, saved.sessions, saved.lane) == (4, 1, "2")
    assert _kinds(journal_dir) == []
    with Projection.open(journal_dir) as projection:
        assert projection.digest() == digest
        assert {m.id: m.time for m in projection.messages("s")} == times
    rebuild(open_directory(journal_dir))
    assert _ids(journal_dir) == [f"m{number}" for number in range(6)]


@pytest.mark.slow
def test_a_loss_before_later_appends_is_detected(journal_dir: Path) -> None:
    """A segment that was cut off and then grew is read again; its loss is reported and repaired."""
    _append(journal_dir, range(6))
    _ids(journal_dir)
    _cut(journal_dir, 3)
    _append(journal_dir, range(6, 20))
    assert _ids(journal_dir) == [f"m{number}" for number in range(20)]
    assert _kinds(journal_dir) == ["log"]
    assert salvage(open_directory(journal_dir)).events == 4
    assert _kinds(journal_dir) == []
    rebuild(open_directory(journal_dir))
    assert _ids(journal_dir) == [f"m{number}" for number in range(20)]


def test_a_deleted_lane_is_written_back(journal_dir: Path) -> None:
    """All events of a deleted segment are written back, including conflicts."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "one", id="m1")
        journal.append_message("s", "user", "another", id="m1")
        journal.append(session="s", id="t", type="session.titled", data={"title": "T"})
        journal.append(session="s", id="f", type="of.the.future", data={"x": [1, None]})
        journal.append(
            session="s", id="r", type="message.revised", data={"message": "m1", "content": "new"}
        )
    with Projection.open(journal_dir) as projection:
        digest = projection.digest()
    (journal_dir / "lanes/1/000001.jsonl").unlink()
    assert _kinds(journal_dir) == ["log"]
    assert salvage(open_directory(journal_dir)).events == 5
    with Projection.open(journal_dir) as projection:
        assert projection.digest() == digest
        assert projection.messages("s")[0].content == "new"
        assert projection.status().conflicts == 1


def test_redacted_events_are_written_back(journal_dir: Path) -> None:
    """Each content of a key, conflicts too, is written back with its field `redacted`."""
    clear = message("m1", "hunter2 and sk-北京-9")
    variants = [redacted(clear, key, rules) for key in KEYS for rules in ("rules 1", "rules 2")]
    with Journal.open(journal_dir) as journal:
        for event in [*variants, clear, message("m1", "another")]:
            new = (event.session, event.id, event.type, event.data, event.redacted, None)
            journal._append([new])
    before = [at.record.event for at in read_events(journal_dir / "lanes", _no_damage)]
    with Projection.open(journal_dir) as projection:
        digest = projection.digest()
        assert (projection.status().duplicates, projection.status().conflicts) == (4, 1)
    assert verify(open_directory(journal_dir)) == []
    (journal_dir / "lanes/1/000001.jsonl").unlink()
    assert salvage(open_directory(journal_dir)).events == 6
    assert [at.record.event for at in read_events(journal_dir / "lanes", _no_damage)] == before
    with Projection.open(journal_dir) as projection:
        assert projection.digest() == digest


def test_salvage_of_a_complete_journal_changes_nothing(journal_dir: Path) -> None:
    """A complete journal is not changed."""
    _append(journal_dir, range(3))
    _ids(journal_dir)
    before = [at.record for at in read_events(journal_dir / "lanes", _no_damage)]
    for _ in range(2):
        assert salvage(open_directory(journal_dir)).events == 0
    assert [at.record for at in read_events(journal_dir / "lanes", _no_damage)] == before


def _no_damage(*found: object) -> None:
    raise AssertionError(found)


def test_salvage_without_a_projection_is_an_error(journal_dir: Path) -> None:
    """Without a projection, salvage raises an error instead of reporting that nothing was lost."""
    _append(journal_dir, range(3))
    with pytest.raises(ProjectionError, match="no projection to save anything from"):
        salvage(open_directory(journal_dir))


@pytest.mark.slow
def test_a_replaced_segment_is_read_again(
    journal_dir: Path, tmp_path: Path, expect_problems: Callable[..., None]
) -> None:
    """Another file of the same size is noticed, and the events of both files are then known."""
    _append(journal_dir, range(2))
    other = tmp_path / "other"
    with Journal.open(other) as journal:
        for number in range(5, 7):
            journal.append_message("s", "user", f"word{number}", id=f"m{number}")
    _ids(journal_dir)
    segment = journal_dir / "lanes/1/000001.jsonl"
    assert segment.stat().st_size == (other / "lanes/1/000001.jsonl").stat().st_size
    segment.write_bytes((other / "lanes/1/000001.jsonl").read_bytes())
    assert _kinds(journal_dir) == ["log"]
    _append(journal_dir, range(7, 8))
    assert _ids(journal_dir) == ["m0", "m1", "m5", "m6", "m7"]
    assert salvage(open_directory(journal_dir)).events == 2
    del expect_problems


@pytest.mark.parametrize("lost", [("1",), ("2",), ("1", "2")], ids="+".join)
@pytest.mark.slow
def test_a_deleted_message_stays_deleted_when_its_lane_is_written_back(
    journal_dir: Path, lost: tuple[str, ...]
) -> None:
    """Records are written back with lane and number, so that a sweep still covers them."""
    with SessionStore.open(journal_dir) as one, SessionStore.open(journal_dir) as two:
        one.append("s", "user", "deleted", id="m1")
        two.append("s", "user", "deleted", id="m1")  # the deletion also covers this copy
        one.append("t", "user", "stays", id="m1")
        two.delete("s")
        one.append("s", "user", "behind it", id="m2")
        assert one.position is not None
        one.wait_for(one.position, timeout=5.0)
        digest = one.projection.digest()
    for name in lost:
        shutil.rmtree(journal_dir / "lanes" / name)
    assert salvage(open_directory(journal_dir)).events > 0
    rebuild(open_directory(journal_dir))
    with SessionStore.open(journal_dir) as store:
        assert [m.content for m in store.messages("s")] == ["behind it"]
        assert [m.content for m in store.messages("t")] == ["stays"]
        assert store.projection.digest() == digest
        # a writer that opens now does not continue a lane that was written back
        position = store.journal.append_message("t", "user", "new", id="m9")
        store.wait_for(position, timeout=5.0)
        assert store.messages("t")[-1].id == "m9"


_T = 10**15
_LATER_COPY = [Fact("LC", 1, message("m", "alpha", time=_T + 9))]
_RIVAL = [Fact("LB", 1, message("m", "beta", time=_T + 2))]
_CLEARED = [Fact("LC", 1, Event("s", "d", SESSION_CLEARED, _T + 3, _T + 3, {"seen": {"LA": 1}}))]
_COPY = [Fact("LB", 7, message("m", "alpha", time=_T + 2))]


@pytest.mark.parametrize(
    "others", [[_COPY, _CLEARED], [_RIVAL, _LATER_COPY]], ids=["swept", "first"]
)
def test_a_record_is_written_back_although_another_lane_has_its_event(
    journal_dir: Path, others: list[list[Fact]], expect_problems: ExpectedProblems
) -> None:
    """A sweep may have read this record only, or this record may be the first."""
    lanes = open_directory(journal_dir).lanes
    for name, records in enumerate(
        [[Fact("LA", 1, message("m", "alpha", time=_T + 1))], *others], 1
    ):
        write_lane(lanes, str(name), records)
    with Projection.open(journal_dir) as projection:
        digest = projection.digest()
        shutil.rmtree(lanes / "1")
        assert salvage(open_directory(journal_dir)).events == 1
        assert projection.digest() == digest
    if others[0] is _COPY:
        expect_problems("gap", "header")


@pytest.mark.slow
def test_an_edit_has_a_higher_order_than_what_was_written_back(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lane folder that was written back ends with the highest order in it."""
    ahead = [1_800_000_000]
    real = clock.wall
    monkeypatch.setattr(clock, "wall", lambda: real() + ahead[0])
    with Journal.open(journal_dir) as one, Journal.open(journal_dir) as two:
        one.append(session="@keys", type="key.set", data={"key": "k", "value": "old"})
        ahead[0] = 0
        two.append_message("s", "user", "x", id="m1")
    with Projection.open(journal_dir) as projection:
        projection.digest()
    for name in ("1", "2"):
        shutil.rmtree(journal_dir / "lanes" / name)
    assert salvage(open_directory(journal_dir)).events == 2
    monkeypatch.setattr(clock, "_clocks", {})
    with Journal.open(journal_dir) as journal:
        journal.append(session="@keys", type="key.set", data={"key": "k", "value": "new"})
    with SessionStore.open(journal_dir) as store:
        assert store.keys.get("k") == "new"


def test_messages_of_a_forgotten_transcript_are_not_written_back_as_records(
    journal_dir: Path,
) -> None:
    """They would stand under its number, and count as seen by what has seen the transcript."""
    with Journal.open(journal_dir) as other_lane, Journal.open(journal_dir) as journal:
        other_lane.append_message("s1", "user", "a", id="m1")
        item = {"id": "m1", "role": "user", "content": "a"}
        other = {"id": "m2", "role": "user", "content": "b"}
        data = {"messages": [item, other], "seen": {}}
        journal.append(session="s1", id="e1", type="transcript.replaced", data=data)
    with Projection.open(journal_dir) as projection:
        assert [message.id for message in projection.messages("s1")] == ["m1", "m2"]
    forget(journal_dir, Selection(messages=(("s1", "e1"),)))
    left = [record.event.id for record in events(journal_dir) if record.event.session == "s1"]
    assert left == ["m1"]
    with Projection.open(journal_dir) as projection:
        assert [message.id for message in projection.messages("s1")] == ["m1"]
