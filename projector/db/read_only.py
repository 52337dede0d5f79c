"""Open a projection where nothing can be written: on a read-only medium, or on a full disk.

SQLite makes two files beside a database that it reads in WAL mode. Where it cannot, the database is
opened as one that never changes, and the reader checks afterwards whether it did.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from projector.db.connections import open_reader, open_unchanging
from projector.errors import ProjectionDamaged, ProjectionError

if TYPE_CHECKING:
    import apsw

Stamp = tuple[tuple[int, int, int] | None, ...]
"""Inode, size and time of the last change in nanoseconds, of a database and of its WAL."""

_TRIES = 3
"""Times that a database is copied which changes meanwhile."""


def open_on_any_medium(path: Path, journal_uuid: str) -> tuple[apsw.Connection, Stamp | None]:
    """Open a database for reading, also where SQLite cannot make its files beside it.

    Returns:
        The connection; and if it sees no change, the stamp of the files that were opened.

    Raises:
        ProjectionError: it cannot be opened, or is of another version or another journal.
    """
    try:
        return open_reader(path, journal_uuid), None
    except ProjectionDamaged:
        raise
    except ProjectionError:
        opened = open_unwritable(path, journal_uuid)
        if opened is None:
            raise
        return opened


def open_unwritable(path: Path, journal_uuid: str) -> tuple[apsw.Connection, Stamp] | None:
    """Open a database for reading, and make no file beside it.

    If it has a WAL, a copy of both is opened, in a temporary folder that is removed before this
    returns.

    Returns:
        The connection, which sees no change, and the stamp of the files that were opened; None
        if the files change all the time.

    Raises:
        ProjectionError: it cannot be opened or copied, or is no projection of this version.
    """
    for _ in range(_TRIES):
        before = stamp(path)
        if before[1] is None:
            db = open_unchanging(path, journal_uuid)
        else:
            db = _open_copy(path, journal_uuid)
        if stamp(path) == before:
            return db, before
        db.close()
    return None


def stamp(path: Path) -> Stamp:
    """Return the stamps of a database and of its WAL, None for a file that does not exist."""
    return _stamp_one(path), _stamp_one(_wal(path))


def _stamp_one(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    # an empty WAL is none
    is_empty = status.st_size == 0 and path.name.endswith("-wal")
    return None if is_empty else (status.st_ino, status.st_size, status.st_mtime_ns)


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _open_copy(path: Path, journal_uuid: str) -> apsw.Connection:
    try:
        folder = Path(mkdtemp(prefix="projection-"))
    except OSError as error:
        raise ProjectionError(f"cannot copy {path} to read it: {error}") from error
    try:
        copy = folder / path.name
        shutil.copyfile(path, copy)
        shutil.copyfile(_wal(path), _wal(copy))
        # the connection keeps its files open, and needs their names no more
        return open_reader(copy, journal_uuid)
    except OSError as error:
        raise ProjectionError(f"cannot copy {path} to read it: {error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
