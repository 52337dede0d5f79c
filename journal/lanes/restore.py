"""Write records back into a journal as they were: lane, number, order and time."""

from __future__ import annotations

from itertools import groupby, islice
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from journal.errors import AppendError
from journal.format.record import FORMAT, Erased, encode_erased, encode_event
from journal.fs.files import sync_folder
from journal.lanes.leasing import lease_new
from journal.process import clock
from journal.process.ids import uuid7
from journal.segments.segment import ROLL_SIZE
from journal.segments.segment_file import SegmentFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from journal.format.event import Event
    from journal.fs.directory import Directory

NOT_KNOWN = "restored-around"
"""The reason of a run of erased events for records that could not be restored."""


class Lost(NamedTuple):
    """A record that is to be written back.

    Attributes:
        lane: uuid of its lane.
        seq: its number there.
        event: its event.
        line: its bytes and a newline, which may have keys that this program does not know; empty if
            they are gone, or must not be written as they are.
    """

    lane: str
    seq: int
    event: Event
    line: bytes = b""


def restore(directory: Directory, lost: Iterable[Lost]) -> tuple[Path, int]:
    """Write records to a folder of their own, and make them durable.

    They keep lane and number: a sweep of their session names them so, and under other numbers they
    would be visible again. The folder's segments name no folder, so that no writer continues in
    their lanes.

    Args:
        directory: the opened journal.
        lost: the records, by lane and number.

    Returns:
        The folder, and how many records were written.

    Raises:
        AppendError: the file system refused; what was written before stays, and doing it again
            adds only duplicates.
        EventError: an event cannot be stored.
        LeaseError: no folder could be made.
    """
    lane = lease_new(directory.lanes)
    written, number = 0, 0
    segment: SegmentFile | None = None
    try:
        for uuid, records in groupby(lost, key=attrgetter("lane")):
            lines = _lines(records)
            while batch := list(islice(lines, _BATCH)):
                if segment is None or segment.size >= ROLL_SIZE or batch[0].is_first:
                    _finish(segment)
                    number += 1
                    segment = SegmentFile.create(lane.path, number)
                    first = batch[0]
                    segment.write(segment.header_line(uuid, 0, first.seq, first.time))
                segment.write(b"".join(line.content for line in batch))
                written += sum(line.is_event for line in batch)
        _finish(segment)
        if directory.format < FORMAT and segment is not None:
            segment = SegmentFile.create(lane.path, number + 1)
            # version 1 continues under the newest header's uuid: it must not be a restored lane's
            segment.write(segment.header_line(uuid7(), 0, 1, clock.wall()))
            _finish(segment)
        for folder in (lane.path, directory.lanes):
            sync_folder(folder)
    except OSError as error:
        raise AppendError(
            f"cannot write to lane {lane.path}: {error.strerror or error}; events written before"
            " stay. Repeat it when the cause is removed",
            (),
        ) from error
    finally:
        if segment is not None:
            segment.close()
        lane.release()
    return lane.path, written


class _Line(NamedTuple):
    """A line of a restored segment: its first number and time, and whether it holds an event."""

    content: bytes
    seq: int
    time: int
    is_event: bool
    is_first: bool


def _lines(records: Iterable[Lost]) -> Iterator[_Line]:
    """Encode the records of one lane, and a run for each gap between two of them."""
    last: Lost | None = None
    for record in records:
        event = record.event
        if last is not None and record.seq > last.seq + 1:
            run = Erased(last.seq + 1, record.seq - last.seq - 1, last.event.order, NOT_KNOWN)
            yield _Line(encode_erased(run), run.seq, event.time, is_event=False, is_first=False)
        line = record.line or encode_event(record.seq, event)
        yield _Line(line, record.seq, event.time, is_event=True, is_first=last is None)
        last = record


def _finish(segment: SegmentFile | None) -> None:
    if segment is not None:
        segment.sync()
        segment.close()


_BATCH = 500
"""Lines written with one write(2)."""
