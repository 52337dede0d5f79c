"""Copy segments into the folder of a backup, only the bytes that are new."""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING

from journal.backup.cut import Rewritten
from journal.backup.manifest import Copied, copy_name, is_copy_name
from journal.backup.place import is_hollow
from journal.errors import ReadError
from journal.fs import disk
from journal.fs.files import draft_of, make_folder, sync_folder
from journal.segments.blocks import BLOCK, read_at, read_between
from journal.segments.segment import is_segment_draft, open_segment, segment_name

if TYPE_CHECKING:
    from collections.abc import Collection
    from io import FileIO
    from pathlib import Path

    from journal.backup.cut import Source


class Differs(Exception):  # noqa: N818 - named after what was found; the copy is kept
    """A segment does not begin with the bytes of its copy, and no other segment supersedes it."""


class Copier:
    """Copies segments to the folder of a backup.

    Args:
        lanes: the folder of the copies, `lanes` in the backup.

    Attributes:
        written: bytes that were written so far.
    """

    def __init__(self, lanes: Path) -> None:
        self._lanes = lanes
        self._touched: set[Path] = set()
        self.written = 0

    def copy(self, source: Source, old: Copied | None) -> Copied | None:
        """Copy the new bytes of a segment.

        Args:
            source: the segment.
            old: its earlier copy; None if there is none.

        Returns:
            The copy; None if the segment has no finished line yet.

        Raises:
            Differs: the segment is not a continuation of `old`.
            Rewritten: the segment was replaced since it was listed.
            ReadError: it cannot be read.
            OSError: the copy cannot be written.
        """
        ref = source.ref
        path = self._lanes / ref.lane / copy_name(ref.number, source.segment)
        there = _size(path)
        if old is not None and old.size <= there and _is_same(old, source):
            return old
        with _open(source) as file:
            size = ref.size if ref.final else _finished(file, ref.size)
            if size == 0 and old is None:
                return None
            first = 0 if old is None else old.size
            if size < first:
                raise Differs
            digest = hashlib.sha256()
            for block in read_between(file, 0, first):
                digest.update(block)
            if old is not None and digest.hexdigest() != old.sha256:
                raise Differs
            if old is None or there != first:
                digest = self._write_whole(file, ref.number, size, path)
            elif size > first:
                self._append(file, first, size, path, digest)
        inode, changed = ref.version
        return Copied(
            ref.lane,
            ref.number,
            source.segment,
            source.lane,
            size,
            digest.hexdigest(),
            inode,
            max(0, changed),
        )

    def _append(
        self, file: FileIO, first: int, size: int, path: Path, digest: hashlib._Hash
    ) -> None:
        """Append the bytes from `first` on to a copy that ends there."""
        fd = disk.in_use.open_append(path)
        try:
            self._transfer(file, first, size, fd, digest)
        finally:
            os.close(fd)

    def _write_whole(self, file: FileIO, number: int, size: int, path: Path) -> hashlib._Hash:
        """Write a copy from its first byte; it replaces an incomplete one of a killed backup."""
        for folder in (self._lanes, path.parent):
            make_folder(folder)
        draft = draft_of(path.with_name(segment_name(number)))
        digest = hashlib.sha256()
        fd = disk.in_use.create(draft)
        try:
            disk.in_use.fchmod(fd, 0o600)  # a strict umask may have cleared bits
            self._transfer(file, 0, size, fd, digest)
        except BaseException:
            with contextlib.suppress(OSError):  # the error that is raised says why; `sweep` is next
                disk.in_use.unlink(draft)
            raise
        finally:
            os.close(fd)
        disk.in_use.replace(draft, path)
        self._touched.add(path.parent)
        return digest

    def _transfer(
        self, file: FileIO, first: int, size: int, fd: int, digest: hashlib._Hash
    ) -> None:
        """Copy bytes, and sync the copy and the journal's segment.

        Otherwise a power loss could leave the backup with records that the journal lost, and its
        segment would not be a continuation of the copy any more.
        """
        with contextlib.suppress(OSError):  # a backup is needed most if the disk fails
            disk.in_use.fdatasync(file.fileno())
        for block in read_between(file, first, size):
            digest.update(block)
            disk.write_rest(fd, block)
            self.written += len(block)
        disk.in_use.fsync(fd)

    def sync(self) -> None:
        """Make the names of all new copies durable.

        Raises:
            OSError: the file system refuses.
        """
        for folder in sorted(self._touched):
            sync_folder(folder)
        if self._touched:
            sync_folder(self._lanes)
            sync_folder(self._lanes.parent)


def sweep(lanes: Path, wanted: Collection[tuple[str, str]]) -> int:
    """Remove the copies that a backup does not name; return their number.

    They are copies of rewritten segments, or of a backup that was killed.

    Args:
        lanes: the folder of the copies.
        wanted: folder and file name of each copy that the manifest names.

    Raises:
        OSError: the file system refuses.
    """
    removed = 0
    if not lanes.is_dir():
        return removed
    with os.scandir(lanes) as entries:
        folders = sorted(lanes / e.name for e in entries if e.is_dir(follow_symlinks=False))
    for folder in folders:
        gone = [
            name
            for name in sorted(os.listdir(folder))
            if (is_copy_name(name) or is_segment_draft(name)) and (folder.name, name) not in wanted
        ]
        for name in gone:
            disk.in_use.unlink(folder / name)
        if gone:
            sync_folder(folder)  # after a power loss, erased bytes must not exist again
        removed += sum(map(is_copy_name, gone))
    return removed


def _size(path: Path) -> int:
    """Return the bytes of a copy; -1 if there is none."""
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return -1


def _is_same(old: Copied, source: Source) -> bool:
    """Return whether the segment's file has not changed since it was copied to its end."""
    return (old.size, old.inode, old.changed) == (source.ref.size, *source.ref.version)


def _open(source: Source) -> FileIO:
    ref = source.ref
    try:
        file = open_segment(ref.path)
    except FileNotFoundError as error:
        raise Rewritten from error
    except OSError as error:
        raise ReadError(f"cannot open {ref.path}: {error.strerror or error}") from error
    status = os.fstat(file.fileno())
    if status.st_ino != ref.version[0]:
        file.close()
        raise Rewritten
    if is_hollow(status):
        file.close()
        raise ReadError(
            f"{ref.path} has {ref.size:,} bytes, nearly all of them a hole: no writer made it so."
            " Look at it with `journal verify`, and move it out of the journal"
        )
    return file


def _finished(file: FileIO, size: int) -> int:
    """Return the bytes up to and with the last newline within the first `size` bytes."""
    end = size
    while end:
        start = max(0, end - BLOCK)
        newline = read_at(file, start, end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
