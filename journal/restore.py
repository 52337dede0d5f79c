"""Write events back into a journal as they were, with the times at which they were appended."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from journal.directory import sync_folder
from journal.errors import AppendError
from journal.ids import uuid7
from journal.lane import lease_new
from journal.record import encode_event
from journal.segment import ROLL_SIZE
from journal.segment_file import SegmentFile, header_line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from journal.directory import Directory
    from journal.event import Event


def restore(directory: Directory, events: Iterable[Event]) -> tuple[Path, int]:
    """Write events to a new lane of their own, and make them durable.

    An ordinary append takes the time of the append. What is written back must keep its own, or it
    would come after what was said later.

    Args:
        directory: the opened journal.
        events: in the order of their times.

    Returns:
        The lane's folder, and how many events were written.

    Raises:
        AppendError: the file system refused; what was written before stays, and doing it again
            adds only duplicates.
        EventError: an event cannot be stored.
        LeaseError: no lane could be made.
    """
    lane = lease_new(directory.lanes)
    uuid, written, latest = uuid7(), 0, 0
    batches = groupby(enumerate(events, 1), key=lambda numbered: numbered[0] // _BATCH)
    segment: SegmentFile | None = None
    try:
        for _, batch in batches:
            lines = []
            for seq, event in batch:
                # a lane's times never run backwards
                latest = max(latest, event.time)
                lines.append(encode_event(seq, replace(event, time=latest)))
                if len(lines) == 1 and (segment is None or segment.size >= ROLL_SIZE):
                    segment = _next(lane.path, segment)
                    lines.insert(0, header_line(uuid, seq, latest))
                written = seq
            if segment is not None:
                segment.write(b"".join(lines))
        if segment is not None:
            segment.sync()
        for folder in (lane.path, directory.lanes):
            sync_folder(folder)
    except OSError as error:
        raise AppendError(
            f"cannot write to lane {lane.path}: {error.strerror or error}; events written before"
            " stay. Do it again once the cause is gone",
            (),
        ) from error
    finally:
        if segment is not None:
            segment.close()
        lane.release()
    return lane.path, written


_BATCH = 500
"""Events written with one write(2)."""


def _next(lane: Path, segment: SegmentFile | None) -> SegmentFile:
    """Finish a segment and begin the next."""
    if segment is None:
        return SegmentFile.create(lane, 1)
    segment.sync()
    segment.close()
    return SegmentFile.create(lane, segment.number + 1)
