"""Carry out the requests of a journal: hide what they forget, remove its bytes, write receipts."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal.erasure.eraser import erase
from journal.erasure.requests import RequestScan
from journal.errors import EraseError, JournalError, SyncError, reason
from journal.format.event_types import ERASURE_COMPLETED, ERASURE_REQUESTED, FORGET
from journal.format.fields.erasure import REMOVED
from journal.fs.directory import open_directory
from journal.process import clock
from journal.writer import Journal
from projector.db.generations import find_parts
from projector.errors import NotFinished, NotProjected, ProjectorError
from projector.forgetting.erasures import only_recorded, read_erasures
from projector.forgetting.files.leftovers import databases, remove_leftovers
from projector.forgetting.files.own_files import foreign_files
from projector.forgetting.in_sink import append_removed, pending_in_sink
from projector.projection import Projection
from projector.sink.forgotten import state_in_sink
from projector.upkeep.salvage import salvage

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    from journal.erasure.pending import Pending
    from journal.fs.directory import Directory
    from journal.segments.damaged_bytes import DamagedBytes

_NONE = "nothing is forgotten, and no request is kept"
_KEPT = (
    "the request is in the journal, and nothing else is lost. When the cause is removed, `journal"
    " forget --finish` hides and removes what it names"
)
_PATIENCE = 600.0
"""Seconds to wait for a projector that builds a new generation, and for another eraser."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done to carry out requests.

    Attributes:
        requests: ids of the requests that were carried out, or are pending.
        lines, segments, bytes: events that were erased or reduced, segments that were rewritten,
            and bytes of the lines and of damage that was erased.
        generations: databases that were removed.
        pending: segments that other processes hold, with their process ids. What is forgotten is
            hidden, and its bytes go when such a process has appended again or has ended, and
            erasure is done again.
        unreadable: bytes in segments that are no valid record: they cannot be checked, and may
            hold what is forgotten.
        newer: segments that only a newer version of this program can read: folder of the lane, and
            number.
        lost: ids of requests that neither a lane nor the database has any more: what they forgot
            is shown where it arrives again.
        foreign: files below the journal's folder that are none of its own, relative to it: they are
            not read, and may hold what is forgotten, such as a copy of a segment.
        unknown_keys: ids of keys that requests name and the journal lacks: what these requests
            forget cannot be determined. Add the line of the key to the file `key`.
        sink: `pending` while the journal's sink may have what is forgotten: `projector sink run`
            erases it there. `removed` if it has it no more; None where there is no sink.
        started: microseconds since 1970.
        duration: microseconds.
    """

    requests: tuple[str, ...] = ()
    lines: int = 0
    segments: int = 0
    bytes: int = 0
    generations: int = 0
    pending: tuple[Pending, ...] = ()
    unreadable: tuple[DamagedBytes, ...] = ()
    newer: tuple[tuple[str, int], ...] = ()
    lost: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    unknown_keys: tuple[str, ...] = ()
    sink: str | None = None
    started: int = 0
    duration: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether nothing is pending, as far as this program can read the journal."""
        return not (self.pending or self.newer or self.unknown_keys)


def finish_forgetting(path: str | os.PathLike[str], *, erase_damage: bool = False) -> Outcome:
    """Carry out all pending requests of a journal, and remove forgotten events that appeared since.

    What is forgotten can come back in a lane that was copied into the journal, from a backup or
    another machine. It is hidden there, too, and this removes its bytes.

    Writers, readers and projectors may run. It can be interrupted and repeated.

    Args:
        path: the journal's folder.
        erase_damage: whether bytes that are no valid record are erased, too: they cannot be
            checked, and may hold what is forgotten.

    Raises:
        NotAJournalError: there is no journal.
        EraserBusy: another process erases.
        EraseError, AppendError, ProjectionError: the file system refuses; what was done stays done.
        NotProjected: a projector runs, and does not catch up.
        ProjectorBusy: another process builds the projection.
        ReadError, JournalOpenError: a lane or the file `key` cannot be read.
    """
    return finish(open_directory(path, create=False), erase_damage=erase_damage)


