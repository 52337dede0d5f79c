"""Databases for what one process computes with, and no other one sees."""

from __future__ import annotations

import apsw

from projector.db.fork_safety import connect
from projector.db.quiet import quiet

_CACHE = -1024
"""Memory that one may fill before it is written to its file, in KiB with a minus sign."""


def open_scratch() -> apsw.Connection:
    """Make an empty database in a temporary file, which is gone with the connection or the process.

    SQLite makes the file where `SQLITE_TMPDIR` or `TMPDIR` says, else in `/var/tmp` or `/tmp`, and
    only if more is written than the cache holds. It has no name that another process could open.

    Raises:
        apsw.Error: SQLite refuses.
    """
    with quiet:
        db = connect("", apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE, None)
        for name, value in (
            ("journal_mode", "OFF"),
            ("synchronous", "OFF"),
            ("cache_size", _CACHE),
        ):
            db.pragma(name, value)
    return db
