"""The folder of a backup: its path, and how its files are read and checked."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.backup.manifest import Copied, Manifest, read_manifest
from journal.errors import BackupDamaged, BackupFailed, JournalOpenError, reason
from journal.fs.directory import KEY_FILE, LANES
from journal.fs.key_file import read_keys
from journal.fs.location import expanded
from journal.fs.ownership import check_folder, check_links, open_own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.format.keyed_hash import Key

_BLOCK = 1024 * 1024
_LARGE = 256 * 1024 * 1024
"""Bytes of a large file, which a power loss does not cause."""
_SECTOR = 512
"""Bytes of a block in `st_blocks`."""
_DENSE = 100
"""A file system with compression needs more than one byte for this many bytes of text."""
_AGAIN = "remove it, and back up to the folder again, or take an older copy of the backup"


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was opened; its segments are not checked yet.

    Attributes:
        path: its folder.
        manifest: its manifest.
        keys: the keys of the journal.
    """

    path: Path
    manifest: Manifest
    keys: tuple[Key, ...]

    def file(self, copied: Copied) -> Path:
        """Return the path of a segment's file."""
        return self.path / LANES / copied.folder / copied.file

    def open(self, copied: Copied) -> int:
        """Open the file of a segment for reading; return its descriptor.

        Raises:
            BackupDamaged: it is missing, too short, or no regular file of this user's own.
        """
        path = self.file(copied)
        try:
            check_folder(path.parent)
            fd = open_own(path)
        except FileNotFoundError as error:
            raise BackupDamaged(f"{path} is missing: back up to the folder again") from error
        except OSError as error:
            raise BackupDamaged(f"cannot read {path}: {reason(error)}") from error
        status = os.fstat(fd)
        size = status.st_size
        if is_hollow(status):
            os.close(fd)
            raise BackupDamaged(f"{path} has {size:,} bytes, nearly all of them a hole: {_AGAIN}")
        if size < copied.size:
            os.close(fd)
            raise BackupDamaged(f"{path} has {size:,} bytes instead of {copied.size:,}: {_AGAIN}")
        return fd

    def read(self, copied: Copied) -> Iterator[bytes]:
        """Yield the bytes of a segment; raise an error at their end if they are not intact.

        Raises:
            BackupDamaged: the file is missing, or its bytes are not those that were copied.
        """
        path, left, digest = self.file(copied), copied.size, hashlib.sha256()
        fd = self.open(copied)
        try:
            while left and (block := os.read(fd, min(_BLOCK, left))):
                digest.update(block)
                left -= len(block)
                yield block
        except OSError as error:
            raise BackupDamaged(f"cannot read {path}: {reason(error)}; {_AGAIN}") from error
        finally:
            os.close(fd)
        if digest.hexdigest() != copied.sha256:
            raise BackupDamaged(f"the first {copied.size:,} bytes of {path} are damaged: {_AGAIN}")


def is_hollow(status: os.stat_result) -> bool:
    """Return whether a large file is almost only a hole: reading it would take hours."""
    return status.st_size > _LARGE and status.st_blocks * _SECTOR < status.st_size // _DENSE


def located(folder: str | os.PathLike[str]) -> Path:
    """Return the absolute path of a backup's folder, without links.

    Raises:
        BackupFailed: the path is of the wrong kind or empty, leads through a link of another user,
            or has links in a circle; or its home folder is unknown.
    """
    if not isinstance(folder, str | os.PathLike) or not os.fspath(folder):
        raise BackupFailed(f"the folder of the backup must be a path, not {folder!r:.60}")
    try:
        given = expanded(folder).absolute()
        check_links(given)
        return given.resolve()
    except (OSError, RuntimeError, ValueError, JournalOpenError) as error:
        raise BackupFailed(f"cannot use the folder {folder}: {reason(error)}") from error


def open_backup(folder: str | os.PathLike[str]) -> Backup:
    """Open a backup: check its folders, and read its manifest and its keys.

    Raises:
        BackupDamaged: the manifest is damaged, or a key is missing.
        BackupFailed: there is no backup, or it is not this user's alone.
    """
    path = located(folder)
    try:
        if os.path.lexists(path):
            check_folder(path)
        manifest = read_manifest(path)
        if manifest.segments:
            check_folder(path / LANES)
        keys = read_keys(path)
    except (OSError, JournalOpenError) as error:
        raise BackupDamaged(f"cannot read the backup in {path}: {reason(error)}") from error
    lacking = set(manifest.keys) - {key.id for key in keys}
    if lacking:
        raise BackupDamaged(
            f"{path / KEY_FILE} lacks {', '.join(sorted(lacking))}: put the file back from another"
            " copy of the backup; without the key, what was forgotten would come back"
        )
    return Backup(path, manifest, keys)
