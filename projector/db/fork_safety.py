"""Connections to SQLite that are safe in a forked child.

A connection must not be used across a fork (https://sqlite.org/howtocorrupt.html, 2.6): the child
inherits SQLite's notes of a file's locks, and not the locks themselves, which belong to a process.
So a child neither uses nor closes an inherited connection. It keeps it until it ends: to close it
would roll back, in memory that it shares with its parent, what the parent is writing.

That is not enough. In one process SQLite has one entry for each file, found by device and inode. A
new connection of the child would use the inherited entry, whose locks the child does not hold: the
next process truncates the -shm file under it, which ends in SIGBUS. So a child that inherited
connections opens files under another device number. SQLite takes them for other files, and locks
them itself.
"""

from __future__ import annotations

import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

import apsw

from journal.process.fork import depth, register
from projector.errors import ProjectionError

if TYPE_CHECKING:
    from pathlib import Path


class ForkedMeanwhile(ProjectionError):  # noqa: N818 - says what happened
    """This process was forked in the middle of its use of a connection."""


class _Connections:
    """The connections that this process opened, and those that it inherited.

    Attributes:
        live: opened in this process.
        inherited: opened in its parent, or before.
    """

    def __init__(self) -> None:
        self.live: weakref.WeakSet[apsw.Connection] = weakref.WeakSet()
        self.inherited: list[apsw.Connection] = []
        self._separate_since = 0
        self._original = 0
        self._kept: list[object] = []
        register(self)

    def after_fork_in_child(self) -> None:
        """Keep what is inherited, and refuse to use it."""
        for db in list(self.live):
            self.inherited.append(db)
            # one that is closed is harmless, and may be referred to for long
            with suppress(apsw.ConnectionClosedError):
                db.exec_trace = _refuse
        self.live = weakref.WeakSet()

    def separate(self) -> None:
        """Make SQLite take every file that is opened from now on for another file."""
        if not self.inherited or self._separate_since == depth():
            return
        import ctypes  # noqa: PLC0415 - only a forked child needs it

        call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
        vfs = apsw.VFS(f"journal-{depth()}", "unix")
        self._original = self._original or vfs.xGetSystemCall("fstat") or 0
        original, salt = call(self._original), depth() << 48

        def fstat(fd: int, status: int) -> int:
            result: int = original(fd, status)
            if not result:  # the device is the first member of struct stat, 64 bits wide
                ctypes.c_uint64.from_address(status).value ^= salt
            return result

        replaced = call(fstat)
        pointer = ctypes.cast(replaced, ctypes.c_void_p).value
        if pointer is None or not vfs.xSetSystemCall("fstat", pointer):
            raise ProjectionError(
                "this process was forked from one that read a projection, and its SQLite cannot be"
                " separated from that; start it with exec, or fork before the first read"
            )
        # SQLite keeps the pointer, and Python closes a connection that it frees
        self._kept += (replaced, vfs)
        for db in self.inherited:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(db))
        self._separate_since = depth()


_connections = _Connections()


def keep_inherited() -> None:
    """Keep the connections that a forked child inherited; again does nothing.

    Call it before a connection is released in a child: an object that is freed closes its
    connection.
    """
    _connections.after_fork_in_child()


def connect(path: Path | str, flags: int, vfs: str | None) -> apsw.Connection:
    """Open a database.

    Args:
        path: its file.
        flags: of sqlite3_open_v2.
        vfs: name of the VFS to open it with; None means SQLite's own.

    Raises:
        ProjectionError: this forked child cannot be separated from its parent.
        apsw.Error: SQLite refuses.
    """
    _connections.separate()
    db = apsw.Connection(str(path), flags, vfs=vfs)
    _connections.live.add(db)
    return db


def live() -> list[apsw.Connection]:
    """Return the connections that this process opened and that are not freed yet."""
    return list(_connections.live)


def is_inherited(db: apsw.Connection) -> bool:
    """Return whether a connection was opened before this process was forked."""
    return any(db is one for one in _connections.inherited)


def close(db: apsw.Connection) -> None:
    """Close a connection, but keep an inherited one, which its parent closes.

    Raises:
        apsw.Error: SQLite refuses.
    """
    if is_inherited(db):
        _connections.separate()  # it must never be freed here
    else:
        db.close()


def check(db: apsw.Connection) -> None:
    """Raise an error if a connection was opened before this process was forked.

    Raises:
        ForkedMeanwhile: this is a child of the process that opened it.
    """
    if is_inherited(db):
        raise ForkedMeanwhile(
            "this process was forked in the middle of a query or of projecting; ask again"
        )


def _refuse(cursor: apsw.Cursor, *_: object) -> bool:
    check(cursor.connection)
    return True
