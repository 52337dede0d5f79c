"""Fill a generation with the events of the lanes, and open it again for writing."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

import apsw

from journal.erasure.requests import Forgotten, RequestScan
from journal.fs.directory import check_same
from journal.fs.key_file import read_keys
from projector.db.connections import create, finish, open_writer
from projector.db.fork_safety import close
from projector.db.quiet import quiet
from projector.db.sqlite_errors import failure, refusals
from projector.errors import BuildStopped, NotApplied, NotHidden
from projector.run.hiding import record
from projector.run.projector import Projector

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journal.erasure.request import Request
    from journal.fs.directory import Directory
    from projector.db.generations import Generations
    from projector.run.open_segments import OpenSegments
    from projector.run.watermark import Progress

_log = logging.getLogger("projector")

_REST = 1024 * 1024
"""Bytes that a build leaves to be applied while it has the projector's lock."""


def apply_rest(
    kept: Generations,
    number: int,
    journal: Directory,
    on_commit: Callable[[Progress], None] | None,
    stop: Callable[[], bool],
) -> tuple[tuple[Request, ...], bool]:
    """Apply the events that were appended since a generation was built."""
    projector = open_generation(kept, number, journal)
    requests: tuple[Request, ...] = ()
    try:
        projector.catch_up(on_commit=on_commit, stop=stop)
    except NotHidden as error:
        requests = error.requests
    finally:
        projector.close()
    return requests, projector.hiding.is_needed


def build_generation(
    kept: Generations,
    number: int,
    journal: Directory,
    on_commit: Callable[[Progress], None] | None,
    stop: Callable[[], bool],
    requests: tuple[Request, ...] = (),
) -> int:
    """Build a generation until all is applied or `stop` returns True; return the applied events.

    It hides what the requests ask to forget that are in the lanes now, and those given. Those that
    come later need another generation: this one ends before them.

    Raises:
        BuildStopped: `stop` returned True while the lanes were searched for requests.
    """
    check_same(journal)  # a projection for another uuid would be rebuilt by its readers for ever
    path = kept.path(number)
    there = (*search_requests(journal, stop).requests, *requests)
    forgotten = Forgotten(there, read_keys(journal.path) if there else ())
    try:
        applied = _fill(path, journal, forgotten, on_commit, stop, is_careful=False)
    except NotApplied as error:
        _log.warning("building again, trying each event alone: %s", error)
        kept.remove_unpublished()
        applied = _fill(path, journal, forgotten, on_commit, stop, is_careful=True)
    finish(path)
    return applied


def search_requests(journal: Directory, stop: Callable[[], bool]) -> Forgotten:
    """Return what the requests in the lanes forget, if the journal has a key.

    Raises:
        BuildStopped: `stop` returned True. The next search continues behind what was searched.
        JournalOpenError, ReadError: the file `key` or a segment cannot be read.
    """

    def check() -> None:
        if stop():
            raise BuildStopped("the search of the lanes for requests to forget was stopped")

    scan = RequestScan(journal, check)
    try:
        return scan.read_understood()
    except BuildStopped:
        with contextlib.suppress(OSError):  # a hint: without it the next search begins again
            scan.save()
        raise


def _fill(
    path: Path,
    journal: Directory,
    forgotten: Forgotten,
    on_commit: Callable[[Progress], None] | None,
    stop: Callable[[], bool],
    *,
    is_careful: bool,
) -> int:
    """Make a database and apply the lanes to it; return the number of applied events.

    Raises:
        NotApplied: an event cannot be applied, and `is_careful` is false; remove the database.
        ProjectionError: the database refuses.
    """
    db = create(path, journal.uuid)
    applied, rest = 0, _REST + 1
    with refusals("write", path):
        try:
            with quiet, db:
                record(db, forgotten)
            projector = Projector(db, journal.lanes)
            if is_careful:
                projector.be_careful()
            # during a long build many events are appended: apply them before readers wait for it
            while rest > _REST:
                progress = projector.catch_up(on_commit=on_commit, stop=stop)
                applied, rest = applied + progress.events, progress.bytes
            if not stop():
                # of an index in one piece, a word is read once and not in each of its pieces
                with quiet, db:
                    db.execute("INSERT INTO fts(fts) VALUES('optimize')")
        except NotHidden:
            applied = max(applied, 1)  # it is published, and another one is built
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


def put(kept: Generations, number: int, *, hides: bool) -> None:
    """Put a complete generation into use.

    Args:
        kept: the generations.
        number: of the generation.
        hides: whether it hides anything; then earlier ones are removed at once.

    Raises:
        ProjectionError: the file system refuses; the old one stays in use.
    """
    kept.publish(number)
    if hides:
        kept.remove_earlier(number)  # they may show what is forgotten
