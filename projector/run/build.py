"""Build a generation beside the one in use, and put it into use."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from projector.db.generations import Generations, generations
from projector.db.process_lock import ProcessLock
from projector.errors import BuildStopped
from projector.run.generation import apply_rest, build_generation, put
from projector.run.projector import never

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from journal.erasure.request import Request
    from journal.fs.directory import Directory
    from projector.run.watermark import Progress

_HAND_OVER = 0.3
"""Seconds for which the projector's lock is tried before a new generation is put into use."""
_BUILDS = 5
"""Maximum number of builds in a row because requests to forget arrived during them."""


def rebuild(
    journal: Directory,
    on_commit: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = never,
) -> int:
    """Build a new generation from the lanes and put it into use; return its number.

    Readers use the old one meanwhile. A running projector changes to the new one by itself. If none
    runs, the projector's lock is held from the last read of the lanes until the change, so that the
    new generation has all events that the old one had. A request to forget that comes meanwhile is
    in force at the end, unless such requests come faster than generations are built.

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
    requests: tuple[Request, ...] = ()
    for _ in range(_BUILDS):
        with building(journal, on_commit, stop, requests) as number:
            requests = put_into_use(journal, number, on_commit)
        if not requests:
            break
    return number


def build_replacement(journal: Directory, stop: Callable[[], bool]) -> None:
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
) -> tuple[Request, ...]:
    """Publish a generation that was built, with the events that were appended since.

    It holds the projector's lock, so that no other process applies events to the old generation
    meanwhile. A projector process keeps the lock all the time: it changes to the new generation at
    once, and queries wait until it has applied the rest.

    Returns:
        Requests to forget that came since it was built: they need another generation.

    Raises:
        ProjectionError, ReadError: as `rebuild`.
    """
    lock = ProcessLock(generations(journal.base).lock)
    lock.acquire(_HAND_OVER)
    try:
        return _publish(journal, number, on_commit, stop)
    finally:
        lock.release()


def renew(
    journal: Directory,
    on_commit: Callable[[Progress], None] | None,
    stop: Callable[[], bool],
) -> None:
    """Do as `build_replacement`; only for the holder of the projector's lock."""
    with _begun(journal, on_commit, stop) as number:
        _publish(journal, number, on_commit, stop)


def _publish(
    journal: Directory,
    number: int,
    on_commit: Callable[[Progress], None] | None,
    stop: Callable[[], bool],
) -> tuple[Request, ...]:
    """Put a generation into use as `put_into_use`."""
    kept = generations(journal.base)
    requests, hides = apply_rest(kept, number, journal, on_commit, stop)
    put(kept, number, hides=hides)
    return requests


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
    kept = generations(journal.base)
    with hold_build_lock(kept) as (number, lock):
        if not build_generation(kept, number, journal, on_commit, stop) and stop():
            raise BuildStopped(f"the build of generation {number} was stopped")
        lock.check()
        yield number


@contextmanager
def building(
    journal: Directory,
    on_commit: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = never,
    requests: tuple[Request, ...] = (),
) -> Iterator[int]:
    """Build a new generation from the lanes, under the lock of the one build.

    Yields:
        Its number. It is removed at the end unless it was published.

    Raises:
        ProjectorBusy, BuildStopped, ProjectionError, ReadError: as `rebuild`.
    """
    kept = generations(journal.base)

    with hold_build_lock(kept) as (number, lock):

        def check() -> bool:
            # a part of the lanes is of no use here: do not finish the transaction
            if stop():
                raise BuildStopped(f"the build of generation {number} was stopped")
            return False

        build_generation(kept, number, journal, on_commit, check, requests)
        lock.check()
        yield number


@contextmanager
def hold_build_lock(kept: Generations) -> Iterator[tuple[int, ProcessLock]]:
    """Hold the lock of the one build; yield the number of the new generation, and the lock.

    A generation that was not published is removed at the end.
    """
    lock = ProcessLock(kept.build_lock)
    with lock.held():
        kept.remove_unpublished()
        try:
            yield kept.next(), lock
        finally:
            # if the lock file was removed, or in a forked child, the files are another process's
            if lock.is_held():
                kept.remove_unpublished()
