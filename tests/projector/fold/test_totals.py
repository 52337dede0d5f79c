"""The usage of a session is summed exactly, however large it is and in whatever order."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from journal.format.bounds import LARGEST
from journal.format.event import Event
from projector.apply.refold import LARGEST_TOTAL
from projector.db.digest import digest
from projector.projection import Projection
from projector.store import SessionStore
from tests.support.projections import catch_up, facts, scratch, write_lane

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def used(n: int, type: str = "usage.added", **data: Any) -> Event:  # noqa: ANN401 - counters
    """Return a usage event."""
    return Event("s", f"u{n}", type, 0, 0, data)


def projected(folder: Path, events: Sequence[Event], pieces: int) -> tuple[dict[str, Any], str]:
    """Apply events in this number of parts; return the rows of their totals, and the digest."""
    folder.mkdir()
    with scratch(folder / "1.db") as db:
        for n in range(pieces):
            if part := events[n::pieces]:
                write_lane(folder / "lanes", str(n), facts(*part, lane=f"L{n}"))
                catch_up(db, folder / "lanes")
        rows = db.execute("SELECT name, total, exact FROM _usage ORDER BY name")
        return {name: (total, exact) for name, total, exact in rows}, digest(db)


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        ([used(1, estimated_cost=1e10)], {"estimated_cost": (LARGEST_TOTAL, str(10**19))}),
        (
            [used(n, input_tokens=LARGEST) for n in range(1_100)],
            {"input_tokens": (LARGEST_TOTAL, str(LARGEST * 1_100))},
        ),
        (
            [used(1, "usage.set", actual_cost=LARGEST)],
            {"actual_cost": (LARGEST_TOTAL, f"{LARGEST}000000000")},
        ),
        ([used(n, api_calls=LARGEST) for n in range(1_024)], {"api_calls": (2**63 - 1024, None)}),
    ],
    ids=["a cost", "a sum", "a total", "the last that fits"],
)
def test_a_sum_passes_64_bits(
    tmp_path: Path, events: list[Event], wanted: dict[str, tuple[int, str | None]]
) -> None:
    """A sum beyond 64 bits is exact, also beside the largest integer of SQLite."""
    for number, pieces in enumerate((1, 3)):
        assert projected(tmp_path / str(number), events, pieces)[0] == wanted


@pytest.mark.slow
def test_a_sum_that_passes_64_bits_does_not_depend_on_its_order(tmp_path: Path) -> None:
    """A sum that exceeds 64 bits and is set lower gives one digest in any order."""
    events = [used(n, input_tokens=LARGEST, actual_cost=3e9) for n in range(1_030)]
    found = []
    for seed in range(3):
        Random(seed).shuffle(events)  # noqa: S311 - the same order each time
        write = [
            replace(e, time=10**15 + int(e.id[1:]), order=10**15 + int(e.id[1:])) for e in events
        ]
        found.append(projected(tmp_path / f"{seed}", write, seed + 1)[1])
    assert len(set(found)) == 1


@pytest.mark.parametrize("pieces", [1, 2, 5])
def test_a_call_that_is_added_in_parts_counts_once(tmp_path: Path, pieces: int) -> None:
    """A counter of a call counts by its greatest value; other calls and additions count whole."""
    events = [
        used(1, call="c1", input_tokens=3, output_tokens=1),
        used(2, call="c1", input_tokens=3, output_tokens=20),
        used(3, call="c1", output_tokens=7, cache_read_tokens=100),
        used(4, call="c2", output_tokens=7),
        used(5, output_tokens=1000),
    ]
    totals = projected(tmp_path / "p", events, pieces)[0]
    wanted = {"input_tokens": 3, "output_tokens": 1027, "cache_read_tokens": 100}
    assert {name: total for name, (total, _) in totals.items()} == wanted


def test_an_event_that_exceeds_every_bound_is_projected(journal_dir: Path) -> None:
    """An event whose sum exceeds every bound is applied, as are those behind it and a rebuild."""
    with SessionStore.open(journal_dir) as store:
        store.journal.append_message("s1", "user", "before", id="m1")
        store.add_usage("s1", estimated_cost=1e10, input_tokens=LARGEST)
        store.journal.append_many(
            [
                {"session": "s1", "type": "usage.added", "data": {"input_tokens": LARGEST}}
                for _ in range(1_100)
            ]
        )
        store.journal.append_message("s2", "user", "afterwards", id="m2")
        assert store.session("s1").usage == {
            "input_tokens": LARGEST_TOTAL,
            "estimated_cost": LARGEST_TOTAL / 1_000_000_000,
        }
        assert [hit.id for hit in store.search("afterwards").hits] == ["m2"]
    with Journal.open(journal_dir) as journal, Projection.open(journal_dir) as projection:
        journal.append(session="s1", type="usage.set", data={"input_tokens": 5})
        assert projection.session("s1").usage["input_tokens"] == 5
