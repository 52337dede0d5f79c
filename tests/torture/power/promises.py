"""The promises to programs: what must exist after a power loss, and what it explains. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.verify.checks import DEATH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from journal.verify.checks import Problem

INTERVAL = 200_000_000
"""Nanoseconds after which an event of the level `interval` is durable."""
_FOR_THE_DISK = 100_000_000
"""Nanoseconds of them for the disk itself: a slower disk delays the promise."""


@dataclass(frozen=True, slots=True)
class Promise:
    """The promise that events survive a power loss.

    Attributes:
        at: nanoseconds of CLOCK_MONOTONIC when the promising call had returned.
        within: nanoseconds after which it holds; 0 for at once.
        ids: the events.
    """

    at: int
    within: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """A call of the disk, from `began` to `ended` (nanoseconds, CLOCK_MONOTONIC)."""

    began: int
    ended: int


@dataclass(frozen=True, slots=True)
class Story:
    """The record of one program.

    Attributes:
        tried: for each appended event, when the call began (nanoseconds).
        promises: the promises that it got.
        waits: when it waited for the disk: to write, to make files, to sync.
    """

    tried: dict[str, int]
    promises: tuple[Promise, ...]
    waits: tuple[Wait, ...]


def required(story: Story, moment: int) -> set[str]:
    """Return the ids that must exist if the power fails at `moment` (nanoseconds)."""
    waited = _waited(story.waits)
    kept: set[str] = set()
    for promise in story.promises:
        due = promise.at + promise.within
        if promise.within and due <= moment:
            due += max(0, waited(moment) - waited(promise.at) - _FOR_THE_DISK)
        if due <= moment:
            kept.update(promise.ids)
    return kept


def _waited(waits: Iterable[Wait]) -> Callable[[int], int]:
    """Return a function that returns the nanoseconds of waits for the disk before a moment."""
    begins, ends, before = [0], [0], [0]
    for wait in sorted(waits, key=lambda one: one.began):
        # simultaneous waits of several threads count once
        if wait.ended > ends[-1]:
            before.append(before[-1] + ends[-1] - begins[-1])
            begins.append(max(wait.began, ends[-1]))
            ends.append(wait.ended)

    def until(moment: int) -> int:
        last = max(0, bisect_right(begins, moment) - 1)
        return before[last] + min(moment, ends[last]) - begins[last]

    return until


def oldest_lost(story: Story, moment: int, found: set[str]) -> int:
    """Return the age of the oldest acknowledged event that is lost, in nanoseconds.

    0 if all events that were acknowledged before `moment` exist.
    """
    return max(
        (
            moment - promise.at
            for promise in story.promises
            if promise.at <= moment and not found.issuperset(promise.ids)
        ),
        default=0,
    )


def unexplained(
    problems: Iterable[Problem], promised: Mapping[tuple[str, int], int], lost: int
) -> Iterator[Problem]:
    """Yield the problems that the power loss does not explain.

    An unfinished last line and an empty segment are explained. If an event was lost (a promised one
    would be reported separately), a gap is explained, and so are damaged bytes behind all promised
    records of their segment: ext4 may keep a file's new size with none or some sectors of the new
    bytes.

    Args:
        problems: what `journal verify` finds.
        promised: by lane folder and number of the segment, the offset behind its last promised
            record; missing if it has none.
        lost: events that were appended and do not exist.
    """
    for problem in problems:
        if problem.kind in DEATH:
            continue
        if lost and problem.kind == "gap":
            continue
        if lost and problem.kind in {"damage", "header"} and problem.segment is not None:
            end = promised.get((problem.lane, problem.segment), 0)
            if problem.offset is not None and problem.offset >= end:
                continue
        yield problem
