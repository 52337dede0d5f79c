"""The drainer: sends a projection's messages to a sink, first all and then what changes.

It may be killed anywhere. What was sent and not noted is sent again with the same versions, which
changes nothing, or with higher ones. A version never goes down: each pass begins above all that the
sink has of the part.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from projector.db.generations import generations, with_part
from projector.db.process_lock import ProcessLock
from projector.outbox import Progress, read_progress
from projector.projection import Projection
from projector.run.lock_holder import catch_up_once
from projector.sink.document import FORM
from projector.sink.documents import Batch, Documents
from projector.sink.errors import SinkError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    import apsw

    from journal.fs.directory import Directory
    from projector.fold.part import Part
    from projector.sink.document import Sink

BATCH = 50_000
"""Most documents that are sent at a time: ClickHouse merges fewer and larger inserts less often."""
_FIRST = 5
"""Part of it that the first batch has; each further one has twice as many. The sink idles while the
first one is read."""
_NOTICED = 60.0
"""Seconds within which a projector that runs notices that there is a sink."""
_PAUSE = 0.5
_ERASED = 1_000
"""Sessions that are erased with one statement."""


class Sent(NamedTuple):
    """What was sent.

    Attributes:
        documents: how many were sent.
        erased: sessions that were erased.
        is_swept: whether a pass over all messages ended: nothing else of the part is in the sink.
    """

    documents: int = 0
    erased: int = 0
    is_swept: bool = False


class _Next(NamedTuple):
    """What is to be sent, read in one snapshot."""

    part: str
    build: str
    batch: Batch | None
    sessions: set[str] | None


class Drainer:
    """Sends the messages of a projection, or of one part, to a sink.

    Args:
        journal: the journal.
        sink: the sink.
        part: the part; None for the whole projection.
        batch: most documents that are sent at a time.
    """

    def __init__(
        self, journal: Directory, sink: Sink, part: Part | None = None, batch: int = BATCH
    ) -> None:
        self._sink = sink
        self._largest = batch
        self._batch = max(1, batch // _FIRST)
        self._journal = with_part(journal, part)
        self._folder = generations(self._journal.base).folder
        self._projection = Projection(journal.path, part=None if part is None else str(part))
        self._table = sink.prepare()

    def drain(
        self,
        *,
        again: bool = False,
        stop: Callable[[], bool] = lambda: False,
    ) -> Sent:
        """Send all that the sink lacks of what is in the journal now.

        Args:
            again: send every message, also those that were sent.
            stop: called between batches; what was sent until then is kept.

        Raises:
            SinkError: the sink cannot be reached, or refuses.
            ProjectionError, ReadError, QueryTimeout: as `Projection.catch_up`.
        """
        self._await_outbox()
        progress = None if again else read_progress(self._folder)
        sent = erased = 0
        is_swept = False
        storing: Future[None] | None = None
        is_done = False
        # the next batch is read while the sink stores the one before
        with ThreadPoolExecutor(1, "sink") as pool:
            while not (is_done or stop()):
                found, _ = self._projection.read(partial(self._next, progress=progress))
                self._finish(storing, progress)
                storing = None
                if found.batch is None or progress is None:
                    progress, gone = self._begin(found)
                    erased += gone
                    continue
                storing = pool.submit(self._sink.put, found.batch.documents)
                self._batch = min(self._largest, 2 * self._batch)
                sent += len(found.batch.documents)
                is_done = progress.scanned is None and found.batch.is_last
                is_scanned = progress.scanned is not None and found.batch.is_last
                progress = _behind(progress, found.batch)
                if is_scanned:
                    storing.result()
                    # whatever has a lower version is not in the projection any more
                    self._sink.erase_older(found.part, progress.base)
                    is_swept = True
            self._finish(storing, progress)
        return Sent(sent, erased, is_swept)

    def _finish(self, storing: Future[None] | None, progress: Progress | None) -> None:
        """Wait until a batch is stored, and note it."""
        if storing is not None and progress is not None:
            storing.result()
            progress.save(self._folder)

    def _await_outbox(self) -> None:
        """Apply new events, and return when the outbox is filled with what changes.

        Raises:
            SinkError: it is not, after a while.
        """
        self._projection.catch_up()
        until = time.monotonic() + _NOTICED
        while not self._projection.read(lambda db: Documents(db).is_kept)[0]:
            if time.monotonic() > until:
                raise SinkError("the projector that runs has not noticed the sink; restart it")
            lock = ProcessLock(generations(self._journal.base).lock)
            if lock.acquire(_PAUSE):
                try:
                    catch_up_once(self._journal)
                finally:
                    lock.release()

    def _next(self, db: apsw.Connection, progress: Progress | None) -> _Next:
        """Read what is to be sent; no batch if everything must be sent from the beginning."""
        documents = Documents(db)
        now = FORM, documents.build, self._table
        if progress is None or (progress.form, progress.build, progress.table) != now:
            return _Next(documents.part, documents.build, None, documents.sessions())
        if progress.scanned is not None:
            batch = documents.scan(progress.scanned, self._batch, progress.base)
        else:
            batch = documents.changed(progress.position, self._batch, progress.base)
        return _Next(documents.part, documents.build, batch, None)

    def _begin(self, found: _Next) -> tuple[Progress, int]:
        """Begin a pass over all messages; erase the sessions that are not there any more."""
        base = self._sink.latest(found.part) + 1
        progress = Progress(FORM, found.build, self._table, base, 0, 0)
        gone = sorted(set(self._sink.sessions(found.part)) - (found.sessions or set()))
        for at in range(0, len(gone), _ERASED):
            self._sink.erase(found.part, gone[at : at + _ERASED])
        progress.save(self._folder)
        return progress, len(gone)

    def close(self) -> None:
        """Close the projection; the sink stays open."""
        self._projection.close()


def _behind(progress: Progress, batch: Batch) -> Progress:
    """Return the progress behind a batch."""
    if progress.scanned is None:
        return progress if batch.last is None else replace(progress, position=batch.last)
    scanned = progress.scanned if batch.last is None else batch.last
    return replace(progress, scanned=None if batch.is_last else scanned)
