"""Write to the generation in use; only the holder of the projector's lock does this."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import apsw

from projector.db.connections import create_empty
from projector.db.generations import generations
from projector.errors import BuildStopped, NotHidden, ProjectionDamaged, ProjectionError
from projector.run.build import hold_build_lock, renew
from projector.run.generation import open_generation
from projector.run.projector import never
from projector.run.replace_showing import replace_showing

if TYPE_CHECKING:
    from collections.abc import Callable

    from journal.fs.directory import Directory
    from projector.run.open_segments import OpenSegments
    from projector.run.projector import Projector
    from projector.run.watermark import Progress

_log = logging.getLogger("projector")

_TRIES = 3
"""Times that a generation is built when what was built cannot be opened."""


def open_current(
    journal: Directory,
    on_commit: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = never,
    segments: OpenSegments | None = None,
) -> tuple[int, Projector]:
    """Open the generation in use for writing; build one if there is none that can be used.

    Only for the holder of the projector's lock.

    Args:
        journal: the opened journal.
        on_commit: as for `rebuild`.
        stop: as for `rebuild`.
        segments: segments that are open already; the projector closes them with itself.

    Raises:
        ProjectionError, ReadError, ProjectorBusy, BuildStopped: as `rebuild`.
    """
    kept = generations(journal.base)
    for _ in range(_TRIES):
        try:
            number = kept.current()
            if number is not None:
                return number, open_generation(kept, number, journal, segments)
        except ProjectionDamaged as error:
            _log.warning("rebuilding the projection: %s", error)
        renew(journal, on_commit, stop)
    raise ProjectionError(
        f"each generation that is built in {kept.folder} was removed at once, {_TRIES} times;"
        f" find the program that deletes it"
    )


def replace_damaged(
    journal: Directory,
    error: ProjectionError,
    on_commit: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = never,
) -> bool:
    """Rebuild the projection if `error` is `ProjectionDamaged`.

    Only for the holder of the projector's lock.

    Returns:
        Whether another generation is in use now. It may be unfinished if `stop` returned True, but
        for `NotHidden`: then the old one stays in use until the new one is complete.

    Raises:
        ProjectionError: `error`, if it is another one.
        ReadError, ProjectorBusy, BuildStopped: as `rebuild`.
    """
    if not isinstance(error, ProjectionDamaged):
        raise error
    if isinstance(error, NotHidden):  # a user asked for that: it is no fault
        _log.info("rebuilding the projection: %s", error)
        return replace_showing(journal, error.requests, on_commit, stop)
    _log.warning("rebuilding the projection: %s", error)
    renew(journal, on_commit, stop)
    return True


def catch_up_once(
    journal: Directory,
    on_commit: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = never,
) -> None:
    """Apply all events of the lanes; rebuild the projection if it is damaged.

    Only for the holder of the projector's lock. If `stop` returns True, what was applied is kept.

    Raises:
        BuildStopped: `stop` returned True before anything was applied.
        ProjectionError, ReadError, ProjectorBusy: as `rebuild`.
    """
    builds, pinned = 0, True
    while pinned and builds < _TRIES:
        number, projector = open_current(journal, on_commit, stop)
        try:
            projector.catch_up(on_commit=on_commit, stop=stop)
            generations(journal.base).remove_old(number)
            if pinned := projector.wal.is_pinned:
                move_to_copy(journal, projector)
        except ProjectionError as error:
            if not replace_damaged(journal, error, on_commit, stop):
                raise BuildStopped(
                    "the build of a generation that hides what is forgotten was stopped; the next"
                    " projector continues it"
                ) from error
            # a request that arrived meanwhile needs another one
            builds += 1
            pinned = isinstance(error, NotHidden)
        finally:
            projector.close()


def move_to_copy(journal: Directory, projector: Projector) -> None:
    """Put a copy of the generation in use into its place, since a reader keeps an old snapshot.

    Only for the holder of the projector's lock, which continues with the copy. Readers use the copy
    from their next query on. The reader keeps its snapshot, and that WAL no longer grows.

    Raises:
        ProjectorBusy: a build runs; the generation that it publishes replaces this one, too.
        ProjectionError: the copy cannot be made.
    """
    kept = generations(journal.base)
    with hold_build_lock(kept) as (number, lock):
        try:
            projector.copy_to(create_empty(kept.path(number)))
        except apsw.Error as error:
            raise ProjectionError(f"cannot copy to generation {number}: {error}") from error
        lock.check()
        kept.publish(number)
    _log.warning("a reader keeps an old snapshot: continuing in generation %d", number)
