"""What the lanes hold and the projection has not applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.directory import LANES
from journal.reader import list_segments, read_segment
from journal.record import Header
from journal.scan import Found
from projector.watermark import lag, load_marks, place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import apsw

    from journal.event import Event
    from journal.reader import SegmentRef
    from projector.watermark import Mark, Place


def tail(db: apsw.Connection | None, journal: Path) -> tuple[int, Iterator[Event]]:
    """Return the bytes that a projection has not applied, and the events in them.

    Args:
        db: the projection; None if there is none.
        journal: the folder of the journal.

    Returns:
        The events are in the order of each lane, one lane after the other, and read as they are
        asked for.

    Raises:
        ReadError: a segment cannot be read.
    """
    marks = {} if db is None else load_marks(db)
    refs = list_segments(journal / LANES)
    return lag(marks, refs).bytes, _events(marks, refs)


def _events(marks: dict[Place, Mark], refs: list[SegmentRef]) -> Iterator[Event]:
    for ref in refs:
        mark = marks.get(place(ref))
        offset = 0 if mark is None else mark.offset
        if offset < ref.size:
            for item in read_segment(ref, offset):
                if isinstance(item, Found) and not isinstance(item.record, Header):
                    yield item.record.event
