"""Sends what the lanes of this machine have gained, chunk by chunk, behind the fence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.fs import disk
from journal.segments.segment import open_segment
from projector.relay.carrier import NOTHING
from projector.relay.chunk import Chunk, Place, is_anonymous
from projector.relay.errors import CarrierError, NotOurs, Refused
from projector.relay.files.ours import damage_text, damage_up_to
from projector.relay.files.own import cut, prefix_crc
from projector.relay.state import Sent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projector.relay.carrier import Carrier, Last
    from projector.relay.files.ours import Ours
    from projector.relay.files.own import Segment
    from projector.relay.state import State

_TRIES = 5
"""Times in a row that a chunk is refused, each time with another last one."""

Key = tuple[int, int, str]


class Outbound:
    """Sends own segments; one chunk of each is under way at a time.

    Args:
        machine: the uuid of this machine.
        former: the uuids that it had before.
        ours: its segments.
        state: what was sent.
    """

    def __init__(self, machine: str, former: Sequence[str], ours: Ours, state: State) -> None:
        self._machine = machine
        self._former = former
        self._ours = ours
        self._state = state
        self._sent = state.sent()
        self._unsaved: set[Key] = set()
        self._erased = state.erased()
        self._listed: list[Segment] = []
        self._checked: set[Key] = set()
        """Segments that begin with what was sent: a restored copy of the lanes would not."""
        self._damaged: dict[Key, tuple[int, int]] = {}
        """Segments that are not sent, and the version of the file that is damaged."""
        self.problems: dict[Place, str] = {}

    def sent(self, segment: Segment) -> Sent:
        """Return what was sent of a segment."""
        return self._sent.get(_key(segment), Sent())

    def is_sent(self, chunk: Chunk) -> bool:
        """Return whether the bytes of a chunk are among those that this machine has sent."""
        place = chunk.place
        sent = self._sent.get((place.lane, place.number, place.segment))
        return sent is not None and sent.fence is not None and chunk.end <= sent.size

    def all_sent(self) -> list[tuple[str, int, int]]:
        """Return uuid, size and checksum of what was sent."""
        return [(key[2], each.size, each.crc) for key, each in self._sent.items() if each.size]

    def take_unsaved(self) -> dict[Key, Sent]:
        """Return what was sent since the last call, for the state to remember.

        A relay that is killed before that asks the carrier for the last chunk.
        """
        found = {key: self._sent[key] for key in self._unsaved}
        self._unsaved.clear()
        return found

    def unsent(self) -> int:
        """Return how many bytes of our lanes are not sent.

        Raises:
            ReadError, OSError: a lane cannot be read.
        """
        return sum(max(0, each.size - self.sent(each).size) for each in self._ours.list())

    def waiting(self) -> list[Segment]:
        """List the segments that may have something to send.

        Raises:
            ReadError, OSError: a lane cannot be read.
        """
        self._listed = found = self._ours.list()
        here = {_key(segment) for segment in found}
        for key in tuple(self._sent):
            if key not in here and self._ours.is_superseded(key[2]):
                self._state.drop_sent(key)
                self._unsaved.discard(key)
                del self._sent[key]
        return [each for each in found if self._has_more(each)]

    async def send(self, segment: Segment, carrier: Carrier) -> int:
        """Send what a segment has behind what was sent; return how many bytes.

        Nothing of a damaged segment is sent, until it is repaired.

        Raises:
            NotOurs: others have other bytes under our name.
            CarrierError: the carrier cannot be reached.
            OSError: the segment cannot be read or synced.
        """
        place = segment.place(self._machine)
        sent, refused = self.sent(segment), 0
        if self._has_lost_its_header(segment):
            self._leave(segment, place, "its header is damaged")
            return 0
        with open_segment(segment.path) as file:
            fd = file.fileno()
            if sent.fence is None or not self._has_what_was_sent(segment, sent):
                if (asked := await self._ask(segment, place, carrier)) is None:
                    return 0
                sent = asked
            began = sent.size
            while not sent.is_whole and (chunk := cut(segment, fd, place, sent.size, sent.crc)):
                # others must not have what a power loss here would replace by something else
                disk.in_use.fdatasync(fd)
                try:
                    fence = await carrier.send(chunk, sent.fence or 0)
                except Refused as error:
                    refused += 1
                    if refused > _TRIES:
                        raise CarrierError(f"{place.segment}: {error}") from error
                    if (asked := await self._ask(segment, place, carrier)) is None:
                        break
                    sent = asked
                    continue
                refused = 0
                sent = Sent(chunk.end, chunk.after, fence, chunk.whole is not None)
                self._note(segment, sent)
        return sent.size - began

    async def erase_replaced(self, carrier: Carrier) -> int:
        """Erase in the carrier what rewritten segments replace, once these are there as a whole.

        Returns:
            How many chunks were erased.

        Raises:
            CarrierError: the carrier cannot be reached.
        """
        erased = 0
        for segment in self._listed:
            if segment.supersedes and self.sent(segment).is_whole:
                for uuid in segment.supersedes:
                    if uuid not in self._erased:
                        erased += await carrier.erase(uuid)
                        self._state.note_erased(uuid)
                        self._erased.add(uuid)
        return erased

    def _has_more(self, segment: Segment) -> bool:
        if self._damaged.get(_key(segment)) == segment.version:
            return False
        sent = self.sent(segment)
        if sent.fence is None or segment.size < sent.size:
            return True
        return not sent.is_whole and (segment.is_final or segment.size > sent.size)

    def _leave(self, segment: Segment, place: Place, damage: str) -> None:
        """Note that a segment is not sent, until its file is another one."""
        self.problems[place] = damage_text(place, damage)
        self._damaged[_key(segment)] = segment.version

    def _has_lost_its_header(self, segment: Segment) -> bool:
        """Return whether a segment without a sound header was sent under its uuid before."""
        place = int(segment.folder), segment.number
        return is_anonymous(segment.name) and any(
            key[:2] == place and not is_anonymous(key[2]) for key in self._sent
        )

    def _has_what_was_sent(self, segment: Segment, sent: Sent) -> bool:
        """Return whether a segment begins with what was sent; it is read once in each run."""
        key = _key(segment)
        if key not in self._checked or segment.size < sent.size:
            if prefix_crc(segment.path, sent.size) != sent.crc:
                return False
            self._checked.add(key)
        return True

    async def _ask(self, segment: Segment, place: Place, carrier: Carrier) -> Sent | None:
        """Return what the carrier has of a segment; None if ours is damaged up to there.

        Raises:
            NotOurs: ours is sound, and the carrier has other bytes.
        """
        last = await carrier.last(place)
        if last == NOTHING:
            copied = await self._as_former(segment, place, carrier)
            sent = copied or Sent(0, 0, 0)
        elif damage := self._check(segment, place, last):
            self._leave(segment, place, damage)
            return None
        else:
            sent = Sent(last.end, last.crc, last.fence, last.is_whole)
        self.problems.pop(place, None)
        self._note(segment, sent)
        return sent

    async def _as_former(self, segment: Segment, place: Place, carrier: Carrier) -> Sent | None:
        """Return a final segment as sent if it was, as a former machine; None if it was not."""
        if not segment.is_final:
            return None
        for machine in self._former:
            there = Place(machine, place.lane, place.number, place.segment)
            last = await carrier.last(there)
            is_same = last.is_whole and last.end == segment.size
            if is_same and prefix_crc(segment.path, last.end) == last.crc:
                return Sent(last.end, last.crc, 0, is_whole=True)
        return None

    def _check(self, segment: Segment, place: Place, last: Last) -> str:
        """Check that what the carrier has is the beginning of a segment; return what is damaged.

        Raises:
            NotOurs: it is not, and nothing is damaged.
        """
        found = prefix_crc(segment.path, last.end)
        if found == last.crc and (not last.is_whole or last.end == segment.size):
            return ""
        if damage := damage_up_to(segment.path, last.end):
            return damage
        raise NotOurs(
            f"lane {segment.folder} segment {segment.number} ({place.segment}): the carrier has"
            f" {last.end:,} other bytes under our name"
        )

    def _note(self, segment: Segment, sent: Sent) -> None:
        self._sent[_key(segment)] = sent
        self._unsaved.add(_key(segment))


def _key(segment: Segment) -> Key:
    return int(segment.folder), segment.number, segment.name
