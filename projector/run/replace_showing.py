"""Replace a generation that shows what is to be forgotten."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import apsw

from journal.errors import counted
from projector.db.connections import open_writer
from projector.db.fork_safety import close
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.db.quiet import quiet
from projector.errors import BuildStopped, ProjectionDamaged, ProjectionError
from projector.run.generation import apply_rest, build_generation, put, search_requests
from projector.run.hiding import Hiding
from projector.run.lost import write_back

if TYPE_CHECKING:
    from collections.abc import Callable

    from journal.erasure.request import Request
    from journal.fs.directory import Directory
    from projector.db.generations import Generations
    from projector.run.watermark import Progress


_log = logging.getLogger("projector")


def replace_showing(
    journal: Directory,
    requests: tuple[Request, ...],
    on_commit: Callable[[Progress], None] | None,
    stop: Callable[[], bool],
) -> bool:
    """Replace a generation that shows what requests ask to forget.

    Only for the holder of the projector's lock. Readers use the old generation until the new one is
    complete. If `stop` returns True, what was built is kept, and the next call continues it: else
    queries with a short time limit would begin it again for ever.

    Returns:
        Whether the new generation was put into use.

    Raises:
        ProjectorBusy, ProjectionError, ReadError: as `rebuild`.
        AppendError: what only the old generation has cannot be written to the journal.
    """
    kept = generations(journal.base)
    lock = ProcessLock(kept.build_lock)
    with lock.held():
        try:
            found = _complete(journal, requests, on_commit, stop, lock)
            if found is None:
                return False
            lock.check()
            number, hides = found
            put(kept, number, hides=hides)
        except BuildStopped:
            return False  # the lanes were searched for requests: nothing was built in vain
        except BaseException:
            if lock.is_held():
                kept.remove_unpublished()
            raise
    return True


def _complete(
    journal: Directory,
    requests: tuple[Request, ...],
    on_commit: Callable[[Progress], None] | None,
    stop: Callable[[], bool],
    lock: ProcessLock,
) -> tuple[int, bool] | None:
    """Build a generation with all that the lanes and the generation in use have.

    Returns:
        Its number, and whether it hides anything; None if `stop` returned True.

    Raises:
        BuildStopped: `stop` returned True while the lanes were searched for requests.
        ProjectorBusy, ProjectionError, ReadError, AppendError: as `replace_showing`.
    """
    kept = generations(journal.base)
    while True:
        number = kept.unpublished()
        if number is None or not _is_begun(kept, number, journal, requests, stop):
            kept.remove_unpublished()
            number = kept.next()
            build_generation(kept, number, journal, on_commit, stop, requests)
        lock.check()
        is_changed = _write_back(journal, kept, number)
        late, hides = apply_rest(kept, number, journal, on_commit, stop)
        if stop():
            return None
        if not (is_changed and late):
            return number, hides
        # a request was among what was lost: what it forgets must not be shown meanwhile
        requests += late


def _write_back(journal: Directory, kept: Generations, number: int) -> bool:
    """Write back what only the generation in use has: it is removed as soon as another hides more.

    A damaged block or a lost sync may have taken records from the lanes that were applied before.
    Without this, to forget one session would lose those of others.

    Returns:
        Whether anything was written.

    Raises:
        ProjectionError, AppendError: the generation cannot be read, or the journal not be written;
            the generation stays in use, and still shows what is to be forgotten.
    """
    current = kept.current()
    if current is None:
        return False
    try:
        saved = write_back(journal, kept.path(current), kept.path(number))
    except ProjectionDamaged as error:  # nothing can be saved from it, and it must not stay
        _log.warning("it was not searched for events that the journal lost: %s", error)
        return False
    if saved.events:
        _log.warning(
            "%s of %s had records in the projection alone, since those in the journal are damaged"
            " or gone: they are written back to lane %s",
            counted(saved.events, "event"),
            counted(saved.sessions, "session"),
            saved.lane,
        )
    return saved.events > 0


def _is_begun(
    kept: Generations,
    number: int,
    journal: Directory,
    requests: tuple[Request, ...],
    stop: Callable[[], bool],
) -> bool:
    """Return whether a build that was stopped can be continued, and hides what is to be forgotten.

    A build that died has no WAL: it is of no use.
    """
    try:
        db = open_writer(kept.path(number), journal.uuid)
    except ProjectionError:
        return False
    try:
        with quiet:
            hiding = Hiding(db, journal.path)
            needed = (*search_requests(journal, stop).requests, *requests)
            return db.pragma("journal_mode") == "wal" and hiding.knows(needed)
    except apsw.Error:
        return False
    finally:
        with quiet:
            close(db)
