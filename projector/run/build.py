"""Build a generation beside the one in use, and open the one in use for writing."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import apsw

from projector.db.connections import create, finish, open_writer
from projector.db.fork_safety import close
from projector.db.generations import Generations, generations
from projector.db.process_lock import ProcessLock
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

    Readers go on with the old one meanwhile. A running projector changes over by itself; where
    none runs, nobody can apply anything between the last look at the lanes and the change: the
    new generation knows all that the old one knew.

    Args:
        journal: the opened journal.
        on_commit: told of the progress after every transaction.
        stop: asked between blocks of about 1 MiB.

    Raises:
        ProjectorBusy: another build runs.
        BuildStopped: `stop` said so; what was built is removed, the old one stays in use.
        ProjectionError: the database or the file system refuses; the old one stays in use.
        ReadError: a segment cannot be read.
    """
    with building(journal, on_commit, stop) as number:
        put_into_use(journal, number, on_commit)
    return number


def build_anew(journal: Directory, stop: Callable[[], bool]) -> None:
    """Put a new generation into use in the place of one that does not serve, or of none.

    What is built when `stop` says so is put into use as it is: whoever comes next goes on with it,
    else no time that is too short for all of it would ever lead to an answer.

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
    """Publish a generation that was built, with what the lanes have gained since.

    It is done under the projector's lock, so that nothing can be applied to the generation in use
    alone meanwhile. A projector that runs for long keeps the lock: it changes over at once, and
    whoever asks before waits for it.

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
    """Put a generation into use, with what the lanes have gained since it was built."""
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
    """Build a new generation as far as there is time; yield its number.

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
    """Build a new generation from the lanes, and be the only one who builds.

    Yields:
        Its number. It is removed at the end unless it was published.

    Raises:
        ProjectorBusy, BuildStopped, ProjectionError, ReadError: as `rebuild`.
    """
    kept = generations(journal.path)

    with numbered(kept) as (number, lock):

        def check() -> bool:
            # to finish the transaction would take its time, and a part of the lanes is of no use
            if stop():
                raise BuildStopped(f"the build of generation {number} was stopped")
            return False

        _build(kept, number, journal, on_commit, check)
        lock.check()
        yield number


@contextmanager
def numbered(kept: Generations) -> Iterator[tuple[int, ProcessLock]]:
    """Be the only one who makes a generation; it is removed at the end unless published."""
    lock = ProcessLock(kept.build_lock)
    if not lock.acquire():
        raise lock.busy()
    try:
        kept.remove_unpublished()
        try:
            yield kept.next(), lock
        finally:
            # if the lock file was removed, or this is a forked child, what is there is another's
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
    """Build a generation until all is applied, or told to `stop`; return how many events are."""
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
    """Make a database, and apply what stands in the lanes; return how many events that are.

    Raises:
        NotApplied: an event cannot be, and `is_careful` is false; the database is of no use.
    """
    db = create(path, journal.uuid)
    try:
        projector = Projector(db, journal.lanes)
        if is_careful:
            projector.be_careful()
        # a long build leaves much behind, which nobody should have to wait for when it is published
        applied, rest = 0, _REST + 1
        while rest > _REST:
            progress = projector.catch_up(on_commit=on_commit, stop=stop)
            applied, rest = applied + progress.events, progress.bytes
    finally:
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
        db.close()
        raise failure("read", kept.path(number), error) from error
