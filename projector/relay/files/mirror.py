"""The files of the mirrors: each grows at its end, or is replaced as a whole.

A mirror is written by the relay alone, in a folder that no writer leases. What replaces another
segment is written to a draft in `relay/incoming/` until it is whole, and then gets its name.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING
from zlib import crc32

from journal.errors import counted
from journal.fs import disk
from journal.fs.files import make_folder, make_folders, sync_folder
from journal.segments.segment import open_segment, segment_name
from projector.relay.chunk import (
    MAX_CHUNK,
    MAX_SEGMENT,
    Chunk,
    Place,
    Whole,
    name_in_folder,
    name_of,
)
from projector.relay.errors import ChunkError, ForkFound, Hole, TooLarge
from projector.relay.files.held import Held, load, read_at, superseded_by
from projector.relay.files.own import prefix_crc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAX_MIRRORS = 1 << 40
"""Bytes of all mirrors together, if nothing else is configured."""


class Mirrors:
    """The mirrors of a journal; one thread uses them.

    Args:
        lanes: the folder of the lanes.
        incoming: the folder of drafts.
        known: what an earlier run knew of the mirrors, so that not all of them are read.
        most: bytes that all mirrors may have together.

    Raises:
        ReadError: a folder cannot be read.
        OSError: a mirror cannot be read.
    """

    def __init__(
        self, lanes: Path, incoming: Path, known: Iterable[Held] = (), most: int = MAX_MIRRORS
    ) -> None:
        self._lanes = lanes
        self._incoming = incoming
        self._most = most
        found = load(lanes, incoming, known)
        self._held = found.held
        self._drafts = found.drafts
        self._superseded = found.superseded
        self._touched: set[Path] = set()
        self._folders: set[Path] = set()
        here = (*self.held(), *self._drafts.values())
        self._bytes = sum(each.size for each in here)
        for folder in self._held:
            self._remove_superseded(folder)

    def held(self) -> Iterator[Held]:
        """Yield what is here of each segment."""
        for mirror in self._held.values():
            yield from mirror.values()

    def find(self, place: Place) -> Held | None:
        """Return what is here of a segment; None if there is nothing."""
        found = self._there(place)
        return found if found is not None and found.place == place else None

    def incoming(self, place: Place) -> Held | None:
        """Return what is here of a segment that is to replace another; None if there is nothing."""
        return self._drafts.get(place.segment)

    def is_superseded(self, segment: str) -> bool:
        """Return whether a segment here replaces this one: it is not served from here."""
        return segment in self._superseded

    def add(self, chunk: Chunk) -> bool:
        """Add the bytes of a chunk; return whether a mirror has changed by it.

        Raises:
            Hole: bytes in front of it are missing.
            ForkFound: other bytes are here.
            TooLarge: the mirrors may not grow so much.
            ChunkError: the segment is not the one that its name says.
            OSError: the file system refuses; the mirror is as it was.
        """
        place = chunk.place
        if place.segment in self._superseded:
            return False
        self._check_name(chunk)
        there = self._there(place)
        if there is not None and there.place == place:
            return self._grow(chunk, there, self._path(place))
        supersedes = chunk.supersedes or superseded_by(chunk.data if chunk.offset == 0 else b"")
        if place.segment in self._drafts or supersedes:
            return self._draft(chunk)
        if there is not None:
            if chunk.offset > 0:  # perhaps it replaces the one here, which its first bytes say
                raise Hole(f"segment {place.segment}: its first {chunk.offset:,} bytes are missing")
            raise ForkFound(
                f"{place.folder} segment {place.number} is {there.place.segment} here, and"
                f" {place.segment} arrived, which does not replace it"
            )
        self._check_earlier(place)
        return self._grow(chunk, Held(place, 0, 0), self._path(place))

    def read(self, place: Place, offset: int) -> Chunk | None:
        """Return a chunk of a mirror behind an offset; None if nothing is here, or superseded.

        Raises:
            OSError: it cannot be read.
        """
        held = self.find(place)
        if held is None or offset > held.size or self.is_superseded(place.segment):
            return None
        if offset == held.size and not held.is_whole:
            return None
        path = self._path(place)
        before = held.crc if offset == held.size else prefix_crc(path, offset)
        with open_segment(path) as file:
            data = os.pread(file.fileno(), min(MAX_CHUNK, held.size - offset), offset)
        if before is None or offset + len(data) < min(held.size, offset + MAX_CHUNK):
            return None  # it was replaced meanwhile
        whole = Whole(held.size, held.crc) if held.is_whole else None
        return Chunk(place, offset, before, data, whole, superseded_by(data) if offset == 0 else ())

    def forget(self, place: Place) -> None:
        """Forget a mirror whose file is gone, so that it is fetched again."""
        self._held.get(place.folder, {}).pop(place.number, None)

    def sync(self) -> None:
        """Make what was added durable.

        Raises:
            OSError: the disk refuses.
        """
        for path in tuple(self._touched):
            # a superseded file may be gone: what replaced it is durable
            with contextlib.suppress(FileNotFoundError), open_segment(path) as file:
                disk.in_use.fdatasync(file.fileno())
            self._touched.discard(path)
        for folder in tuple(self._folders):
            sync_folder(folder)
            self._folders.discard(folder)

    def _there(self, place: Place) -> Held | None:
        """Return what has the number of a segment here: itself, another one, or nothing."""
        return self._held.get(place.folder, {}).get(place.number)

    def _path(self, place: Place) -> Path:
        return self._lanes / place.folder / segment_name(place.number)

    def _draft_path(self, place: Place) -> Path:
        return self._incoming / name_in_folder(place)

    def _check_name(self, chunk: Chunk) -> None:
        """Refuse a chunk whose first bytes belong to another segment than its name says."""
        if chunk.offset == 0 and b"\n" in chunk.data:
            name = name_of(chunk.data)
            if name != chunk.place.segment:
                raise ChunkError(f"{chunk.place.segment} arrived, and its header names {name}")

    def unfinished(self, place: Place) -> list[Held]:
        """Return the segments in front of one, in its lane, that may get more bytes."""
        return [
            held
            for number, held in self._held.get(place.folder, {}).items()
            if number < place.number and not held.is_whole
        ]

    def _check_earlier(self, place: Place) -> None:
        """Refuse to begin a segment before those in front of it are complete.

        Readers take a segment with a later one behind it as final: what it got afterwards would be
        found only when they list the folder again.

        Raises:
            Hole: one is not complete.
        """
        for held in self.unfinished(place):
            raise Hole(
                f"segment {place.segment}: segment {held.place.number} in front of it has only"
                f" {held.size:,} bytes here"
            )

    def _grow(self, chunk: Chunk, held: Held, path: Path) -> bool:
        if chunk.offset > held.size:
            raise Hole(
                f"segment {chunk.place.segment}: {held.size:,} bytes are here, and"
                f" {chunk.offset:,} are in front of this chunk"
            )
        known = held.size - chunk.offset
        old, new = chunk.data[:known], chunk.data[known:]
        if old and read_at(path, chunk.offset, len(old)) != old:
            raise _fork(chunk, held)
        if not known and chunk.before != held.crc:
            raise _fork(chunk, held)
        if len(old) < known and chunk.whole is not None and chunk.whole.size < held.size:
            raise _fork(chunk, held)
        if new:
            held = self._write(held, path, new)
        is_whole = chunk.whole is not None and chunk.whole.size == held.size
        if is_whole and chunk.whole is not None and chunk.whole.crc != held.crc:
            raise _fork(chunk, held)
        changed = bool(new) or (is_whole and not held.is_whole)
        self._note(replace(held, is_whole=held.is_whole or is_whole), path)
        return changed

    def _write(self, held: Held, path: Path, new: bytes) -> Held:
        if held.size + len(new) > MAX_SEGMENT:
            raise TooLarge(f"segment {held.place.segment} has more than {MAX_SEGMENT:,} bytes")
        if self._bytes + len(new) > self._most:
            raise TooLarge(
                f"the mirrors have {counted(self._bytes, 'byte')} and may have {self._most:,}:"
                " raise max_mirror_bytes in relay/config.toml"
            )
        fd = self._open(path, is_new=held.size == 0)
        try:
            try:
                disk.write_rest(fd, new)
            except OSError:
                disk.in_use.cut(fd, held.size)  # needs no space
                raise
            inode = os.fstat(fd).st_ino
        finally:
            os.close(fd)
        self._touched.add(path)
        mirror = self._held.get(held.place.folder, {})
        if any(other > held.place.number for other in mirror):
            os.utime(path.parent)  # readers list a folder again only if it has changed
        self._bytes += len(new)
        return replace(held, size=held.size + len(new), crc=crc32(new, held.crc), inode=inode)

    def _open(self, path: Path, *, is_new: bool) -> int:
        if is_new and not path.exists():
            make_folder(path.parent)
            self._folders |= {path.parent, path.parent.parent}
            fd = disk.in_use.create(path)
            disk.in_use.fchmod(fd, 0o600)
            return fd
        return disk.in_use.open_append(path)

    def _note(self, held: Held, path: Path) -> None:
        if path.parent == self._incoming:
            self._drafts[held.place.segment] = held
        else:
            self._held.setdefault(held.place.folder, {})[held.place.number] = held

    def _draft(self, chunk: Chunk) -> bool:
        """Add to the draft of a segment that replaces others; give it its name when it is whole."""
        place = chunk.place
        make_folders(self._incoming)
        path = self._draft_path(place)
        changed = self._grow(chunk, self._drafts.get(place.segment, Held(place, 0, 0)), path)
        held = self._drafts[place.segment]
        if held.is_whole:
            self._replace(held, path)
            return True
        return changed

    def _replace(self, held: Held, draft: Path) -> None:
        place = held.place
        target = self._path(place)
        supersedes = superseded_by(read_at(draft, 0, MAX_CHUNK))
        there = self._there(place)
        if there is None:
            self._check_earlier(place)
        elif there.place.segment not in supersedes:
            raise ForkFound(
                f"{place.folder} segment {place.number} is {there.place.segment} here, and"
                f" {place.segment} replaces others, not this one"
            )
        with open_segment(draft) as file:
            disk.in_use.fsync(file.fileno())
        if not target.parent.exists():
            make_folder(target.parent)
            self._folders.add(target.parent.parent)
        disk.in_use.replace(draft, target)
        sync_folder(target.parent)
        self._touched.discard(draft)
        del self._drafts[place.segment]
        if there is not None:
            self._bytes -= there.size
        self._note(held, target)
        self._superseded |= set(supersedes)
        self._remove_superseded(place.folder)

    def _remove_superseded(self, folder: str) -> None:
        """Remove the files of segments that were joined into one, and drafts of older versions."""
        for number, held in tuple(self._held.get(folder, {}).items()):
            if held.place.segment in self._superseded:
                with contextlib.suppress(FileNotFoundError):
                    disk.in_use.unlink(self._lanes / folder / segment_name(number))
                self._folders.add(self._lanes / folder)
                self._bytes -= held.size
                del self._held[folder][number]
        for segment in tuple(self._drafts):
            if segment in self._superseded:
                with contextlib.suppress(FileNotFoundError):
                    disk.in_use.unlink(self._draft_path(self._drafts[segment].place))
                self._bytes -= self._drafts.pop(segment).size


def _fork(chunk: Chunk, held: Held) -> ForkFound:
    return ForkFound(
        f"{chunk.place.folder} segment {chunk.place.number} ({chunk.place.segment}): other bytes at"
        f" {chunk.offset:,} than the {held.size:,} that are here"
    )
