"""The file with which an eraser asks a lane's lessee to continue in a new segment."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from journal.fs import disk

if TYPE_CHECKING:
    from pathlib import Path

ROLL = "roll"
"""Name of the file in the lane's folder."""


def ask_to_roll(folder: Path) -> None:
    """Ask a lane's lessee to continue in a new segment at its next append.

    Raises:
        OSError: the file system refuses.
    """
    with contextlib.suppress(FileExistsError):
        fd = disk.in_use.create(folder / ROLL)
        try:
            disk.in_use.fchmod(fd, 0o600)  # a strict umask may have cleared bits
        finally:
            os.close(fd)


def take_request(folder: Path) -> bool:
    """Remove the request from a lane's folder; return whether there was one.

    Raises:
        OSError: the file system refuses.
    """
    asks = folder / ROLL
    try:
        if not stat.S_ISREG(asks.lstat().st_mode):
            return False
        disk.in_use.unlink(asks)
    except FileNotFoundError:
        return False
    return True
