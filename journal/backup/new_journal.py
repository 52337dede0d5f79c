"""Makes a journal from a backup. It appears at its path when it is complete."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from journal.erasure.eraser import erase
from journal.errors import BackupFailed, EraseError, JournalOpenError, ReadError
from journal.format.record import FORMAT
from journal.fs import disk
from journal.fs.directory import LANES, make_mark, open_directory
from journal.fs.files import create_file, make_folder, make_folders, sync_above, sync_folder
from journal.fs.key_file import write_keys
from journal.fs.lock import lock_folder
from journal.fs.ownership import check_folder
from journal.process import clock
from journal.process.ids import uuid7
from journal.segments.segment import RETIRED, segment_name, segment_numbers
from journal.segments.segment_file import SegmentFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.backup.manifest import Copied
    from journal.backup.place import Backup
    from journal.erasure.requests import Forgotten
    from journal.format.keyed_hash import Key


def make_journal(backup: Backup, target: Path, forgotten: Forgotten) -> int:
    """Copy a backup to a new or empty folder, as a journal; return the number of erased records.

    What is forgotten is erased before the journal appears at its path.

    Raises:
        BackupFailed: the keys could not be written, or what is forgotten could not be erased; there
            is no journal.
        BackupDamaged: the backup is damaged; there is no journal.
        OSError: the file system refuses; there is no journal, unless the last step was refused,
            which makes its name durable.
    """
    # an existing folder may be writable for all, as /tmp is; the draft in it belongs to this user
    # alone
    if not target.parent.exists():
        make_folders(target.parent)
    with _draft(target) as draft:
        lanes = draft / LANES
        make_folder(lanes)
        folders: set[Path] = set()
        for copied, path in _places(backup, lanes):
            make_folder(path.parent)
            folders.add(path.parent)
            _write(backup, copied, path)
        for folder in sorted(folders):
            _end(folder, backup.manifest.format)
            sync_folder(folder)
        _write_keys(draft, backup.keys)
        make_mark(draft, backup.manifest.journal, backup.manifest.format)
        sync_folder(lanes)
        sync_folder(draft)
        erased = 0
        if forgotten:
            erased = _erase(draft, forgotten)
        disk.in_use.replace(draft, target)
    sync_above(target)
    return erased


def _write_keys(draft: Path, keys: tuple[Key, ...]) -> None:
    try:
        if keys:
            write_keys(draft, keys)
    except JournalOpenError as error:
        raise BackupFailed(f"{error}; nothing was restored") from error


def _erase(draft: Path, forgotten: Forgotten) -> int:
    try:
        erased = erase(open_directory(draft, create=False), forgotten).lines
    except (EraseError, JournalOpenError, ReadError) as error:
        raise BackupFailed(f"cannot erase what is forgotten: {error}") from error
    sync_folder(draft)
    return erased


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """Make a folder beside the target; remove it if it does not get the target's name.

    It is locked while it is in use. An unlocked one was left by a killed restore, and is removed.
    """
    pattern = re.compile(rf"\.{re.escape(target.name)}\.restore\.[0-9a-f-]{{36}}")
    for name in filter(pattern.fullmatch, os.listdir(target.parent)):
        left = target.with_name(name)
        try:
            check_folder(left)
        except OSError:  # of another user, if the folder is writable for all, or already removed
            continue
        held = lock_folder(left)
        if held is None:
            raise BackupFailed(f"another restore to {target} runs: wait until it has ended")
        shutil.rmtree(left)
        os.close(held)
    draft = target.with_name(f".{target.name}.restore.{uuid7()}")
    make_folder(draft)
    held = lock_folder(draft)
    try:
        yield draft
    finally:
        if held is not None:
            os.close(held)
        if draft.exists():
            shutil.rmtree(draft)


def _places(backup: Backup, lanes: Path) -> Iterator[tuple[Copied, Path]]:
    """Yield each segment with its path in the new journal.

    The journal may have lost a segment and given its place to another one; then the one goes to a
    folder beside the other.
    """
    folders = {copied.folder for copied in backup.manifest.segments}
    used: set[Path] = set()
    for copied in backup.manifest.segments:
        path, number = lanes / copied.folder / segment_name(copied.number), 0
        while path in used:
            number += 1
            beside = f"{copied.folder}.{number}"
            if beside not in folders:
                path = lanes / beside / path.name
        used.add(path)
        yield copied, path


def _write(backup: Backup, copied: Copied, path: Path) -> None:
    """Copy a segment, and make its bytes durable."""
    fd = disk.in_use.create(path)
    try:
        disk.in_use.fchmod(fd, 0o600)  # a strict umask may have cleared bits
        for block in backup.read(copied):
            disk.write_rest(fd, block)
        disk.in_use.fsync(fd)
    finally:
        os.close(fd)


def _end(folder: Path, format: int) -> None:
    """Keep writers from continuing the lanes of a folder, which may grow elsewhere.

    A writer detects a copy by the inode in its header; but a removed journal's inode is free, and
    the copy may have got the same one.
    """
    create_file(folder / RETIRED, b"")
    if format < FORMAT and folder.name.isdigit():
        # a program of version 1 does not know retired lanes, and continues under the newest uuid
        segment = SegmentFile.create(folder, segment_numbers(folder)[-1] + 1)
        try:
            segment.write(segment.header_line(uuid7(), 0, 1, clock.wall()))
            segment.sync()
        finally:
            segment.close()
