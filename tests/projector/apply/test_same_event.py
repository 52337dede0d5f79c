"""Two contents of one key that differ by redaction are one event, in any order of arrival."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.format.event import Event
from journal.format.event_types import MESSAGE_APPENDED, TRANSCRIPT_REPLACED
from journal.format.redacted import Redacted, mark
from projector.apply.applier import Applier
from projector.apply.portion import unbounded
from projector.db.connections import create_in_memory
from tests.support.model import Content, Model, content
from tests.support.projections import Fact, counters, message
from tests.support.redaction.variants import KEYS, RULES, redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import apsw

CLEAR = [
    message("m", text)
    for text in ("a hunter2 and sk-北京-9", "a hunter2", "a hunter2 and more", "plain")
]
VARIANTS = [
    *CLEAR,
    *(redacted(event, key, rules) for event in CLEAR for key in KEYS for rules in RULES),
]
"""Four messages, and one more, as writers with several keys and rules redact them."""
FOREIGN = [replace(event, redacted=None) for event in VARIANTS if event.redacted is not None]
"""Events whose marks are part of the original text."""


def _in_transcript(event: Event) -> Event:
    """Return a transcript that contains a message, redacted like the message."""
    item = {"id": event.id, **event.data}
    given = event.redacted and replace(event.redacted, original="0" * 32)
    return Event("s", "t", TRANSCRIPT_REPLACED, 0, 0, {"messages": [item]}, given)


_events = st.sampled_from([*VARIANTS, *VARIANTS, *FOREIGN, *map(_in_transcript, VARIANTS)])


@st.composite
def _records(draw: st.DrawFn) -> list[Fact]:
    found: list[Fact] = []
    for event in draw(st.lists(_events, min_size=1, max_size=8)):
        lane = draw(st.sampled_from("ab"))
        order = draw(st.integers(1, 6))
        found.append(Fact(lane, len(found) + 1, replace(event, time=order, order=order)))
    return found


def _project(db: apsw.Connection, batches: Iterable[Sequence[Fact]]) -> None:
    applier = Applier(db)
    for batch in batches:
        applier.apply(
            [
                prepared
                for fact in batch
                for prepared in applier.arrivals(
                    applier.state.lanes[fact.lane], fact.seq, fact.event
                )
            ]
        )
        applier.state.counters["latest"] = max(
            applier.state.counters["latest"], *(fact.event.order for fact in batch)
        )
        applier.finish(unbounded())


def _projected(batches: Iterable[Sequence[Fact]]) -> tuple[Content, int]:
    db = create_in_memory()
    try:
        _project(db, batches)
        return content(db, ["hunter2", "more"]), counters(db)["duplicates"]
    finally:
        db.close()


@given(_records(), st.data())
@pytest.mark.slow
def test_any_order_of_arrival_gives_the_models_result(
    records: list[Fact], data: st.DataObject
) -> None:
    """Order, batches and repeats of records change neither the digest nor the conflicts."""
    model = Model(records)
    first, duplicates = _projected([records])
    assert replace(first, digest="") == model.content(["hunter2", "more"])
    assert duplicates == model.duplicates
    arranged = data.draw(st.permutations(records))
    again = data.draw(st.lists(st.sampled_from(records), max_size=3))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(records)), max_size=3)))
    bounds = [0, *cuts, len(records)]
    batches = [arranged[a:b] for a, b in pairwise(bounds) if a < b]
    assert _projected([*batches, *([again] if again else [])])[0] == first


# consequences of the rule


def _one(text: str, original: str | None, *, key: str = "k", order: int = 1) -> Event:
    given = None if original is None else Redacted(key, original, "rules", {"password": 1})
    data = {"role": "user", "content": text}
    return Event("s", "m", MESSAGE_APPENDED, order, order, data, given)


M = mark("password", "000001")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([_one("a hunter2", None), _one(f"a {M}", "o")], (1, 0)),
        ([_one(f"a {M}", "o"), _one("a hunter2", None)], (1, 0)),
        ([_one(f"a {M}", "o"), _one("anything", "o")], (1, 0)),
        ([_one(f"a {M}", "o"), _one(f"a {M} ", "p")], (0, 1)),
        ([_one(f"a {M}", "o"), _one(f"b {M}", "o", key="l")], (0, 1)),
        ([_one(f"a {M}", "o"), _one("a x", "p", key="l")], (1, 0)),
        ([_one(f"a {M}", None), _one("a hunter2", None)], (0, 1)),
        ([_one("a x", None), _one(f"a {M}", "o"), _one("a y", "o")], (1, 1)),
        ([_one("a x", None), _one(f"a {M}", "o"), _one("a x", None)], (2, 0)),
    ],
)
def test_the_same_event_is_a_duplicate_and_no_conflict(
    events: list[Event], expected: tuple[int, int]
) -> None:
    """Duplicates and conflicts are counted by comparison with the event in force."""
    facts = [
        Fact("L1", seq, replace(event, time=seq, order=seq)) for seq, event in enumerate(events, 1)
    ]
    for batches in ([facts], [[fact] for fact in facts], [[fact] for fact in facts[::-1]]):
        db = create_in_memory()
        _project(db, batches)
        counted = counters(db)
        assert (counted["duplicates"], counted["conflicts"]) == expected
        assert len(db.execute("SELECT * FROM conflicts").fetchall()) == expected[1]
        db.close()


def test_duplicates_and_conflicts_follow_the_event_in_force() -> None:
    """When an earlier event arrives, a conflict becomes a duplicate and a duplicate a conflict."""
    in_force, covered, original = _one("a x", None), _one(f"a {M}", "o"), _one("a y", None)
    facts = [Fact("L1", 2, in_force), Fact("L1", 3, covered), Fact("L1", 4, original)]
    facts = [
        replace(fact, event=replace(fact.event, order=fact.seq, time=fact.seq)) for fact in facts
    ]
    db = create_in_memory()
    _project(db, [facts])
    assert (counters(db)["duplicates"], counters(db)["conflicts"]) == (1, 1)
    _project(db, [[Fact("L0", 1, _one("a y", None))]])
    assert (counters(db)["duplicates"], counters(db)["conflicts"]) == (2, 1)
    rows: list[tuple[Any, ...]] = db.execute(
        "SELECT data, same FROM _other_contents ORDER BY seq"
    ).fetchall()
    assert [("x" in data, same) for data, same in rows] == [(True, 0), (False, 1)]
    db.close()
