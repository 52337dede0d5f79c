"""The lock for the few answers that depend on everybody, such as a unique title.

Whoever holds it reads, decides, appends and lets go. Ordinary appends never touch it.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager
from random import uniform
from typing import TYPE_CHECKING

from journal import disk
from journal.errors import ArbiterBusy, JournalOpenError
from journal.lock import lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "arbiter"
"""The lock file's name in the journal's folder."""

_SHORTEST, _LONGEST = 0.001, 0.02
"""Seconds between two tries: chance keeps those who wait from waking in step."""


@contextmanager
def arbitrating(journal: Path, timeout: float) -> Iterator[None]:
    """Hold the arbiter lock of the journal in a folder.

    The kernel frees it when its holder dies.

    Args:
        journal: the journal's folder.
        timeout: seconds to wait for whoever holds it.

    Raises:
        ArbiterBusy: somebody held it all the time.
        JournalOpenError: the file cannot be opened or locked.
    """
    until = time.monotonic() + timeout
    pause = _SHORTEST
    while (fd := _take(journal / NAME)) is None:
        if time.monotonic() >= until:
            raise ArbiterBusy(
                f"another process held {journal / NAME} for {timeout} s; nothing was decided:"
                " try again"
            )
        time.sleep(uniform(pause / 2, pause))  # noqa: S311 - no secret
        pause = min(pause * 2, _LONGEST)
    try:
        yield
    finally:
        os.close(fd)


def _take(path: Path) -> int | None:
    try:
        return lock(disk.in_use.open_lock(path))
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise JournalOpenError(f"{path.parent} is gone") from error
        raise JournalOpenError(f"cannot lock {path}: {error.strerror or error}") from error
