"""What a disk keeps of the writes that were not flushed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from .operations import Flush, Write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from .operations import Operation

Loss = Literal["none", "all", "prefix", "torn", "half", "sectors"]
"""Which of the unflushed writes are kept: none of them; all; the first ones; the first ones and a
part of the next; each or not, by chance; each sector of each or not, by chance."""
LOSSES: tuple[Loss, ...] = get_args(Loss)


@dataclass(frozen=True, slots=True)
class Cut:
    """A moment at which the power fails.

    Attributes:
        done: operations that the disk had answered.
        at: the last nanosecond (CLOCK_MONOTONIC) in which these and no more were answered.
        loss: what is kept of the writes that were not flushed.
        sector: bytes that the disk writes whole or not at all.
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
    """Return what is kept of unflushed writes, in the order in which it was written.

    Args:
        unflushed: the writes behind the last flush, in order; whole sectors.
        cut: what is kept of them.
        rng: decides what the kind of loss leaves open.
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
