"""The carrier that is a folder: another journal, on this disk, a stick, or a share.

It carries one way, from that journal to this one. Nothing is written there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.fs.directory import open_directory
from journal.fs.key_file import add_keys, read_keys
from journal.segments.gone import repeat_if_gone
from journal.segments.listing import list_lanes
from journal.segments.machines import read_machines
from journal.segments.mirrors import parse_mirror
from projector.relay.carrier import NOTHING, Arrived, Identity, Last
from projector.relay.chunk import Chunk, Place
from projector.relay.errors import NotOurs, RelayError
from projector.relay.files.mirror import Mirrors
from projector.relay.files.ours import Ours
from projector.relay.files.own import Names, chunks, folder_segments, is_own, prefix_crc
from projector.relay.fleet.names import learn_machines
from projector.relay.identity import RELAY, become_another, former_of, machine_of
from projector.relay.inbound import Inbound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from journal.fs.directory import Directory
    from projector.relay.files.own import Segment


class Folder:
    """The lanes and mirrors of another journal, as chunks.

    Args:
        journal: that journal.
        size: returns how many bytes of a segment are here: those are not read again, apart from
            their checksum.
    """

    def __init__(self, journal: Directory, size: Callable[[Place], int]) -> None:
        self._journal = journal
        self._machine = machine_of(journal)
        self._names = Names()
        self._size = size

    async def identity(self, cursor: int) -> Identity:  # noqa: ARG002 - it has none
        """Return the uuid of the journal's machine; there is no count."""
        return Identity(self._machine, 0)

    async def follow(self, cursor: int) -> AsyncIterator[Arrived]:  # noqa: ARG002 - it has none
        """Yield what each segment has behind what is here, and end."""
        for folder in list_lanes(self._journal.lanes):
            for segment, place in self._folder(folder):
                for chunk in self._rest(segment, place):
                    yield Arrived(0, "", chunk)

    async def read(self, place: Place, offset: int) -> Chunk | None:
        """Return a chunk of a segment; None if the journal does not have it."""
        segment = self._find(place)
        before = None if segment is None else prefix_crc(segment.path, offset)
        if segment is None or before is None:
            return None
        return next(chunks(segment, place, offset, before), None)

    async def places(self, machine: str) -> list[Place]:
        """Return the segments of a machine that the journal has."""
        return [
            place
            for folder in list_lanes(self._journal.lanes)
            for _, place in self._folder(folder)
            if place.machine == machine
        ]

    async def last(self, place: Place) -> Last:
        """Return the end of a segment, as if it had been sent in one chunk."""
        end, crc = 0, 0
        async for chunk in self.stored(place):
            end, crc = chunk.end, chunk.after
        return Last(1, end, crc, is_whole=False) if end else NOTHING

    async def stored(self, place: Place) -> AsyncIterator[Chunk]:
        """Yield what the journal has of a segment."""
        segment = self._find(place)
        for chunk in chunks(segment, place, 0, 0) if segment else ():
            yield chunk

    def _find(self, place: Place) -> Segment | None:
        """Return a segment; None if the journal does not have it."""
        folder = str(place.lane) if place.machine == self._machine else place.folder
        if folder not in list_lanes(self._journal.lanes):
            return None
        return next((each for each, there in self._folder(folder) if there == place), None)

    def _folder(self, folder: str) -> list[tuple[Segment, Place]]:
        """List the segments of a folder, and their places."""
        mirrored = (self._machine, int(folder)) if is_own(folder) else parse_mirror(folder)
        if mirrored is None:
            return []
        lane = self._journal.lanes / folder
        found = repeat_if_gone(lambda: folder_segments(lane, self._names))
        return [(each, Place(*mirrored, each.number, each.name)) for each in found]

    def _rest(self, segment: Segment, place: Place) -> Iterator[Chunk]:
        """Yield what the segment has behind what is here; at least an empty chunk that proves it.

        What is final there is final: no mirror begins a segment before that in front is complete.
        """
        offset = self._size(place)
        before = prefix_crc(segment.path, offset)
        if before is None:
            return  # it has less than is here
        sent = False
        for chunk in chunks(segment, place, offset, before):
            sent = True
            yield chunk
        if not sent:
            yield Chunk(place, offset, before, b"")


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy has brought.

    Attributes:
        machine: uuid of the machine that it came from.
        segments: mirrors that have grown or are new.
        bytes: how many were added.
        problems: what was kept out, and why.
        renamed: whether this journal became another machine, because the other one has bytes under
            its name that it lacks.
    """

    machine: str
    segments: int
    bytes: int
    problems: tuple[str, ...]
    renamed: bool


def open_other(journal: Directory, source: Path) -> Directory:
    """Open another journal than this one.

    Raises:
        RelayError: it is the same journal.
        NotAJournalError: there is none.
    """
    there = open_directory(source, create=False)
    if there.path == journal.path:
        raise RelayError(f"{source} is this journal: give the folder of another one")
    return there


def copy(journal: Directory, source: Path) -> Copied:
    """Bring what another journal has, its own lanes and its mirrors, into this one.

    The caller holds the lock of the relay.

    Raises:
        RelayError: it is the same journal.
        JournalError, OSError: one of them cannot be read or written.
    """
    there = open_other(journal, source)
    add_keys(journal.path, read_keys(there.path))  # before the requests that need them
    learn_machines(journal, read_machines(there))
    renamed = False
    if machine_of(there) == machine_of(journal):
        become_another(journal)  # one is a copy of the other
        renamed = True
    try:
        return asyncio.run(_copy(journal, there, renamed=renamed))
    except NotOurs:
        become_another(journal)
        return asyncio.run(_copy(journal, there, renamed=True))


async def _copy(journal: Directory, there: Directory, *, renamed: bool) -> Copied:
    mirrors = Mirrors(journal.lanes, journal.path / RELAY / "incoming")
    before = {each.place: each.size for each in mirrors.held()}
    ours = Ours(journal.lanes, Names())
    ours.list()
    inbound = Inbound(machine_of(journal), former_of(journal), ours, mirrors)

    def size(place: Place) -> int:
        held = mirrors.find(place)
        return held.size if held else 0

    source = Folder(there, size)
    async for arrived in source.follow(0):
        inbound.take(arrived)
    await inbound.fill(source)
    mirrors.sync()
    grown = {each.place: each.size - before.get(each.place, 0) for each in mirrors.held()}
    return Copied(
        machine_of(there),
        sum(1 for added in grown.values() if added),
        sum(grown.values()),
        tuple(sorted(inbound.problems.values())),
        renamed,
    )
