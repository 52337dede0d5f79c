"""The lanes of this machine, as chunks: what may be sent of each segment, and where it ends."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from journal.format.frame import MAX_RECORD
from journal.segments.gone import repeat_if_gone
from journal.segments.listing import list_lane, list_lanes
from journal.segments.segment import open_segment
from projector.relay.chunk import MAX_CHUNK, Chunk, Place, Whole, header_of, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.segments.listing import SegmentRef

_BLOCK = 1 << 20
_HEADER = 128 * 1024
"""Bytes that hold a header with all that it supersedes."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment in a folder of lanes.

    Attributes:
        path: the file.
        folder: name of the lane's folder.
        number: its number there.
        name: its uuid, or the name that stands for it.
        supersedes: uuids of the segments that it replaces.
        size: bytes of the file when it was listed.
        is_final: whether it never changes again: a later one exists, or it was rewritten.
        version: inode and time of the last change.
    """

    path: Path
    folder: str
    number: int
    name: str
    supersedes: tuple[str, ...]
    size: int
    is_final: bool
    version: tuple[int, int]

    def place(self, machine: str) -> Place:
        """Return its place as a segment of a machine."""
        return Place(machine, int(self.folder), self.number, self.name)


class Names:
    """Remembers the headers of files, which are read once for each inode."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, int], tuple[str, tuple[str, ...]]] = {}

    def segment(self, ref: SegmentRef) -> Segment | None:
        """Return a listed segment with what its header says; None if it has no whole line yet.

        Raises:
            OSError: it cannot be read.
        """
        key = (ref.path, ref.version[0])
        if key not in self._known:
            first = _first(ref.path)
            if b"\n" not in first and not ref.final:
                return None  # its name is not known before the header is whole
            header = header_of(first)
            self._known[key] = (name_of(first), header.supersedes if header else ())
        name, supersedes = self._known[key]
        is_final = ref.final or bool(supersedes)  # no writer continues a rewritten segment
        return Segment(
            ref.path, ref.lane, ref.number, name, supersedes, ref.size, is_final, ref.version
        )


def is_own(folder: str) -> bool:
    """Return whether a folder of lanes is one that writers of this machine lease."""
    return folder.isascii() and folder.isdigit() and not folder.startswith("0")


def own_segments(lanes: Path, names: Names) -> list[Segment]:
    """List the segments of this machine that no other one supersedes.

    Raises:
        ReadError: a folder cannot be read.
        OSError: a segment cannot be read.
    """
    found: list[Segment] = []
    for folder in list_lanes(lanes):
        if is_own(folder):
            found += repeat_if_gone(lambda folder=folder: folder_segments(lanes / folder, names))  # type: ignore[misc]
    return found


def rewritten(lanes: Path, names: Names) -> list[str]:
    """Return the uuids of all segments here that replace others, oldest first.

    Raises:
        ReadError: a folder cannot be read.
        OSError: a segment cannot be read.
    """
    found: list[Segment] = []
    for folder in list_lanes(lanes):
        found += repeat_if_gone(lambda folder=folder: folder_segments(lanes / folder, names))  # type: ignore[misc]
    return sorted(each.name for each in found if each.supersedes)  # a UUIDv7 sorts by time


def superseded(lanes: Path, names: Names) -> list[str]:
    """Return the uuids of all segments that others here replace, in no order.

    Raises:
        ReadError: a folder cannot be read.
        OSError: a segment cannot be read.
    """
    found: set[str] = set()
    for folder in list_lanes(lanes):
        for each in repeat_if_gone(lambda folder=folder: folder_segments(lanes / folder, names)):  # type: ignore[misc]
            found |= set(each.supersedes)
    return list(found)


def folder_segments(lane: Path, names: Names) -> list[Segment]:
    """List the segments of one folder that no other one there supersedes.

    Raises:
        ReadError: the folder cannot be read.
        OSError: a segment cannot be read.
    """
    found = []
    for ref in list_lane(lane):
        try:
            segment = names.segment(ref)
        except FileNotFoundError:  # joined with the one before it meanwhile
            continue
        if segment is not None:
            found.append(segment)
    superseded = {uuid for each in found for uuid in each.supersedes}
    return [each for each in found if each.name not in superseded]


def cut(segment: Segment, fd: int, place: Place, offset: int, before: int) -> Chunk | None:
    """Return the next chunk of an open segment; None if nothing may be sent.

    A chunk ends behind a newline. A record that is longer than a chunk is cut only when all of it
    is in the file: a writer removes an unfinished line, and others must not have it.

    Args:
        segment: the segment.
        fd: its descriptor.
        place: as which it is sent.
        offset: how much of it was sent.
        before: CRC-32 of that.

    Raises:
        OSError: it cannot be read.
    """
    data = os.pread(fd, MAX_CHUNK, offset)
    size = offset + len(data)
    if segment.is_final:
        size = os.fstat(fd).st_size
    else:
        newline = data.rfind(b"\n") + 1
        if newline or not _is_whole(fd, offset + len(data)):
            data = data[:newline]
    end = offset + len(data)
    whole = None
    if segment.is_final and end == size:
        whole = Whole(size, crc32(data, before))
    if not data and whole is None:
        return None
    return Chunk(place, offset, before, data, whole, segment.supersedes if offset == 0 else ())


def chunks(segment: Segment, place: Place, offset: int, before: int) -> Iterator[Chunk]:
    """Yield the chunks of a segment behind an offset.

    Raises:
        OSError: it cannot be read.
    """
    with open_segment(segment.path) as file:
        while (chunk := cut(segment, file.fileno(), place, offset, before)) is not None:
            yield chunk
            if chunk.whole is not None:
                return
            offset, before = chunk.end, chunk.after


def prefix_crc(path: Path, size: int, start: int = 0, before: int = 0) -> int | None:
    """Return the CRC-32 of the first bytes of a file; None if it has fewer.

    Args:
        path: the file.
        size: how many bytes.
        start: how many of them `before` covers.
        before: CRC-32 of these.

    Raises:
        OSError: it cannot be read.
    """
    with open_segment(path) as file:
        file.seek(start)
        while start < size:
            block = file.read(min(_BLOCK, size - start))
            if not block:
                return None
            before = crc32(block, before)
            start += len(block)
    return before


def _first(path: Path) -> bytes:
    with open_segment(path) as file:
        first = file.read(4096) or b""
        if b"\n" not in first:
            first += file.read(_HEADER) or b""
        return first


def _is_whole(fd: int, offset: int) -> bool:
    """Return whether the line that goes on at an offset ends somewhere."""
    until = offset + MAX_RECORD
    while offset < until and (block := os.pread(fd, _BLOCK, offset)):
        if b"\n" in block:
            return True
        offset += len(block)
    return False
