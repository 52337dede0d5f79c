"""What only the holder of the projector's lock does: work on the generation in use."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import apsw

from projector.db.connections import create_empty
from projector.db.generations import generations
from projector.errors import ProjectionDamaged, ProjectionError
from projector.run.build import numbered, open_generation, renew
from projector.run.projector import never

if TYPE_CHECKING:
    from collections.abc import Callable

    from journal.fs.directory import Directory
    from projector.run.open_segments import OpenSegments
    from projector.run.projector import Progress, Projector

_log = logging.getLogger("projector")

_TRIES = 3
"""Times that a generation is built when what was built cannot be opened."""


def open_current(
    journal: Directory,
    on_commit: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = never,
    segments: OpenSegments | None = None,
) -> tuple[int, Projector]:
    """Open the generation in use for writing; build one where there is none that serves.

    Only for the holder of the projector's lock.

    Args:
        journal: the opened journal.
        on_commit: as for `rebuild`.
        stop: as for `rebuild`.
        segments: segments that are open already; the projector closes them with itself.

    Raises:
        ProjectionError, ReadError, ProjectorBusy, BuildStopped: as `rebuild`.
    """
    kept = generations(journal.path)
    for _ in range(_TRIES):
        try:
            number = kept.current()
            if number is not None:
                return number, open_generation(kept, number, journal, segments)
        except ProjectionDamaged as error:
            _log.warning("building the projection anew: %s", error)
        renew(journal, on_commit, stop)
    raise ProjectionError(
        f"what is built in {kept.folder} is gone at once, {_TRIES} times; who deletes it?"
    )


def replace_damaged(
    journal: Directory,
    error: ProjectionError,
    on_commit: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = never,
) -> None:
    """Build the projection anew if `error` says that its database is damaged.

    Only for the holder of the projector's lock.

    Raises:
        ProjectionError: it is `error`, which says something else.
        ReadError, ProjectorBusy, BuildStopped: as `rebuild`.
    """
    if not isinstance(error, ProjectionDamaged):
        raise error
    _log.warning("building the projection anew: %s", error)
    renew(journal, on_commit, stop)


def catch_up_once(
    journal: Directory,
    on_commit: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = never,
) -> None:
    """Apply everything that stands in the lanes; build the projection anew if it is damaged.

    Only for the holder of the projector's lock. What is applied when `stop` says so is kept.

    Raises:
        BuildStopped: `stop` said so before there was anything to keep.
        ProjectionError, ReadError, ProjectorBusy: as `rebuild`.
    """
    pinned = True
    while pinned:
        number, projector = open_current(journal, on_commit, stop)
        try:
            projector.catch_up(on_commit=on_commit, stop=stop)
            generations(journal.path).remove_old(number)
            if pinned := projector.wal.is_pinned:
                leave(journal, projector)
        except ProjectionError as error:
            replace_damaged(journal, error, on_commit, stop)
            return
        finally:
            projector.close()


def leave(journal: Directory, projector: Projector) -> None:
    """Leave the generation in use to a reader that holds on, and put a copy into use.

    Only for the holder of the projector's lock, who goes on with the copy. Readers change over at
    their next query; the one that holds on keeps its snapshot, and its WAL no longer grows.

    Raises:
        ProjectorBusy: a build runs, and what it publishes serves as well.
        ProjectionError: the copy cannot be made.
    """
    kept = generations(journal.path)
    with numbered(kept) as (number, lock):
        try:
            projector.copy_to(create_empty(kept.path(number)))
        except apsw.Error as error:
            raise ProjectionError(f"cannot copy to generation {number}: {error}") from error
        lock.check()
        kept.publish(number)
    _log.warning("a reader holds on to an old snapshot: going on in generation %d", number)
