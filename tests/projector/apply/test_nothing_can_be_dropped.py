"""Why compaction drops no record: each that seems to have no effect can have one later.

These are the cases of the chapter Compaction in `docs/format.md`. In each, a record without effect
is dropped from one of two journals that are alike, and then the same lane arrives in both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from journal.format.event import Event
from journal.format.event_types import ERASURE_REQUESTED, FORGET
from tests.support.arrangements import Replaced, write_plain
from tests.support.forgetting.model import put_key
from tests.support.forgetting.texts import KEY, hashed
from tests.support.model import content
from tests.support.projections import Fact, message
from tests.support.shown import shown

if TYPE_CHECKING:
    from pathlib import Path

WORDS = ("alpha", "beta")


@dataclass(frozen=True, slots=True)
class Case:
    """A record that seems to have no effect.

    Attributes:
        records: those of the lane L, in order; `dropped` is among them.
        dropped: number of the record.
        late: those of the lane that arrives.
    """

    records: tuple[Event, ...]
    dropped: int
    late: tuple[Event, ...]


def event(id: str, type: str, data: dict[str, Any], time: int = 0) -> Event:
    """Return an event of session s."""
    return Event("s", id, type, time, time, data)


def at(order: int, made: Event) -> Event:
    """Return an event with an order."""
    return replace(made, time=order, order=order)


SAID = message("m1", "alpha")
DELETED = event("d", "session.deleted", {"seen": {"L": 1}})
CLEARED = event("c", "session.cleared", {"seen": {"L": 1}})
OTHER = message("m2", "beta")
RESTORED = event("r", "message.restored", {"messages": ["m1"]})

CASES = {
    "another copy of a message that was deleted": Case((SAID, DELETED, OTHER), 1, (at(50, SAID),)),
    "another copy of a message that was cleared": Case((SAID, CLEARED, OTHER), 1, (at(50, SAID),)),
    "a deleted message is restored": Case((SAID, DELETED, OTHER), 1, (at(50, RESTORED),)),
    "a cleared message is in a new transcript": Case(
        (SAID, CLEARED, OTHER),
        1,
        (at(50, event("t", "transcript.replaced", {"messages": [{"message": "m1"}]})),),
    ),
    "a removed message has another content": Case(
        (SAID, event("x", "message.removed", {"messages": ["m1"]}), OTHER),
        1,
        (
            at(50, message("m1", "beta")),
            at(51, event("r", "message.restored", {"messages": ["m1"]})),
        ),
    ),
    "the event that replaced a value is a conflict": Case(
        (
            event("k1", "key.set", {"key": "k", "value": 1}),
            event("k2", "key.set", {"key": "k", "value": 2}),
            OTHER,
        ),
        1,
        (at(5, event("k2", "session.titled", {"title": "t"})),),
    ),
    "a value comes again behind the one that replaced it": Case(
        (
            event("k1", "key.set", {"key": "k", "value": 1}),
            event("k2", "key.set", {"key": "k", "value": 2}),
            OTHER,
        ),
        1,
        (at(50, event("k1", "key.set", {"key": "k", "value": 1})),),
    ),
    "the revision that replaced a revision is a conflict": Case(
        (
            SAID,
            event("v1", "message.revised", {"message": "m1", "content": "beta"}),
            event("v2", "message.revised", {"message": "m1", "content": "gamma"}),
            OTHER,
        ),
        2,
        (at(5, event("v2", "session.titled", {"title": "t"})),),
    ),
    "the deletion of a field is a conflict": Case(
        (event("t", "session.titled", {"title": "one"}), DELETED, OTHER),
        1,
        (at(5, event("d", "session.ended", {})),),
    ),
    "the deletion of usage is a conflict": Case(
        (event("u", "usage.added", {"input_tokens": 7}), DELETED, OTHER),
        1,
        (at(5, event("d", "session.ended", {})),),
    ),
    "a request forgets only the first of two": Case(
        (SAID, OTHER, SAID),
        3,
        (
            at(
                50,
                Event(
                    FORGET,
                    "f",
                    ERASURE_REQUESTED,
                    0,
                    0,
                    {"key": KEY.id, "events": [hashed("event", ["s", "m1"])], "reach": {"L": 1}},
                ),
            ),
        ),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_record_without_effect_has_one_when_a_lane_arrives(case: Case, tmp_path: Path) -> None:
    """Readers see nothing of it before; afterwards they see another thing where it was dropped."""
    whole = [Fact("L", seq, at(seq * 10, made)) for seq, made in enumerate(case.records, 1)]
    dropped = [fact for fact in whole if fact.seq != case.dropped]
    late = [Fact("M", seq, made) for seq, made in enumerate(case.late, 1)]
    assert _seen(tmp_path / "whole", whole) == _seen(tmp_path / "dropped", dropped)
    later = _seen(tmp_path / "whole later", [*whole, *late])
    assert later != _seen(tmp_path / "dropped later", [*dropped, *late])


def _seen(folder: Path, records: list[Fact]) -> tuple[object, ...]:
    """Return what readers see of records: sessions, messages, hits, totals and values."""
    folder.mkdir()
    put_key(folder)
    write_plain(folder / "lanes", records)
    with Replaced(folder / "dbs", folder / "lanes") as projection:
        projection.catch_up()
        found = content(projection.db, WORDS)
        # dates of messages apart, which no reader shows for one that is hidden
        return found.totals, found.keys, found.order, shown(projection.db, WORDS)
