"""Segments that have events which are forgotten: not removed yet, or appended later.

A program that does not look for requests goes on with a session that was forgotten meanwhile: what
it appends is hidden, without notice to it.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.fs.lock import holder
from journal.lanes.lane import LOCK
from journal.segments.listing import list_segments
from journal.segments.mirrors import is_mirror
from journal.segments.reader import SegmentWalk, pass_over

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from journal.erasure.requests import Forgotten
    from journal.format.record import Header
    from journal.fs.directory import Directory
    from journal.segments.listing import SegmentRef


@dataclass(frozen=True, slots=True)
class Pending:
    """A segment with forgotten events.

    Attributes:
        lane_folder: name of the lane's folder.
        lane: uuid of the lane.
        segment: number of the segment in its lane.
        pid: process id of the lessee; if that is not known, of the writer that created the segment:
            the lessee, or one before it. 0 if the segment is final: no process holds it.
        host: name of that process's machine; empty if the segment is final.
    """

    lane_folder: str
    lane: str
    segment: int
    pid: int
    host: str

    @classmethod
    def of(cls, ref: SegmentRef, lane: str, header: Header | None) -> Pending:
        """Return it for a segment with a header, None if that is damaged."""
        if is_mirror(ref.lane):
            return cls.of_mirror(ref, lane, header)
        if ref.final:
            return cls(ref.lane, lane, ref.number, 0, "")
        if lessee := holder(ref.folder / LOCK):
            return cls(ref.lane, lane, ref.number, lessee, platform.node())
        pid, host = (header.pid, header.host) if header else (0, "")
        return cls(ref.lane, lane, ref.number, pid, host)

    @classmethod
    def of_mirror(cls, ref: SegmentRef, lane: str, header: Header | None) -> Pending:
        """Return it for a segment that another machine must rewrite: that is named, no process."""
        return cls(ref.lane, lane, ref.number, 0, header.host if header else "")


def find_pending(
    journal: Directory, requests: Mapping[str, Forgotten]
) -> dict[str, tuple[Pending, ...]]:
    """Return the segments that still have what requests forget. It decodes every segment.

    Args:
        journal: the opened journal.
        requests: what each request alone forgets, by its id.

    Raises:
        ReadError: a segment cannot be read.
    """
    found: dict[str, list[Pending]] = {id: [] for id in requests}
    for ref in list_segments(journal.lanes):
        for id, pending in _find_in(ref, requests):
            found[id].append(pending)
    return {id: tuple(segments) for id, segments in found.items()}


def _find_in(ref: SegmentRef, requests: Mapping[str, Forgotten]) -> Iterator[tuple[str, Pending]]:
    """Yield each request that forgets something in a segment."""
    headers: list[Header] = []
    walk = SegmentWalk(ref, pass_over, lambda header, _: headers.append(header))
    left = dict(requests)
    for at in walk.events():
        event = at.record.event
        for id, forgotten in list(left.items()):
            if forgotten.apply(event, at.lane, at.record.seq)[0] is not event:
                del left[id]
                yield id, Pending.of(ref, at.lane, headers[0] if headers else None)
        if not left:
            return


@dataclass(frozen=True, slots=True)
class Hidden:
    """Events of one segment that one request forgets.

    Attributes:
        lane_folder: name of the lane's folder.
        lane: uuid of the lane.
        segment: number of the segment in its lane.
        pid: process id of the lessee, as in `Pending`; 0 if the segment is final.
        host: name of that process's machine; empty if the segment is final.
        request: id of the request; of several that forget an event, one.
        events: how many events these are.
        late: how many of them are dated after the request.
        last: when the last of them was appended; microseconds since 1970.
    """

    lane_folder: str
    lane: str
    segment: int
    pid: int
    host: str
    request: str
    events: int
    late: int
    last: int


def find_hidden(refs: Iterable[SegmentRef], forgotten: Forgotten) -> tuple[Hidden, ...]:
    """Find the events of segments that are forgotten, in whole or in part. It decodes the segments.

    Args:
        refs: the segments.
        forgotten: what the requests of the journal forget.

    Raises:
        ReadError: a segment cannot be read.
    """
    made = {request.id: request.time for request in forgotten.requests}
    return tuple(found for ref in refs for found in _hidden_in(ref, forgotten, made))


def _hidden_in(ref: SegmentRef, forgotten: Forgotten, made: dict[str, int]) -> Iterator[Hidden]:
    headers: list[Header] = []
    walk = SegmentWalk(ref, pass_over, lambda header, _: headers.append(header))
    times: dict[tuple[str, str], list[int]] = {}
    for at in walk.events():
        event = at.record.event
        left, by = forgotten.apply(event, at.lane, at.record.seq)
        if left is not event:
            times.setdefault((at.lane, by), []).append(event.time)
    for (lane, by), found in times.items():
        place = Pending.of(ref, lane, headers[0] if headers else None)
        yield Hidden(
            lane_folder=place.lane_folder,
            lane=place.lane,
            segment=place.segment,
            pid=place.pid,
            host=place.host,
            request=by,
            events=len(found),
            late=sum(time > made[by] for time in found),
            last=max(found),
        )
