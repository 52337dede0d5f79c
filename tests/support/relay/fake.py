"""A carrier in memory that loses, repeats, mixes and cuts what it carries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from projector.relay.carrier import NOTHING, Arrived, Identity, Last
from projector.relay.errors import Refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from random import Random

    from projector.relay.chunk import Chunk, Place


class Fake:
    """A carrier in memory, with a fence as a server has it.

    Args:
        random: decides what it does to the chunks when they are followed.
        whole: the bytes of each segment, which `read` gives in pieces.
    """

    def __init__(self, random: Random, whole: dict[Place, list[Chunk]] | None = None) -> None:
        self._random = random
        self._whole = whole or {}
        self.sent: list[Chunk] = []

    async def identity(self, cursor: int) -> Identity:  # noqa: ARG002 - it has none
        """Return one name."""
        return Identity("fake", len(self.sent))

    async def send(self, chunk: Chunk, fence: int) -> int:
        """Keep a chunk.

        Raises:
            Refused: the fence is not that of the last chunk.
        """
        if fence != (await self.last(chunk.place)).fence:
            raise Refused("another chunk is the last")
        self.sent.append(chunk)
        return len(self.sent)

    async def last(self, place: Place) -> Last:
        """Return the last chunk of a segment."""
        for number, chunk in reversed(list(enumerate(self.sent, 1))):
            if chunk.place == place:
                return Last(number, chunk.end, chunk.after, chunk.whole is not None)
        return NOTHING

    async def follow(self, cursor: int) -> AsyncIterator[Arrived]:
        """Yield what was sent, with losses, repetitions, cuts, and out of order."""
        arriving = [c for c in self.sent[cursor:] if self._random.random() < 0.8]
        arriving += [c for c in self.sent if self._random.random() < 0.3]
        self._random.shuffle(arriving)
        if self._random.random() < 0.3:  # most carriers keep the order
            arriving = [c for c in self.sent if c in arriving]
        for number, chunk in enumerate(arriving, 1):
            yield Arrived(number, "u", self._cut(chunk))

    async def read(self, place: Place, offset: int) -> Chunk | None:
        """Return the chunk that begins at an offset, or a later part of one."""
        for chunk in self._whole.get(place, ()):
            if chunk.offset <= offset < chunk.end or offset == chunk.end == chunk.offset:
                skipped = chunk.data[: offset - chunk.offset]
                rest = chunk.data[len(skipped) :]
                start = replace(chunk, data=skipped).after
                return self._cut(replace(chunk, offset=offset, before=start, data=rest))
        return None

    async def erase(self, segment: str) -> int:
        """Drop the chunks of a segment."""
        before = len(self.sent)
        self.sent = [chunk for chunk in self.sent if chunk.place.segment != segment]
        return before - len(self.sent)

    def _cut(self, chunk: Chunk) -> Chunk:
        """Cut a chunk's end off, sometimes: as a copy that was interrupted."""
        if len(chunk.data) < 2 or self._random.random() < 0.8:
            return chunk
        kept = chunk.data[: self._random.randrange(1, len(chunk.data))]
        return replace(chunk, data=kept, whole=None)
