"""Errors of SQLite: which mean that a database is damaged, and which that it was removed."""

from __future__ import annotations

from pathlib import Path

import apsw

from projector.errors import ProjectionDamaged, ProjectionError

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
"""A missing table is an SQL error; our statements cause no other SQL errors."""


def failure(what: str, path: Path | str, error: apsw.Error) -> ProjectionError:
    """Return the error for a failed action, `ProjectionDamaged` if only a rebuild helps.

    Args:
        what: the action, such as `open`.
        path: file of the projection.
        error: the error of SQLite.
    """
    message = f"cannot {what} the projection {path}: {error}"
    gone = isinstance(error, apsw.CantOpenError) and not Path(path).exists()
    damaged = getattr(error, "extendedresult", 0) in _DAMAGED
    if gone or damaged or isinstance(error, _DAMAGE):
        return ProjectionDamaged(f"{message}; run `projector rebuild`")
    return ProjectionError(message)


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
