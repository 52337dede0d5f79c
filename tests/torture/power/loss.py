"""The part of the unflushed writes that a disk keeps. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from .operations import Flush, Write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from .operations import Operation

Loss = Literal["none", "all", "prefix", "torn", "half", "sectors"]
"""The unflushed writes that are kept: none; all; the first ones; the first ones and a part of the
next; each at random; each sector of each at random."""
LOSSES: tuple[Loss, ...] = get_args(Loss)


@dataclass(frozen=True, slots=True)
class Cut:
    """A moment at which the power fails.

    Attributes:
        done: number of operations that the disk had answered.
        at: the last nanosecond (CLOCK_MONOTONIC) at which only these were answered.
        loss: which of the unflushed writes are kept.
        sector: bytes that the disk writes completely or not at all.
    """

    done: int
    at: int
    loss: Loss
    sector: int


def last_flush(operations: Sequence[Operation], done: int) -> int:
    """Return how many of the first `done` operations the last flush among them made durable."""
    for index in range(done - 1, -1, -1):
        if isinstance(operations[index], Flush):
            return index + 1
    return 0


def writes(operations: Sequence[Operation]) -> list[Write]:
    """Return the writes among operations, in order."""
    return [operation for operation in operations if isinstance(operation, Write)]


def kept(unflushed: Sequence[Write], cut: Cut, rng: Random) -> list[Write]:
    """Return the parts of unflushed writes that are kept, in the order of writing.

    Args:
        unflushed: the writes after the last flush, in order; complete sectors.
        cut: which of them are kept.
        rng: makes the random choices.
    """
    match cut.loss:
        case "none":
            return []
        case "all":
            return list(unflushed)
        case "prefix":
            return list(unflushed[: rng.randint(0, len(unflushed))])
        case "torn":
            return _torn(unflushed, cut.sector, rng)
        case "half":
            return [write for write in unflushed if rng.random() < 0.5]
        case "sectors":
            sectors = (sector for write in unflushed for sector in _sectors(write, cut.sector))
            return [sector for sector in sectors if rng.random() < 0.5]


def _torn(unflushed: Sequence[Write], sector: int, rng: Random) -> list[Write]:
    whole = rng.randrange(len(unflushed)) if unflushed else 0
    last = [part for write in unflushed[whole : whole + 1] for part in _sectors(write, sector)]
    return [*unflushed[:whole], *last[: rng.randint(0, len(last))]]


def _sectors(write: Write, sector: int) -> Iterator[Write]:
    """Yield the parts of a write, split at the boundaries of the disk's sectors."""
    start = 0
    while start < len(write.data):
        end = start + sector - (write.offset + start) % sector
        yield Write(write.at, write.offset + start, write.data[start:end])
        start = end
