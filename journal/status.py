"""Identity and size of a journal, without decoding all of its records."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.erasure.pending import Hidden, find_hidden
from journal.erasure.receipts import find_erasures, lost_requests
from journal.erasure.request import request_of
from journal.erasure.requests import Forgotten
from journal.errors import ReadError
from journal.fs.key_file import read_keys
from journal.process import clock
from journal.process.clock import AHEAD
from journal.segments.find import find_events
from journal.segments.gone import repeat_if_gone
from journal.segments.listing import list_segments
from journal.segments.machines import Mirrored, mirrored, retired_lanes
from journal.segments.reader import SegmentWalk, pass_over
from journal.segments.segment import read_tail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from journal.format.event import Event
    from journal.fs.directory import Directory
    from journal.segments.listing import SegmentRef


_REDACTED = b'"redacted"'
"""What the records of redacted events contain."""


@dataclass(frozen=True, slots=True)
class Status:
    """Identity and size of a journal. No lock is acquired: a starting writer would skip a lane.

    Attributes:
        path: the journal's folder.
        uuid: the journal's uuid.
        format: format version.
        lanes: folders of lanes: the most writers that ever wrote at the same time.
        segments: files of all lanes.
        bytes: bytes of all segments.
        first: time of the first event, microseconds since 1970; None without events.
        last: time of the last event, microseconds since 1970; None without events.
        ahead: names of the lane folders whose last event is dated more than an hour ahead of this
            machine's clock: that clock or the writer's is wrong. Writers skip these lanes.
        unknown_keys: ids of keys that requests to forget or redacted events name and the journal
            lacks, sorted: what these requests forget cannot be determined.
        lost_requests: ids of requests to forget that no lane has any more, sorted.
        hidden: events in the active segments that are forgotten: a process appended them after the
            request, or has not continued in a new segment since.
        retired: names of lane folders that no writer continues, because the journal became another
            machine, or was restored.
        machines: the other machines whose lanes are mirrored here, or which reported themselves.
    """

    path: Path
    uuid: str
    format: int
    lanes: int
    segments: int
    bytes: int
    first: int | None
    last: int | None
    ahead: tuple[str, ...]
    unknown_keys: tuple[str, ...]
    lost_requests: tuple[str, ...]
    hidden: tuple[Hidden, ...]
    retired: tuple[str, ...]
    machines: tuple[Mirrored, ...]


def read_status(directory: Directory) -> Status:
    """Read the status of a journal from its folders and the ends of its lanes.

    Only records that name a key, and receipts, are searched for in all of its segments. If there
    are requests to forget, the active segments are decoded.

    Raises:
        JournalOpenError: the file of the keys is damaged or cannot be read.
        ReadError: a folder or file cannot be read.
    """
    return repeat_if_gone(lambda: _read_status(directory))


def _read_status(directory: Directory) -> Status:
    refs = list_segments(directory.lanes)
    by_lane: dict[str, list[SegmentRef]] = {}
    for ref in refs:
        by_lane.setdefault(ref.lane, []).append(ref)
    firsts = [moment for lane in by_lane.values() if (moment := _first(lane)) is not None]
    lasts = {name: _last(lane) for name, lane in by_lane.items()}
    horizon = clock.wall() + AHEAD
    with os.scandir(directory.lanes) as entries:
        lanes = sum(1 for entry in entries if entry.is_dir(follow_symlinks=False))
    about_erasure = list(find_erasures(refs))
    return Status(
        path=directory.path,
        uuid=directory.uuid,
        format=directory.format,
        lanes=lanes,
        segments=len(refs),
        bytes=sum(ref.size for ref in refs),
        first=min(firsts, default=None),
        last=max((moment for moment in lasts.values() if moment is not None), default=None),
        ahead=tuple(name for name, moment in lasts.items() if (moment or 0) > horizon),
        unknown_keys=_missing_keys(directory, (*about_erasure, *_redacted(refs))),
        lost_requests=lost_requests(directory, about_erasure),
        hidden=_find_hidden(directory, refs, about_erasure),
        retired=retired_lanes(directory.lanes),
        machines=mirrored(directory, refs),
    )


def _find_hidden(
    directory: Directory, refs: Iterable[SegmentRef], events: Iterable[Event]
) -> tuple[Hidden, ...]:
    requests = [request for event in events if (request := request_of(event)) is not None]
    forgotten = Forgotten(requests, read_keys(directory.path) if requests else ())
    return find_hidden((ref for ref in refs if not ref.final), forgotten) if requests else ()


def _missing_keys(directory: Directory, events: Iterable[Event]) -> tuple[str, ...]:
    """Return the ids of the keys that events name and the journal lacks."""
    known = {key.id for key in read_keys(directory.path)}
    needed: set[str] = set()
    for event in events:
        request = request_of(event)
        needed |= set() if request is None else {request.key}
        needed |= set() if event.redacted is None else {event.redacted.key}
    return tuple(sorted(needed - known))


def _redacted(refs: Iterable[SegmentRef]) -> Iterator[Event]:
    for ref in refs:
        yield from find_events(ref, _REDACTED)[0]


def _first(refs: list[SegmentRef]) -> int | None:
    for ref in refs:
        for at in SegmentWalk(ref, pass_over).events():
            return at.record.event.time
    return None


def _last(refs: list[SegmentRef]) -> int | None:
    for ref in reversed(refs):
        try:
            tail = read_tail(ref.path)
        except OSError as error:
            if error.errno == errno.EFBIG:  # larger than any writer makes it, and damaged
                continue
            raise ReadError(f"cannot read {ref.path}: {error.strerror or error}") from error
        if tail is not None and tail.time:
            return tail.time
        # its last events are erased
        times = [at.record.event.time for at in SegmentWalk(ref, pass_over).events()]
        if times:
            return times[-1]
    return None
