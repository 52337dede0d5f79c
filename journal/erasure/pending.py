"""Segments from which forgotten events are not removed yet."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.fs.lock import holder
from journal.lanes.lane import LOCK
from journal.segments.listing import list_segments
from journal.segments.reader import SegmentWalk, pass_over

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
        if ref.final:
            return cls(ref.lane, lane, ref.number, 0, "")
        if lessee := holder(ref.folder / LOCK):
            return cls(ref.lane, lane, ref.number, lessee, platform.node())
        pid, host = (header.pid, header.host) if header else (0, "")
        return cls(ref.lane, lane, ref.number, pid, host)


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
