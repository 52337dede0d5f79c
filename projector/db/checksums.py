"""Checksums of database pages, by SQLite's own checksum VFS, which apsw brings as an extra.

SQLite itself finds damage of its structures, and none of the values in rows. With this VFS every
page ends with a checksum, which is compared when the page is read from the file or its WAL. Other
programs can read the file too.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib import import_module
from pathlib import Path

import apsw

from journal.process.fork import no_fork

RESERVED = 8
"""Bytes at the end of each page that hold its checksum."""
_EXTENSION, _VFS = "cksumvfs", "cksmvfs"

_log = logging.getLogger("projector")


def vfs() -> str | None:
    """Return the name of the VFS that keeps checksums; None where apsw was built without it."""
    # also against a fork: a child would wait for ever for an import of a thread that it lacks
    with no_fork.turn:
        return _vfs()


@cache
def _vfs() -> str | None:
    default = apsw.vfs_names()[0]
    path = _library()
    if path is None:
        _log.warning(
            "this apsw was built without its extras: the projection has no checksums, and damage of"
            " texts in it goes unnoticed; install a wheel of apsw"
        )
        return None
    db = apsw.Connection(":memory:")
    try:
        db.config(apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1)
        db.load_extension(path)
    finally:
        db.close()
    apsw.set_default_vfs(default)  # for other databases of this process
    return _VFS


def _library() -> str | None:
    """Return the path of the extension; None where apsw was built without it."""
    # where wheels for Linux have it: apsw's own search reads resources, and all that opens a
    # database takes less time than that. Many processes that begin together wait for each other
    usual = Path(apsw.__file__).parent / "sqlite_extra_binaries" / f"{_EXTENSION}.so"
    if usual.exists():
        return str(usual)
    extra = import_module("apsw.sqlite_extra")
    return str(extra.path(_EXTENSION)) if extra.has(_EXTENSION) else None
