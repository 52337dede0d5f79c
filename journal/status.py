"""Identity and size of a journal, without decoding all of its records."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.erasure.requests import read_requests
from journal.errors import ReadError
from journal.process import clock
from journal.process.clock import AHEAD
from journal.segments.listing import list_segments
from journal.segments.reader import SegmentWalk, pass_over
from journal.segments.segment import read_tail

if TYPE_CHECKING:
    from pathlib import Path

    from journal.fs.directory import Directory
    from journal.segments.listing import SegmentRef


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
        unknown_keys: ids of keys that requests to forget name and the journal lacks: what these
            requests forget cannot be determined. Without any key it is empty: then the lanes are
            not searched for requests.
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


def read_status(directory: Directory) -> Status:
    """Read the status of a journal from its folders and the ends of its lanes.

    The segments are searched for requests to forget.

    Raises:
        JournalOpenError: the file of the keys is damaged or cannot be read.
        ReadError: a folder or file cannot be read.
    """
    refs = list_segments(directory.lanes)
    by_lane: dict[str, list[SegmentRef]] = {}
    for ref in refs:
        by_lane.setdefault(ref.lane, []).append(ref)
    firsts = [moment for lane in by_lane.values() if (moment := _first(lane)) is not None]
    lasts = {name: _last(lane) for name, lane in by_lane.items()}
    horizon = clock.wall() + AHEAD
    with os.scandir(directory.lanes) as entries:
        lanes = sum(1 for entry in entries if entry.is_dir(follow_symlinks=False))
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
        unknown_keys=read_requests(directory).unknown_keys,
    )


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
