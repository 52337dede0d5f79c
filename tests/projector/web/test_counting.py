"""The counts of all messages: made on a thread, and again only where something has changed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from journal import Journal
from projector.projection import Projection
from projector.views.browsing.block import SIZE
from projector.views.browsing.census import count_block
from projector.views.sessions import brief
from projector.web import counting
from projector.web.reading import Readings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import apsw

    from projector.views.browsing.census import BlockCounts, Census

_SESSIONS = 2 * SIZE + 10


@pytest.fixture
def path(journal_dir: Path) -> Path:
    """A journal with sessions of three blocks."""
    with Journal.open(journal_dir, fsync="never") as journal:
        for number in range(_SESSIONS):
            journal.append_message(f"s{number:03}", "user", "x", id="m1")
            used = {"input_tokens": 10, "estimated_cost": 0.5}
            journal.append(session=f"s{number:03}", type="usage.added", data=used)
    _apply(journal_dir)
    return journal_dir


@pytest.fixture
def counted() -> Iterator[list[int]]:
    """The numbers of the blocks that were counted, as they are counted."""
    found: list[int] = []

    def note(db: apsw.Connection, block: int) -> BlockCounts:
        found.append(block)
        return count_block(db, block)

    with patch.object(counting, "count_block", note), patch.object(counting, "_GOOD", 0.0):
        yield found


def _apply(path: Path) -> None:
    with Projection.open(path) as projection:
        projection.read(lambda _: None)


def _until(readings: Readings, is_wanted: Callable[[Census], bool]) -> Census:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        census = readings.counting.census()
        if census is not None and is_wanted(census):
            return census
        time.sleep(0.01)
    raise AssertionError("the counts did not come")


def _messages(census: Census) -> int:
    return sum(census.report("day", None).hours.values())


def test_only_what_has_changed_is_counted_again(path: Path, counted: list[int]) -> None:
    """A message of a session in the last block: that block alone is read, and the sums are new."""
    with Readings(path) as readings:
        _until(readings, lambda census: _messages(census) == _SESSIONS)
        assert sorted(counted) == [0, 1, 2]
        with patch.object(counting, "_SHARE", 0):
            with Journal.open(path) as journal:
                used = {"input_tokens": 5, "estimated_cost": 9.0}
                journal.append_message(f"s{_SESSIONS - 1:03}", "user", "y", id="m2")
                journal.append(session=f"s{_SESSIONS - 1:03}", type="usage.added", data=used)
            _apply(path)
            counted.clear()
            census = _until(readings, lambda census: _messages(census) > _SESSIONS)
        assert set(counted) == {2}
        assert census.report("day", None).total.input_tokens == _SESSIONS * 10 + 5
        first = census.costliest[0]
        row = census.session(first)
        assert row is not None
        assert (row.input_tokens, row.cost) == (15, 9_500_000)


def test_another_generation_is_counted_whole(path: Path, counted: list[int]) -> None:
    """Its rowids are others."""
    with Readings(path) as readings, patch.object(counting, "_SHARE", 0):
        first = _until(readings, lambda census: _messages(census) == _SESSIONS)
        with Projection.open(path) as projection:
            projection.rebuild()
        counted.clear()
        _until(readings, lambda census: census is not first and len(counted) >= 3)
        assert {0, 1, 2} <= set(counted)


def test_what_is_prepared_is_made_before_the_counts_are_known(path: Path) -> None:
    """A page finds it ready."""
    with Readings(path) as readings:
        made: list[int] = []
        readings.counting.prepare(lambda census: made.append(_messages(census)))
        _until(readings, lambda _: True)
        assert made == [_SESSIONS]


def test_the_usage_of_a_long_session_is_that_of_the_counts(path: Path) -> None:
    """It is not added up while a page waits: None until it is counted, then what is known."""
    with Readings(path) as readings, patch.object(counting, "_LONG", 1):

        def used() -> object:
            return readings.peek(lambda db: readings.counting.used(db, brief(db, "s001")))

        assert used() is None
        _until(readings, lambda _: True)
        row = used()
        assert row is not None
        assert (row.input_tokens, row.cost) == (10, 500_000)  # type: ignore[attr-defined] # a UsageRow
