"""Searches of a time find what a plain comparison of times finds."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from projector import Projection
from projector.search.filters import Filters, narrowing

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400_000_000
START = 20_448 * DAY
"""The first day of a span of 16 days, in December 2025."""
_TURNS = 300


def _message(id: str, timestamp: int | None) -> dict[str, Any]:
    data: dict[str, Any] = {"role": "user", "content": f"quokka {id}"}
    if timestamp is not None:
        data["timestamp"] = timestamp
    return {"session": "s", "id": id, "type": "message.appended", "data": data}


def _moments(random: Random) -> list[int]:
    """Return times over some months, many of them at the beginning of a day or beside it."""
    days = [random.randrange(100) for _ in range(80)]
    near = [START + day * DAY + random.choice((-1, 0, 1, DAY // 2)) for day in days]
    return sorted({*near, START, START + 16 * DAY - 1, START + 16 * DAY})


@pytest.fixture
def projection(journal_dir: Path) -> Projection:
    """Messages at `_moments`, and some without a date of their own."""
    moments = _moments(Random(1))  # noqa: S311 - no secret
    with Journal.open(journal_dir) as journal:
        journal.append_many([_message(f"m{time}", time) for time in moments])
        journal.append_many([_message(f"u{number}", None) for number in range(3)])
    return Projection.open(journal_dir)


def _bounds(random: Random) -> tuple[int | None, int | None]:
    def bound() -> int | None:
        day = START + random.randrange(-20, 120) * DAY
        moved = day + random.choice((-1, 0, 0, 1, DAY // 2, DAY // 2 + 1))
        return random.choice((None, moved, moved, moved, random.randrange(3 * DAY), 2**52))

    return bound(), bound()


def test_a_time_is_found_as_its_bounds_say(projection: Projection) -> None:
    """Bounds in a day and between days, in a span and between spans, far away, and none."""
    _check(projection)


@pytest.mark.parametrize("mixed", [0, 40])
def test_messages_in_the_order_of_their_times_are_found_by_rowids(
    mixed: int, journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are not, as of an import, are found by their tags beside them.

    Args:
        mixed: how many messages, the first ones, are in no order.
        journal_dir: the journal.
        monkeypatch: makes few messages enough for that.
    """
    monkeypatch.setattr("projector.search.conditions.times._PLAIN", 1)
    monkeypatch.setattr("projector.search.conditions.times._LONG", 1)
    moments = _moments(Random(1))  # noqa: S311 - no secret
    early = moments[:mixed]
    Random(3).shuffle(early)  # noqa: S311 - no secret
    messages = [_message(f"m{time}", time) for time in (*early, *moments[mixed:])]
    undated = [_message(f"u{number}", None) for number in range(3)]
    with Journal.open(journal_dir) as journal:
        journal.append_many([*undated, *messages])
    _check(Projection.open(journal_dir))
    asked = Filters(until=moments[-9])
    with Projection.open(journal_dir) as projection:
        found, _ = projection.read(lambda db: narrowing(db, asked))
    assert found is not None
    plain, inside, _edges = found.parts
    assert plain.tags == ()
    assert plain.between is not None
    assert inside.between == (0, plain.between[0] - 1)
    assert plain.between[1] - plain.between[0] > 20


def _check(projection: Projection) -> None:
    """Compare searches of many times with plain comparisons."""
    random = Random(2)  # noqa: S311 - no secret
    moments = _moments(Random(1))  # noqa: S311 - no secret
    with projection:
        now = {hit.id: hit.time for hit in projection.search("quokka", limit=9) if hit.id[0] == "u"}
        assert len(now) == 3
        times = {f"m{time}": time for time in moments} | now
        for _ in range(_TURNS):
            since, until = _bounds(random)
            found = projection.search("quokka", since=since, until=until, limit=200).hits
            assert {hit.id for hit in found} == {
                id
                for id, time in times.items()
                if (since is None or time >= since) and (until is None or time < until)
            }, (since, until)
            assert len(found) == len({hit.id for hit in found}), (since, until)


def test_few_tags_find_a_long_time(projection: Projection) -> None:
    """Of a time of months, most days are found by spans, and only dates beside a bound compared."""
    asked = Filters(since=START - 100 * DAY + 1, until=START + 90 * DAY + 1)
    with projection:
        found, _ = projection.read(lambda db: narrowing(db, asked))
    assert found is not None
    inside, edges = found.parts
    assert inside.where == ""
    assert "e.timestamp" in edges.where
    assert len(inside.tags[0].split(" OR ")) < 40
    assert len(edges.tags[0].split(" OR ")) == 3
