"""Build a generation beside the one in use, and open the one in use for writing."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import apsw

from journal.fs.directory import check_same
from projector.db.connections import create, finish, open_writer
from projector.db.fork_safety import close
from projector.db.generations import Generations, generations
from projector.db.process_lock import ProcessLock
from projector.db.quiet import quiet
from projector.db.sqlite_errors import failure
from projector.errors import BuildStopped, NotApplied
from projector.run.projector import Progress, Projector, never

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from journal.fs.directory import Directory
    from projector.run.open_segments import OpenSegments

_log = logging.getLogger("projector")

_HAND_OVER = 0.3
"""Seconds for which the projector's lock is tried before a new generation is put into use."""
_REST = 1024 * 1024
"""Bytes that a build leaves to be applied while it has the projector's lock."""


def rebuild(
    journal: Directory,
    on_commit: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = never,
) -> int:
    """Build a new generation from the lanes and put it into use; return its number.

    Readers use the old one meanwhile. A running projector changes to the new one by itself. If none
    runs, the projector's lock is held from the last read of the lanes until the change, so that the
    new generation has all events that the old one had.

    Args:
        journal: the opened journal.
        on_commit: called with the progress after every transaction.
        stop: called between blocks of about 1 MiB.

    Raises:
        ProjectorBusy: another build runs.
        BuildStopped: `stop` returned True; what was built is removed, the old one stays in use.
        ProjectionError: the database or the file system refuses; the old one stays in use.
        ReadError: a segment cannot be read.
        JournalOpenError: another journal was made at the path meanwhile.
    """
    with building(journal, on_commit, stop) as number:
        put_into_use(journal, number, on_commit)
    return number


def build_anew(journal: Directory, stop: Callable[[], bool]) -> None:
    """Put a new generation into use in the place of an unusable one, or of none.

    If `stop` returns True, the generation is put into use unfinished, and the next projector goes
    on with it: else queries with a short time limit would begin the build again for ever.

    Raises:
        BuildStopped: nothing was applied yet.
        ProjectorBusy, ProjectionError, ReadError: as `rebuild`.
    """
    with _begun(journal, None, stop) as number:
        put_into_use(journal, number, stop=stop)


def put_into_use(
    journal: Directory,
    number: int,
    on_commit: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = never,
) -> None:
    """Publish a generation that was built, with the events that were appended since.

    It holds the projector's lock, so that no other process applies events to the old generation
    meanwhile. A projector process keeps the lock all the time: it changes to the new generation at
    once, and queries wait until it has applied the rest.

    Raises:
        ProjectionError, ReadError: as `rebuild`.
    """
    lock = ProcessLock(generations(journal.path).lock)
    lock.acquire(_HAND_OVER)
    try:
        _publish(journal, number, on_commit, stop)
    finally:
        lock.release()


def renew(
    journal: Directory,
    on_commit: Callable[[Progress], None] | None,
    stop: Callable[[], bool],
) -> None:
    """Do as `build_anew`; only for the holder of the projector's lock."""
    with _begun(journal, on_commit, stop) as number:
        _publish(journal, number, on_commit, stop)


def _publish(
    journal: Directory,
    number: int,
    on_commit: Callable[[Progress], None] | None,
    stop: Callable[[], bool],
) -> None:
    """Put a generation into use, with the events that were appended since it was built."""
    kept = generations(journal.path)
    projector = open_generation(kept, number, journal)
    try:
        projector.catch_up(on_commit=on_commit, stop=stop)
    finally:
        projector.close()
    kept.publish(number)


@contextmanager
def _begun(
    journal: Directory,
    on_commit: Callable[[Progress], None] | None,
    stop: Callable[[], bool],
) -> Iterator[int]:
    """Build a new generation until `stop` returns True; yield its number.

    Raises:
        BuildStopped: nothing was applied.
        ProjectorBusy, ProjectionError, ReadError: as `rebuild`.
    """
    kept = generations(journal.path)
    with numbered(kept) as (number, lock):
        if not _build(kept, number, journal, on_commit, stop) and stop():
            raise BuildStopped(f"the build of generation {number} was stopped")
        lock.check()
        yield number


@contextmanager
def building(
    journal: Directory,
    on_commit: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = never,
) -> Iterator[int]:
    """Build a new generation from the lanes, under the lock of the one build.

    Yields:
        Its number. It is removed at the end unless it was published.

    Raises:
        ProjectorBusy, BuildStopped, ProjectionError, ReadError: as `rebuild`.
    """
    kept = generations(journal.path)

    with numbered(kept) as (number, lock):

        def check() -> bool:
            # a part of the lanes is of no use here: do not finish the transaction
            if stop():
                raise BuildStopped(f"the build of generation {number} was stopped")
            return False

        _build(kept, number, journal, on_commit, check)
        lock.check()
        yield number


@contextmanager
def numbered(kept: Generations) -> Iterator[tuple[int, ProcessLock]]:
    """Hold the lock of the one build; yield the number of the new generation, and the lock.

    A generation that was not published is removed at the end.
    """
    lock = ProcessLock(kept.build_lock)
    if not lock.acquire():
        raise lock.busy()
    try:
        kept.remove_unpublished()
        try:
            yield kept.next(), lock
        finally:
            # if the lock file was removed, or in a forked child, the files are another process's
            if lock.is_held():
                kept.remove_unpublished()
    finally:
        lock.release()


def _build(
    kept: Generations,
    number: int,
    journal: Directory,
    on_commit: Callable[[Progress], None] | None,
    stop: Callable[[], bool],
) -> int:
    """Build a generation until all is applied or `stop` returns True; return the applied events."""
    check_same(journal)  # a projection for another uuid would be rebuilt by its readers for ever
    path = kept.path(number)
    try:
        applied = _fill(path, journal, on_commit, stop, is_careful=False)
    except NotApplied as error:
        _log.warning("building again, trying each event alone: %s", error)
        kept.remove_unpublished()
        applied = _fill(path, journal, on_commit, stop, is_careful=True)
    finish(path)
    return applied


def _fill(
    path: Path,
    journal: Directory,
    on_commit: Callable[[Progress], None] | None,
    stop: Callable[[], bool],
    *,
    is_careful: bool,
) -> int:
    """Make a database and apply the lanes to it; return the number of applied events.

    Raises:
        NotApplied: an event cannot be applied, and `is_careful` is false; remove the database.
    """
    db = create(path, journal.uuid)
    try:
        projector = Projector(db, journal.lanes)
        if is_careful:
            projector.be_careful()
        # during a long build many events are appended: apply them before readers wait for it
        applied, rest = 0, _REST + 1
        while rest > _REST:
            progress = projector.catch_up(on_commit=on_commit, stop=stop)
            applied, rest = applied + progress.events, progress.bytes
    finally:
        with quiet:
            close(db)
    return applied


def open_generation(
    kept: Generations, number: int, journal: Directory, segments: OpenSegments | None = None
) -> Projector:
    """Open a generation for writing.

    Raises:
        ProjectionError: it cannot be opened, or is of another version or another journal.
    """
    db = open_writer(kept.path(number), journal.uuid)
    try:
        return Projector(db, journal.lanes, segments)
    except apsw.Error as error:
        with quiet:
            db.close()
        raise failure("read", kept.path(number), error) from error