def finish(journal: Directory, *, erase_damage: bool = False) -> Outcome:
    """Do as `finish_forgetting`, for an opened journal."""
    began, started = time.monotonic(), clock.wall()
    scan = RequestScan(journal)
    forgotten = scan.read()
    if only_recorded(journal, forgotten):
        salvage(journal)
        forgotten = scan.read()
    with contextlib.suppress(OSError):  # a hint: without it, only a receipt names a lost request
        scan.save()
    lost = scan.lost
    if not (forgotten or erase_damage):
        return Outcome(unknown_keys=forgotten.unknown_keys, lost=lost)
    before = databases(journal)
    bring_into_force(journal)
    report = erase(journal, forgotten, timeout=_PATIENCE)
    if erase_damage and report.damaged:
        # the projection may have what these bytes were, and a rebuild would lose it
        salvage(journal)
        report = report.followed_by(
            erase(journal, forgotten, erases_damage=True, timeout=_PATIENCE)
        )
    try:
        remove_leftovers(journal, forgotten.forgets_session)
    except OSError as error:
        what = error.filename or f"old databases and temporary files below {journal.path}"
        raise EraseError(
            f"cannot clean up {what}: {reason(error)}; it may contain what is forgotten. Repeat it"
            " when the cause is removed"
        ) from error
    known = {each.id for each in forgotten.requests if forgotten.understands(each)}
    # a request that arrived meanwhile is not carried out: another process does it
    listed = [each for each in read_erasures(journal) if each.id in known]
    waiting = tuple(each.id for each in listed if each.receipt is None)
    was_damaged = any(each.receipt is not None and each.receipt.unsearched for each in listed)
    outcome = Outcome(
        requests=waiting,
        lines=report.lines,
        segments=report.segments,
        bytes=report.bytes,
        generations=len(before - databases(journal)),
        pending=report.pending,
        unreadable=report.damaged,
        newer=report.newer,
        lost=lost,
        foreign=foreign_files(journal),
        unknown_keys=forgotten.unknown_keys,
        sink=state_in_sink(journal),
        started=started,
        duration=round((time.monotonic() - began) * 1e6),
    )
    # the last receipts name damage that is gone, such as after `erase_damage`
    is_cleared = was_damaged and not report.damaged
    is_news = waiting or (report.lines and known) or is_cleared
    if is_news and not (outcome.pending or outcome.newer):
        _write_receipt(journal, outcome, waiting or tuple(sorted(known)))
    if outcome.sink == REMOVED:
        append_removed(journal, pending_in_sink(listed))
    return outcome


@contextlib.contextmanager
def none_kept() -> Iterator[None]:
    """Note on an error that nothing was written of the requests that are prepared."""
    try:
        yield
    except (JournalError, ProjectorError, OSError) as error:
        error.add_note(_NONE)
        raise


def append_requests(
    journal: Directory, make: Callable[[Journal], Sequence[dict[str, Any]]]
) -> None:
    """Append requests to forget; all are durable at the end.

    Args:
        journal: the opened journal.
        make: returns the data of the requests.

    Raises:
        NotFinished: some are written, or all, but not all are durable.
        JournalError, OSError: none is written; a note of the error says so.
    """
    written = 0
    new: Sequence[dict[str, Any]] = ()
    try:
        with Journal.open(journal.path, fsync="always") as lane:
            new = make(lane)
            for data in new:
                lane.append(session=FORGET, type=ERASURE_REQUESTED, data=data)
                written += 1
    except (JournalError, OSError) as error:
        # a sync that failed leaves what was written before it
        there = min(len(new), written + isinstance(error, SyncError))
        if not there:
            error.add_note(_NONE)
            raise
        if there == len(new):
            raise NotFinished(f"{error}; {_KEPT}") from error
        raise NotFinished(
            f"{error}; {there} of {len(new)} requests are in the journal. When the cause is"
            " removed, forget the same again"
        ) from error


def finish_requested(journal: Directory, *, erase_damage: bool = False) -> Outcome:
    """Do as `finish`, when requests were appended.

    Raises:
        NotFinished: it failed.
    """
    try:
        return finish(journal, erase_damage=erase_damage)
    except (JournalError, ProjectorError, OSError) as error:
        raise NotFinished(f"{error}; {_KEPT}") from error


def bring_into_force(journal: Directory) -> None:
    """Return when the projection in use was built with all requests of the journal, and each part.

    Raises:
        NotProjected: a projector runs, and does not catch up.
        ProjectionError: the projection cannot be built.
    """
    for part in (None, *map(str, find_parts(journal.path))):
        with Projection.open(journal.path, part=part) as projection:
            fresh = projection.catch_up(patience=_PATIENCE)
        if fresh:
            continue
        raise NotProjected(
            f"{fresh.behind}. Queries hide what is to be forgotten meanwhile, and the database in"
            f" use still has it: another one needs as much space as that, {_size(journal)} MiB."
            " See `projector status`"
        )


def _size(journal: Directory) -> int:
    """Return the size of the databases, MiB, rounded up."""
    return -(-sum(file.stat().st_size for file in databases(journal)) // (1 << 20))


def _write_receipt(journal: Directory, outcome: Outcome, requests: tuple[str, ...]) -> None:
    data: dict[str, Any] = {
        "requests": list(requests),
        "lines": outcome.lines,
        "segments": outcome.segments,
        "bytes": outcome.bytes,
        "generations": outcome.generations,
        "unsearched": sum(each.length for each in outcome.unreadable),
        "started": outcome.started,
        "duration": outcome.duration,
    }
    if outcome.sink is not None:
        data["sink"] = outcome.sink
    with Journal.open(journal.path, fsync="always") as lane:
        lane.append(session=FORGET, type=ERASURE_COMPLETED, data=data)
