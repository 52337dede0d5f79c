"""Folders and small files, made and replaced so that a power loss leaves the old or the new.

A file is written as a draft beside its place, synced, and then given its name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import time
from itertools import pairwise
from typing import TYPE_CHECKING

from journal.fs import disk
from journal.fs.ownership import check_folder
from journal.process.ids import UUID, uuid7

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_DRAFT = re.compile(rf"\.{UUID}\Z")
_DRAFTED = 3600
"""Seconds after which the writer of a draft counts as dead."""
_ATTEMPTS = 20
"""Drafts that are written, if each is removed by another process, before that is an error."""


def make_folder(path: Path) -> bool:
    """Make one folder that only its owner can enter, unless it is there.

    Returns:
        Whether this call made it.

    Raises:
        Untrusted: the folder was made by another user, or others may write to it.
        OSError: the file system refuses, or the path is no folder.
    """
    # a look first: mkdir(2) locks the folder above also where it fails, and a crowd of processes
    # that start at once would wait for one another
    if not os.path.lexists(path):
        with contextlib.suppress(FileExistsError):  # another process was faster
            disk.in_use.make_folder(path)
            disk.in_use.chmod(path, 0o700)  # a strict umask may have cleared bits
            return True
    # a link inside the journal would lead writes to somewhere else
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    check_folder(path, status)
    return False


def make_folders(path: Path) -> None:
    """Make a folder as `make_folder`, and those above it that are missing.

    Raises:
        Untrusted: the folder was made by another user, or others may write to it.
        OSError: the file system refuses, or the path is no folder.
    """
    missing = [path]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for each in reversed(missing):
        make_folder(each)


def sync_above(path: Path) -> None:
    """Sync all folders above a folder, also those that another process made.

    That process may have died before it synced the folder.

    Raises:
        OSError: the file system refuses.
    """
    for below, above in pairwise([path, *path.parents]):
        if above.stat().st_dev != below.stat().st_dev:
            return  # this program makes no folder above the root of a file system
        if os.access(above, os.W_OK):  # where this user may not write, it made nothing
            sync_folder(above)


def sync_folder(path: Path) -> None:
    """Make a folder's entries durable.

    Raises:
        OSError: the file system refuses.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        disk.in_use.fsync(fd)
    finally:
        os.close(fd)


def replace_file(path: Path, content: bytes) -> None:
    """Replace a small file, atomically and durably: readers see the old or the new content.

    Raises:
        OSError: the file system refuses; the old file is unchanged.
    """
    swap_file(path, content)
    sync_folder(path.parent)


def swap_file(path: Path, *content: bytes | memoryview, mode: int = 0o600) -> None:
    """Replace a small file atomically; after a power loss it may have its old content again.

    Args:
        path: the file.
        content: its new bytes, in one part or several; a view is of single bytes.
        mode: its permissions.

    Raises:
        OSError: the file system refuses; the old file is unchanged.
    """
    _place(path, content, disk.in_use.replace, mode=mode)


def swap_hint(path: Path, content: bytes) -> None:
    """Replace a small file atomically; after a power loss it may be torn, or empty.

    It is for files whose reader ignores what it cannot read: to sync thousands of them takes
    minutes.

    Raises:
        OSError: the file system refuses; the old file is unchanged.
    """
    _place(path, (content,), disk.in_use.replace, lambda _fd: None)


def create_file(path: Path, content: bytes) -> bool:
    """Write a small file unless there is one: of many processes exactly one makes it.

    Returns:
        Whether this call made it.

    Raises:
        OSError: the file system refuses.
    """
    try:
        _place(path, (content,), _link)
    except FileExistsError:  # of link
        return False
    return True


def _place(
    path: Path,
    content: Sequence[bytes | memoryview],
    give_name: Callable[[Path, Path], None],
    sync: Callable[[int], None] | None = None,
    *,
    mode: int = 0o600,
) -> None:
    """Write a draft, and give it its name.

    A process whose clock is ahead may remove the draft as an old one (`sweep_drafts`); then another
    draft is written.
    """
    for attempt in range(_ATTEMPTS):
        draft = draft_of(path)
        try:
            _fill(draft, content, sync or disk.in_use.fsync, mode)
            give_name(draft, path)
        except BaseException as error:
            _discard(draft)
            is_last = attempt + 1 == _ATTEMPTS or not path.parent.exists()
            if is_last or not isinstance(error, FileNotFoundError):
                raise
        else:
            return


def sweep_drafts(folder: Path) -> None:
    """Remove the drafts in a folder that killed writers left: to write one takes milliseconds.

    Raises:
        OSError: the file system refuses.
    """
    since = time.time() - _DRAFTED
    for name in os.listdir(folder):
        if is_draft(name):
            with contextlib.suppress(FileNotFoundError):
                if (folder / name).lstat().st_mtime < since:
                    disk.in_use.unlink(folder / name)


def is_draft(name: str) -> bool:
    """Return whether a file's name is that of a draft."""
    return name.startswith(".") and _DRAFT.search(name, 2) is not None


def draft_of(path: Path) -> Path:
    """Return a new path for the draft of what is to replace a file."""
    return path.with_name(f".{path.name}.{uuid7()}")


def _fill(
    draft: Path,
    content: Sequence[bytes | memoryview],
    sync: Callable[[int], None],
    mode: int,
) -> None:
    fd = disk.in_use.create(draft)
    try:
        disk.in_use.fchmod(fd, mode)
        for part in content:
            disk.write_rest(fd, part)
        sync(fd)
    finally:
        os.close(fd)


def _discard(draft: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        disk.in_use.unlink(draft)


def _link(draft: Path, path: Path) -> None:
    disk.in_use.link(draft, path)
    _discard(draft)
