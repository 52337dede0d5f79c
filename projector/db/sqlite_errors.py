"""Errors of SQLite: which mean that a database is damaged, and which that it was removed."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from projector.errors import ProjectionDamaged, ProjectionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DAMAGED = frozenset(
    [
        apsw.SQLITE_IOERR_DATA,  # a page does not have its checksum
        apsw.SQLITE_IOERR_READ,  # the disk cannot give a page any more
        apsw.SQLITE_IOERR_SHORT_READ,
        apsw.SQLITE_IOERR_CORRUPTFS,
    ]
)
"""Extended codes of errors of which only another file is a remedy."""

_DAMAGE = (
    *(apsw.CorruptError, apsw.NotADBError, apsw.SQLError),
    # our statements bind what their columns take, and our keys are found before they are written
    *(apsw.ConstraintError, apsw.MismatchError, apsw.FormatError, apsw.RangeError),
)
"""Errors of the projector's own statements: a missing table is an SQL error, and they cause no
others. What a caller's statement causes is sorted out by `is_of_query`."""

_SURROUNDINGS = (
    *(apsw.CorruptError, apsw.NotADBError, apsw.IOError, apsw.FullError),
    *(apsw.BusyError, apsw.LockedError, apsw.ProtocolError, apsw.NoMemError),
)
"""Errors of the file, the disk and the machine, which a statement is not the cause of."""


_NEEDED = 64 * 1024
"""Free bytes with which SQLite can make the files that it needs beside a database."""


def is_of_query(
    error: apsw.Error,
    path: Path,
    handled: BaseException | None,
    *,
    is_whole: Callable[[], bool],
) -> bool:
    """Return whether the code that used a connection caused an error, and not the database.

    Args:
        error: what a function raised that was lent a connection in a snapshot.
        path: file of the projection.
        handled: what was being handled already when the function was called.
        is_whole: says whether the database has its tables; asked only if that decides.
    """
    if any(_is_of_surroundings(earlier) for earlier in _with_context(error, handled)):
        return False
    if isinstance(error, apsw.CantOpenError):  # as of ATTACH
        return path.exists()
    return not isinstance(error, apsw.SQLError) or is_whole()


def failure(what: str, path: Path | str, error: apsw.Error) -> ProjectionError:
    """Return the error for a failed action, `ProjectionDamaged` if only a rebuild helps.

    Args:
        what: the action, such as `open`.
        path: file of the projection.
        error: the error of SQLite.
    """
    message = f"cannot {what} the projection {path}: {error}{full_disk(path, error)}"
    gone = isinstance(error, apsw.CantOpenError) and not Path(path).exists()
    damaged = getattr(error, "extendedresult", 0) in _DAMAGED
    if gone or damaged or isinstance(error, _DAMAGE):
        return ProjectionDamaged(f"{message}; run `projector rebuild`")
    return ProjectionError(message)


def full_disk(path: Path | str, error: Exception) -> str:
    """Return the part of a message that says where the disk is full; empty if it is not.

    SQLite calls it an I/O error where it makes its files beside a database.
    """
    if not isinstance(error, (OSError, apsw.IOError, apsw.FullError, apsw.CantOpenError)):
        return ""
    folder = Path(path).parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError:  # the folder is gone, and the error of SQLite says so
        return ""
    if free >= _NEEDED and not isinstance(error, apsw.FullError):
        return ""
    cause = "" if isinstance(error, apsw.FullError) else ": the disk is full"
    return f"{cause}: {free >> 10:,} KiB are free in {folder}"


@contextmanager
def refusals(what: str, path: Path | str) -> Iterator[None]:
    """Raise each error of SQLite as a `ProjectionError`, but for an interrupted statement.

    Args:
        what: the action, such as `read`.
        path: file of the projection.

    Raises:
        ProjectionError: the database refuses.
    """
    try:
        yield
    except apsw.InterruptError:
        raise
    except apsw.Error as error:
        raise failure(what, path, error) from error


_MOVED = frozenset(
    [
        apsw.SQLITE_READONLY_DBMOVED,
        apsw.SQLITE_IOERR_VNODE,
        apsw.SQLITE_IOERR_SHMOPEN,
        apsw.SQLITE_IOERR_SHMMAP,
        apsw.SQLITE_IOERR_DELETE_NOENT,
        apsw.SQLITE_IOERR_FSTAT,
    ]
)
"""Extended codes of errors on a file that was removed or renamed while it was open."""


def _is_of_surroundings(error: BaseException) -> bool:
    return isinstance(error, _SURROUNDINGS) or getattr(error, "extendedresult", 0) in _MOVED


def _with_context(error: BaseException, handled: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those behind `handled` that were being handled when it was raised.

    SQLite ends the transaction with an error of the disk; what uses it then raises another error.
    """
    cause: BaseException | None = error
    while cause is not None and cause is not handled:
        yield cause
        cause = cause.__context__


def was_removed(error: BaseException | None) -> bool:
    """Return whether an error can come from files that were removed while they were in use.

    Then another try, which opens or builds the projection again, can succeed.
    """
    while error is not None:
        if isinstance(error, (FileNotFoundError, apsw.CantOpenError, apsw.BusyError)):
            return True
        if isinstance(error, (apsw.IOError, apsw.ReadOnlyError)):
            return getattr(error, "extendedresult", 0) in _MOVED
        error = error.__cause__
    return False
