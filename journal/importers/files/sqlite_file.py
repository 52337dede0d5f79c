"""Detects a SQLite database, and its changes, without opening it as one."""

from __future__ import annotations

import time
from pathlib import Path

_MAGIC = b"SQLite format 3\0"
SETTLED = 100_000_000
"""Nanoseconds after which the next change gets another time, even if the clock is coarse."""


def is_database(head: bytes) -> bool:
    """Return whether the first 16 bytes of a file are those of a SQLite database."""
    return head == _MAGIC


def changes_of(path: Path) -> tuple[int, ...]:
    """Return values that change with the database: sizes and times of it and of its WAL.

    A file that was written a moment ago always counts as changed: the next write may have the same
    time.
    """
    found: list[int] = []
    for file in (path, Path(f"{path}-wal")):
        try:
            state = file.stat()
        except OSError:
            continue  # it was deleted, or has no WAL: reading it reports the error
        now = time.time_ns()
        found += (state.st_size, state.st_mtime_ns)
        if abs(now - state.st_mtime_ns) < SETTLED:
            found.append(now)
    return tuple(found)
