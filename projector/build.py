"""Build a generation beside the one in use, and open the one in use for writing."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import apsw

from projector.errors import ProjectionError
from projector.generation import Generations, OnlyOne, generations
from projector.project import Progress, Projector
from projector.schema import create, open_writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from journal.directory import Directory

_log = logging.getLogger("projector")


def rebuild(journal: Directory, on_commit: Callable[[Progress], None] | None = None) -> int:
    """Build a new generation from the lanes and put it into use; return its number.

    Readers go on with the old one meanwhile. A running projector changes over by itself.

    Raises:
        ProjectorBusy: another build runs.
        ProjectionError: the database or the file system refuses; the old one stays in use.
        ReadError: a segment cannot be read.
    """
    with building(journal, on_commit) as number:
        generations(journal.path).publish(number)
    return number


@contextmanager
def building(
    journal: Directory, on_commit: Callable[[Progress], None] | None = None
) -> Iterator[int]:
    """Build a new generation from the lanes, and be the only one who builds.

    Yields:
        Its number. It is removed at the end unless it was published.

    Raises:
        ProjectorBusy, ProjectionError, ReadError: as `rebuild`.
    """
    kept = generations(journal.path)
    lock = OnlyOne(kept.build_lock)
    if not lock.take():
        raise lock.busy()
    try:
        kept.remove_unpublished()
        number = kept.next()
        try:
            _build(kept, number, journal, on_commit)
            yield number
        finally:
            kept.remove_unpublished()
    finally:
        lock.release()


def _build(
    kept: Generations,
    number: int,
    journal: Directory,
    on_commit: Callable[[Progress], None] | None,
) -> None:
    path = kept.path(number)
    db = create(path, journal.uuid)
    try:
        Projector(db, journal.lanes).catch_up(on_commit=on_commit)
    finally:
        db.close()
    try:
        db = apsw.Connection(str(path), apsw.SQLITE_OPEN_READWRITE)
        db.pragma("journal_mode", "wal")
        db.close()
        path.chmod(0o600)
    except (apsw.Error, OSError) as error:
        raise ProjectionError(f"cannot finish generation {number}: {error}") from error


def open_current(
    journal: Directory, on_commit: Callable[[Progress], None] | None = None
) -> tuple[int, Projector]:
    """Open the generation in use for writing; build one where there is none that serves.

    Only for the holder of the projector's lock.

    Raises:
        ProjectionError, ReadError, ProjectorBusy: as `rebuild`.
    """
    kept = generations(journal.path)
    try:
        number = kept.current()
        if number is not None:
            return number, _open(kept, number, journal)
    except ProjectionError as error:
        _log.warning("building the projection anew: %s", error)
    number = rebuild(journal, on_commit)
    return number, _open(kept, number, journal)


def _open(kept: Generations, number: int, journal: Directory) -> Projector:
    db = open_writer(kept.path(number), journal.uuid)
    try:
        return Projector(db, journal.lanes)
    except apsw.Error as error:
        db.close()
        raise ProjectionError(f"cannot read {kept.path(number)}: {error}") from error


def replace_damaged(
    journal: Directory,
    error: ProjectionError,
    on_commit: Callable[[Progress], None] | None = None,
) -> None:
    """Build the projection anew if `error` says that its database is damaged.

    Only for the holder of the projector's lock.

    Raises:
        ProjectionError: it is `error`, which says something else.
        ReadError, ProjectorBusy: as `rebuild`.
    """
    if not isinstance(error.__cause__, (apsw.CorruptError, apsw.NotADBError)):
        raise error
    _log.warning("building the projection anew: %s", error)
    rebuild(journal, on_commit)


def catch_up_once(journal: Directory, on_commit: Callable[[Progress], None] | None = None) -> None:
    """Apply everything that stands in the lanes; build the projection anew if it is damaged.

    Only for the holder of the projector's lock.

    Raises:
        ProjectionError, ReadError, ProjectorBusy: as `rebuild`.
    """
    _, projector = open_current(journal, on_commit)
    try:
        projector.catch_up(on_commit=on_commit)
    except ProjectionError as error:
        replace_damaged(journal, error, on_commit)
    finally:
        projector.close()
