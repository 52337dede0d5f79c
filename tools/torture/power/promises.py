"""What programs were promised, and what must be there when the power goes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

INTERVAL = 200_000_000
"""Nanoseconds after which an event of the level `interval` is durable."""
_FOR_THE_DISK = 100_000_000
"""Nanoseconds of them that are meant for the disk: what it takes longer delays the promise."""


@dataclass(frozen=True, slots=True)
class Promise:
    """That events survive a power loss.

    Attributes:
        at: nanoseconds of CLOCK_MONOTONIC, once the call that promised it had returned.
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
    """What one program did.

    Attributes:
        tried: of each event that it appended, when the call began (nanoseconds).
        promises: what it was promised.
        waits: when it waited for the disk: to write, to make files, to sync.
    """

    tried: dict[str, int]
    promises: tuple[Promise, ...]
    waits: tuple[Wait, ...]


def required(story: Story, moment: int) -> set[str]:
    """Return the ids that must be there if the power goes at `moment` (nanoseconds)."""
    return {
        id for promise in story.promises if _holds(promise, story, moment) for id in promise.ids
    }


def _holds(promise: Promise, story: Story, moment: int) -> bool:
    due = promise.at + promise.within
    if promise.within == 0 or due > moment:
        return due <= moment
    return due + _delay(story.waits, promise.at, moment) <= moment


def _delay(waits: Iterable[Wait], begin: int, end: int) -> int:
    """Return the nanoseconds by which the disk was too slow between two moments."""
    spent, counted = 0, begin
    for wait in sorted(waits, key=lambda one: one.began):
        # threads wait at the same time, which counts once
        spent += max(0, min(wait.ended, end) - max(wait.began, counted))
        counted = max(counted, wait.ended)
    return max(0, spent - _FOR_THE_DISK)


def oldest_lost(story: Story, moment: int, found: set[str]) -> int:
    """Return the age of the oldest acknowledged event that is not there, in nanoseconds.

    0 if all that was acknowledged up to `moment` is there.
    """
    return max(
        (
            moment - promise.at
            for promise in story.promises
            if promise.at <= moment and not found.issuperset(promise.ids)
        ),
        default=0,
    )
