"""A private copy of a snapshot: SQLite reads its pages from the file, and writes to memory.

A generation has a database file and a WAL. A snapshot is the file, up to what is written back from
the WAL, and the frames of the WAL up to its last transaction. As long as a connection holds the
snapshot, SQLite writes nothing newer back into the file. So a copy needs the bytes of the WAL only,
which the projector keeps small. Another connection gets them as its own WAL, appends its frames in
memory, and never writes them back.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import TYPE_CHECKING

import apsw

from projector.db.fork_safety import connect
from projector.db.schema import hide_foreign
from projector.search import functions

if TYPE_CHECKING:
    from pathlib import Path

_VFS = "journal-private"
_WAL = "-wal"
_WAL_HEADER = 32
"""Bytes at the beginning of a WAL; they change when it is begun again."""
_DATABASE, _JOURNAL = 0, 1
"""Which file `Connection.read` reads."""
_TRIES = 5
"""Times that a WAL is read which is begun again meanwhile."""

_numbers = count(1)


class Unsettled(Exception):  # noqa: N818 - no failure: it settles by itself
    """The projector has begun the WAL again each time that it was read."""


class _Pages:
    """The database file of a copy: that of the generation, which is only read."""

    def __init__(self, db: apsw.Connection, size: int) -> None:
        self._db = db
        self._size = size

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - of SQLite, as those below
        return self._db.read("main", _DATABASE, offset, amount)[1]

    def xFileSize(self) -> int:  # noqa: N802
        return self._size

    def xWrite(self, _data: bytes, _offset: int) -> None:  # noqa: N802
        raise apsw.ReadOnlyError("a private copy writes nothing back")

    def xTruncate(self, _size: int) -> None:  # noqa: N802
        raise apsw.ReadOnlyError("a private copy writes nothing back")

    def xSync(self, _flags: int) -> None:  # noqa: N802
        """Do nothing: nothing is kept."""

    def xLock(self, _level: int) -> None:  # noqa: N802
        """Do nothing: no other connection can open it."""

    def xUnlock(self, _level: int) -> None:  # noqa: N802
        """Do nothing, as `xLock`."""

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xFileControl(self, _operation: int, _pointer: int) -> bool:  # noqa: N802
        return False

    def xSectorSize(self) -> int:  # noqa: N802
        return 4096

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return 0

    def xClose(self) -> None:  # noqa: N802
        """Do nothing: the file is that of another connection."""


class _Wal(_Pages):
    """The WAL of a copy, in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = bytearray(content)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        return bytes(self._content[offset : offset + amount])

    def xFileSize(self) -> int:  # noqa: N802
        return len(self._content)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        missing = offset + len(data) - len(self._content)
        if missing > 0:
            self._content += bytes(missing)
        self._content[offset : offset + len(data)] = data

    def xTruncate(self, size: int) -> None:  # noqa: N802
        del self._content[size:]


class _Files(apsw.VFS):
    """Gives SQLite the two files of each copy by its name."""

    def __init__(self) -> None:
        super().__init__(_VFS, "")
        self.opened: dict[str, tuple[_Pages, _Wal]] = {}

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> _Pages:  # type: ignore[override]  # noqa: N802
        at = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        pages, wal = self.opened[at.removesuffix(_WAL)]
        return wal if flags[0] & apsw.SQLITE_OPEN_WAL else pages

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return name

    def xAccess(self, pathname: str, _flags: int) -> bool:  # noqa: N802
        return pathname.endswith(_WAL)

    def xDelete(self, _filename: str, _sync: bool) -> None:  # noqa: N802, FBT001 - of SQLite
        """Do nothing: what is in memory ends with its connection."""


@cache
def _files() -> _Files:
    return _Files()


def copy_of(db: apsw.Connection, path: Path) -> apsw.Connection:
    """Return a connection to a private copy of the snapshot that a connection holds.

    It may be used as long as `db` holds that snapshot, or another one of the same `data_version`.

    Args:
        db: a connection to a generation in WAL mode, in a transaction that has read.
        path: the file of the generation.

    Raises:
        Unsettled: the WAL was begun again all the time.
        OSError: the size of a file cannot be read.
        apsw.Error: the database refuses.
    """
    wal = _Wal(_content_of_wal(db, path.with_name(path.name + _WAL)))
    name = f"/{_VFS}/{next(_numbers)}"
    files = _files()
    files.opened[name] = _Pages(db, path.stat().st_size), wal
    try:
        made = connect(name, apsw.SQLITE_OPEN_READWRITE, _VFS)
        # SQLite needs no shared memory for the WAL of a connection that is the only one
        made.pragma("locking_mode", "EXCLUSIVE")
        made.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        made.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        made.pragma("wal_autocheckpoint", 0)
        made.pragma("synchronous", "OFF")
        _prepare(made)
    finally:
        del files.opened[name]
    return made


def _content_of_wal(db: apsw.Connection, path: Path) -> bytes:
    """Return the bytes of the WAL of a snapshot, as they were at one moment.

    What is appended while they are read is no whole transaction, or one more.
    """
    for _ in range(_TRIES):
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return b""
        if not size:
            return b""
        before = db.read("main", _JOURNAL, 0, _WAL_HEADER)
        is_whole, content = db.read("main", _JOURNAL, 0, size)
        if is_whole and db.read("main", _JOURNAL, 0, _WAL_HEADER) == before:
            return content
    raise Unsettled


def _prepare(db: apsw.Connection) -> None:
    """Prepare a connection for queries and for a projector."""
    db.pragma("cache_size", -16 * 1024)
    db.pragma("temp_store", "MEMORY")
    hide_foreign(db)
    functions.register(db)
