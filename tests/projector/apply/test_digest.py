"""The digest is equal for equal content, and differs for every difference that counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from journal.format.event import Event
from journal.format.redacted import Redacted
from projector.db.digest import digest
from tests.support.projections import Fact, catch_up, facts, message, scratch, write_lane

_BASE = [
    message("m1", "alpha", timestamp=10**15),
    message("m2", "beta", parent="m1"),
    Event("s", "c1", "session.created", 0, 0, {"title": "t", "extra": {"a": 1}}),
    Event("s", "r1", "message.revised", 0, 0, {"message": "m1", "content": "gamma"}),
    Event("s", "u1", "tool.used", 0, 0, {"x": 1}),
]


def _digest(*lanes: list[Fact]) -> str:
    with TemporaryDirectory() as folder:
        path = Path(folder)
        for number, records in enumerate(lanes, 1):
            write_lane(path / "lanes", str(number), records)
        with scratch(path / "1.db") as db:
            catch_up(db, path / "lanes")
            return digest(db)


def _changed(index: int, **fields: Any) -> list[Fact]:  # noqa: ANN401 - any fields of an event
    events = list(_BASE)
    events[index] = replace(events[index], **fields)
    return facts(*events)


def test_it_does_not_depend_on_lanes_numbers_and_times_of_arrival() -> None:
    """The same events, appended elsewhere, later and in another order, give the same digest."""
    expected = _digest(facts(*_BASE))
    assert len(expected) == 64
    later = [replace(event, time=10**15 + 1000 - n) for n, event in enumerate(_BASE)]
    assert _digest(facts(*later[::-1], lane="other")) == expected
    assert _digest(facts(*_BASE[:2], lane="a"), facts(*_BASE[2:], lane="b")) == expected
    assert _digest(facts(*_BASE, lane="a"), facts(*_BASE, lane="b")) == expected


@pytest.mark.parametrize(
    "other",
    [
        facts(*_BASE[:-1]),
        _changed(0, id="m9"),
        _changed(0, session="s9"),
        _changed(0, type="tool.used"),
        _changed(0, data={"role": "user", "content": "alpha", "timestamp": 10**15 + 1}),
        _changed(0, data={"role": "tool", "content": "alpha", "timestamp": 10**15}),
        _changed(1, data={"role": "user", "content": "beta"}),
        _changed(2, data={"title": "u", "extra": {"a": 1}}),
        _changed(2, data={"title": "t", "extra": {"a": 1.0}}),
        _changed(3, data={"message": "m2", "content": "gamma"}),
        _changed(4, data={"x": True}),
        facts(*_BASE, message("m1", "another")),
        _changed(0, redacted=Redacted("k", "o", "r", {})),
        _changed(4, redacted=Redacted("k", "o", "r", {})),
        facts(*_BASE, replace(_BASE[0], redacted=Redacted("k", "o", "r", {}))),
        facts(*_BASE, Event("s", "e1", "session.ended", 0, 0, {})),
    ],
)
def test_anything_that_counts_changes_it(other: list[Fact]) -> None:
    """One event more or less, another field, a conflict or an end gives another digest."""
    assert _digest(other) != _digest(facts(*_BASE))


def test_the_content_in_force_changes_it() -> None:
    """Two conflicts that differ in which content is in force have different digests."""
    one, other = message("m1", "alpha"), message("m1", "beta")
    assert _digest(facts(one, other)) != _digest(facts(other, one))


def test_reading_it_changes_nothing(tmp_path: Path) -> None:
    """A digest can be computed any number of times, also of an empty projection."""
    with scratch(tmp_path / "1.db") as db:
        before = digest(db)
        assert digest(db) == before
        assert not db.in_transaction
