"""What is here of the segments of other machines, measured when the relay starts."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from journal.fs import disk
from journal.segments.listing import list_lane, list_lanes
from journal.segments.mirrors import parse_mirror
from journal.segments.segment import open_segment
from projector.relay.chunk import Place, header_of, parse_name
from projector.relay.files.own import Names, prefix_crc

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Held:
    """What is here of a segment of another machine.

    Attributes:
        place: the segment.
        size: bytes of it.
        crc: CRC-32 of these.
        is_whole: whether it never gets more.
        inode: of the file.
    """

    place: Place
    size: int
    crc: int
    is_whole: bool = False
    inode: int = 0


@dataclass(slots=True)
class Found:
    """What a start of the relay finds.

    Attributes:
        held: the mirrors, by folder, and by number in it.
        drafts: what is to replace others, by the uuid of the segment.
        superseded: uuids of the segments that others replace.
    """

    held: dict[str, dict[int, Held]] = field(default_factory=dict)
    drafts: dict[str, Held] = field(default_factory=dict)
    superseded: set[str] = field(default_factory=set)


def load(lanes: Path, incoming: Path, known: Iterable[Held]) -> Found:
    """Measure the files of the mirrors; what an earlier run measured is read only behind that.

    Args:
        lanes: the folder of the lanes.
        incoming: the folder of drafts.
        known: what an earlier run has measured.

    Raises:
        ReadError: a folder cannot be read.
        OSError: a file cannot be read, or one without use not be removed.
    """
    found, names = Found(), Names()
    earlier = {(each.place.folder, each.place.number): each for each in known}
    for folder in list_lanes(lanes):
        mirrored = parse_mirror(folder)
        if mirrored is None:
            continue
        for ref in list_lane(lanes / folder):
            segment = names.segment(replace(ref, final=False))
            before = earlier.get((folder, ref.number))
            if segment is not None:
                place = Place(*mirrored, ref.number, segment.name)
            elif before is not None and before.inode == ref.version[0] and before.size:
                place = before.place
            else:  # the relay was killed before the first line was there; it comes again
                disk.in_use.unlink(ref.path)
                continue
            held = measure(ref.path, place, before)
            if segment is not None:
                found.superseded |= set(segment.supersedes)
                held = replace(held, is_whole=held.is_whole or bool(segment.supersedes))
            found.held.setdefault(folder, {})[ref.number] = held
    for path in incoming.iterdir() if incoming.exists() else ():
        drafted = parse_name(path.name)
        if drafted is None or drafted.segment in found.superseded:
            disk.in_use.unlink(path)
        else:
            found.drafts[drafted.segment] = measure(path, drafted, None)
    return found


def measure(path: Path, place: Place, known: Held | None) -> Held:
    """Return what a file has of a segment; what is known is read only behind that.

    Raises:
        OSError: it cannot be read.
    """
    status = path.lstat()
    start = crc = 0
    is_whole = False
    if known is not None and known.place == place and known.inode == status.st_ino:
        if known.size <= status.st_size:
            start, crc = known.size, known.crc
        is_whole = known.is_whole and known.size == status.st_size
    found = prefix_crc(path, status.st_size, start, crc)
    if found is None:
        raise OSError(f"{path} became shorter while it was read")
    return Held(place, status.st_size, found, is_whole, status.st_ino)


def read_at(path: Path, offset: int, size: int) -> bytes:
    """Return bytes of a file.

    Raises:
        OSError: it cannot be read.
    """
    with open_segment(path) as file:
        return os.pread(file.fileno(), size, offset)


def superseded_by(first: bytes) -> tuple[str, ...]:
    """Return the uuids that a segment replaces, given its first bytes."""
    header = header_of(first)
    return header.supersedes if header else ()
