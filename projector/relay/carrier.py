"""What carries chunks from machine to machine: the protocol that every carrier implements.

A carrier promises little. What was sent may be lost, come twice, or in another order; it may
forget all at once. It refuses a chunk unless the one before it is the last that it has of the
segment: that is the fence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from projector.relay.chunk import Chunk, Place


@dataclass(frozen=True, slots=True)
class Last:
    """The last chunk that a carrier has of a segment.

    Attributes:
        fence: what the next chunk must name.
        end: offset behind the chunk.
        crc: CRC-32 of all bytes up to there.
        is_whole: whether the chunk ends the segment for ever.
    """

    fence: int
    end: int
    crc: int
    is_whole: bool


NOTHING = Last(0, 0, 0, is_whole=False)
"""A carrier has nothing of a segment."""


def mark_of(chunk: Chunk) -> str:
    """Return a text that distinguishes a chunk from others that could be at its cursor."""
    return f"{chunk.place.segment} {chunk.offset} {chunk.before:08x}"


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a carrier delivers.

    Attributes:
        cursor: its place among all that was sent: 1, 2, 3, ...; 0 where there is none.
        user: the carrier's user that sent it.
        chunk: the chunk; None if it is none that this program could read.
        problem: why there is no chunk.
        is_newer: whether a newer program could read it.
        key: a key of keyed hashes, as hexadecimal digits, if it is that; else empty.
        report: the report of a machine, if it is that; else empty.
        at: when it was stored, by the clock of the carrier, microseconds since 1970.
        behind: how many more there were behind it when it was delivered.
    """

    cursor: int
    user: str
    chunk: Chunk | None
    problem: str = ""
    is_newer: bool = False
    key: str = ""
    report: bytes = b""
    at: int = 0
    behind: int = 0


@dataclass(frozen=True, slots=True)
class Identity:
    """Which store of chunks this is.

    Attributes:
        name: another one means that it is another store.
        last: how many chunks were ever sent to it.
        mark: which chunk is at the cursor that was asked for; empty if there is none.
        clock: of the carrier, microseconds since 1970; 0 if it does not say.
        replicas: servers that keep it.
    """

    name: str
    last: int
    mark: str = ""
    clock: int = 0
    replicas: int = 1


class Source(Protocol):
    """Where chunks come from."""

    async def identity(self, cursor: int) -> Identity:
        """Return which store this is, and which chunk is at a cursor."""
        ...

    def follow(self, cursor: int) -> AsyncIterator[Arrived]:
        """Yield what was sent behind a cursor, in its order, as it arrives."""
        ...

    async def read(self, place: Place, offset: int) -> Chunk | None:
        """Return a chunk of a segment from any machine that has it; None if there is none.

        Args:
            place: the segment.
            offset: of the first byte.
        """
        ...


class Store(Protocol):
    """What has the segments of a machine, so that it gets them back."""

    async def places(self, machine: str) -> list[Place]:
        """Return the segments of a machine of which it has something."""
        ...

    async def last(self, place: Place) -> Last:
        """Return the last chunk of a segment; `NOTHING` if there is none."""
        ...

    def stored(self, place: Place) -> AsyncIterator[Chunk]:
        """Yield the chunks that it has of a segment, in their order; some may be missing."""
        ...

    async def read(self, place: Place, offset: int) -> Chunk | None:
        """Return a chunk of a segment from any machine that has it; None if there is none."""
        ...


class Carrier(Source, Protocol):
    """What carries chunks both ways."""

    async def send(self, chunk: Chunk, fence: int) -> int:
        """Send a chunk behind the last one of its segment, and return the next fence.

        Raises:
            Refused: the last chunk is another one.
            CarrierError: it is not known whether the chunk was taken.
        """
        ...

    async def last(self, place: Place) -> Last:
        """Return the last chunk of a segment; `NOTHING` if there is none."""
        ...

    async def erase(self, segment: str) -> int:
        """Remove the bytes of all our chunks of a segment; return how many chunks these were."""
        ...
