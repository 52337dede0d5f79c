"""Checksums of database pages, by SQLite's own checksum VFS, which apsw brings as an extra.

SQLite itself notices damage of its structures and never of what stands in a row. With this VFS
every page ends with a checksum, which is looked at when the page is read from the file or its WAL.
Programs that do not know of it read the file all the same.
"""

from __future__ import annotations

import logging
import threading
from functools import cache

import apsw
from apsw import sqlite_extra

RESERVED = 8
"""Bytes at the end of each page that hold its checksum."""
_EXTENSION, _VFS = "cksumvfs", "cksmvfs"

_log = logging.getLogger("projector")
_turn = threading.Lock()


def vfs() -> str | None:
    """Return the name of the VFS that keeps checksums; None where apsw was built without it."""
    with _turn:
        return _vfs()


@cache
def _vfs() -> str | None:
    default = apsw.vfs_names()[0]
    if not sqlite_extra.has(_EXTENSION):
        _log.warning(
            "this apsw was built without its extras: the projection has no checksums, and damage of"
            " texts in it goes unnoticed; install a wheel of apsw"
        )
        return None
    db = apsw.Connection(":memory:")
    try:
        sqlite_extra.load(db, _EXTENSION)
    finally:
        db.close()
    apsw.set_default_vfs(default)  # other databases of this process are none of our business
    return _VFS
