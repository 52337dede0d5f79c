"""What happens with chunks that arrive: mirrors grow, holes are noted and filled.

Two things are found here that nothing else shows: a fork, where other bytes stand in a mirror, and
bytes under our own name that are not here (`NotOurs`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from projector.relay.chunk import Chunk, Whole
from projector.relay.errors import ChunkError, ForkFound, Hole
from projector.relay.files.own import chunks, prefix_crc

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from projector.relay.carrier import Arrived, Source
    from projector.relay.chunk import Place
    from projector.relay.files.held import Held
    from projector.relay.files.mirror import Mirrors
    from projector.relay.files.ours import Ours


@dataclass(frozen=True, slots=True)
class Wanted:
    """Up to where a segment is known to have bytes, and what it has in all if that is known."""

    end: int
    whole: Whole | None = None


class Inbound:
    """Adds what arrives to the mirrors.

    Attributes:
        holes: segments of which bytes are missing, and up to where they are known to exist.
        problems: what was kept out or is wrong, by the segment.

    Args:
        machine: the uuid of this machine.
        former: the uuids that it had before.
        ours: its own segments.
        mirrors: those of the others.
        is_sent: whether this process sent a chunk itself, so that it need not be compared.
    """

    def __init__(
        self,
        machine: str,
        former: Collection[str],
        ours: Ours,
        mirrors: Mirrors,
        is_sent: Callable[[Chunk], bool] = lambda _chunk: False,
    ) -> None:
        self.holes: dict[Place, Wanted] = {}
        self.problems: dict[Place, str] = {}
        self._machine = machine
        self._former = frozenset(former)
        self._ours = ours
        self._mirrors = mirrors
        self._is_sent = is_sent

    def take(self, arrived: Arrived) -> bool:
        """Take what a carrier delivers; return whether a mirror has changed.

        Raises:
            NotOurs: others have bytes under our name that are not here.
            TooLarge: the mirrors may not grow so much.
            OSError: the file system refuses.
        """
        return arrived.chunk is not None and self.add(arrived.chunk)

    def add(self, chunk: Chunk) -> bool:
        """Add a chunk; return whether a mirror has changed.

        Raises:
            NotOurs: others have bytes under our name that are not here.
            TooLarge: the mirrors may not grow so much.
            OSError: the file system refuses.
        """
        place = chunk.place
        if place.machine == self._machine:
            if not self._is_sent(chunk) and (damage := self._ours.check(chunk)):
                self.problems[place] = damage
            return False
        if place.machine in self._former and self._mirrors.find(place) is None:
            segment = self._ours.find(place)
            if segment is not None and segment.is_final and self._ours.has(chunk):
                return False  # it is here as our own, from before we became another machine
        try:
            changed = self._mirrors.add(chunk)
        except Hole:
            if self._copy_own(chunk):
                return self.add(chunk)
            end = chunk.whole.size if chunk.whole else chunk.end
            known = self.holes.get(place, Wanted(0))
            self.holes[place] = Wanted(max(known.end, end), chunk.whole or known.whole)
            for held in self._mirrors.unfinished(place):  # it waits for the end of these
                self.holes.setdefault(held.place, Wanted(held.size + 1))
            return False
        except (ForkFound, ChunkError) as error:
            self.problems[place] = str(error)
            return False
        return self._settle(place) or changed

    async def fill(self, source: Source) -> bool:
        """Read what is missing from any machine that has it; return whether something came.

        Raises:
            NotOurs, TooLarge, OSError: as `add`.
        """
        came = False
        for place in tuple(self.holes):
            while place in self.holes:
                if self._mirrors.is_superseded(place.segment):
                    del self.holes[place]
                    break
                offset = self._size(place)
                chunk = self._waiting(place) or await source.read(place, offset)
                if chunk is None or chunk.place != place or not self.add(chunk):
                    break
                came = True
        return came

    def _waiting(self, place: Place) -> Chunk | None:
        """Return the end of a draft that is complete, and waits for segments in front of it."""
        held = self._mirrors.incoming(place)
        if held is None or not held.is_whole:
            return None
        return Chunk(place, held.size, held.crc, b"", Whole(held.size, held.crc))

    def _copy_own(self, chunk: Chunk) -> bool:
        """Begin the mirror of a former self with our own bytes, which were not mirrored before.

        Returns:
            Whether all bytes in front of a chunk are in the mirror by it.
        """
        place = chunk.place
        segment = self._ours.find(place) if place.machine in self._former else None
        if segment is None or self._held(place) is not None:
            return False
        if prefix_crc(segment.path, chunk.offset) != chunk.before:
            return False
        for part in chunks(replace(segment, is_final=False), place, 0, 0):
            kept = part.data[: chunk.offset - part.offset]
            if kept:
                self._mirrors.add(replace(part, data=kept))
        return self._size(place) >= chunk.offset

    def _size(self, place: Place) -> int:
        held = self._held(place)
        return held.size if held else 0

    def _held(self, place: Place) -> Held | None:
        return self._mirrors.find(place) or self._mirrors.incoming(place)

    def _settle(self, place: Place) -> bool:
        """Forget a hole that is filled, and holes of what was replaced; end what is whole.

        Returns:
            Whether a mirror has changed.
        """
        for other in tuple(self.holes):
            if self._mirrors.is_superseded(other.segment):
                del self.holes[other]
        wanted = self.holes.get(place)
        held = self._held(place)
        is_whole = held is not None and held.is_whole
        if wanted is None or (self._size(place) < wanted.end and not is_whole):
            return False
        del self.holes[place]
        whole = wanted.whole
        return whole is not None and self.add(Chunk(place, whole.size, whole.crc, b"", whole))
