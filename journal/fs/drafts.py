"""Drafts that take long to write. Each is locked by its writer, so one without a writer is known.

A small file is written in milliseconds: an old draft of one has no writer (`sweep_drafts` of
`journal.fs.files`). A large one can take hours, so its age says nothing.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from journal.fs import disk
from journal.fs.files import draft_of, is_draft
from journal.fs.lock import identity, lock
from journal.fs.ownership import open_own
from journal.process.fork import no_fork

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_ATTEMPTS = 20
"""Drafts that are made, if each is removed by another process before it is locked."""


def open_draft(path: Path) -> tuple[Path, int]:
    """Make a draft of what is to replace a file, and remove those that killed writers left of it.

    Returns:
        The draft, and its descriptor for appending, which holds the lock: close it after the draft
        got its name, or was removed.

    Raises:
        OSError: the file system refuses.
    """
    for name in os.listdir(path.parent):
        if is_draft(name) and name.startswith(f".{path.name}.") and len(name) == _length(path):
            remove_left(path.with_name(name), disk.in_use.unlink)
    for _ in range(_ATTEMPTS):
        draft = draft_of(path)
        with no_fork.turn:
            fd = _locked(draft)
        if fd is not None:
            return draft, fd
    raise OSError(errno.EBUSY, "another process removes each draft")


def remove_left(draft: Path, remove: Callable[[Path], object]) -> None:
    """Remove a draft, unless its writer still runs, and so holds the lock.

    Args:
        draft: its path.
        remove: removes it, and what is beside it.

    Raises:
        OSError: `remove` fails.
    """
    try:
        with no_fork.turn:
            held = lock(open_own(draft))
    except OSError:  # of another user, removed since, or on a file system without locks
        return
    if held is not None:
        try:
            remove(draft)
        finally:
            os.close(held)


def is_held(path: Path, fd: int) -> bool:
    """Return whether a path is still the file that is open and locked, and no process removed it.

    One that found the file before it was locked may have taken it for one that was left.
    """
    try:
        return identity(path.lstat()) == identity(os.fstat(fd))
    except FileNotFoundError:
        return False


def _locked(draft: Path) -> int | None:
    """Make and lock a draft; None if another process removed it meanwhile."""
    fd = disk.in_use.create(draft)
    try:
        held = lock(fd)
    except OSError:  # a file system without locks: no process removes drafts there
        return disk.in_use.open_append(draft)
    if held is None or is_held(draft, held):
        return held
    os.close(held)
    return None


def _length(path: Path) -> int:
    """Return the length of the name of a draft: that of `a.b` is none of `a`."""
    return len(draft_of(path).name)
