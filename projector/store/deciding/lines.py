"""The lines of a lane as a decision needs them: names and order, and the data when it is asked for.

Most of what others have appended is not looked at any more: another change of the key follows, or
the decision is about other keys. So a line that our own writer wrote is checked and split here, and
decoded only where its value is needed. All other lines are read as everywhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from journal.format.event_types import KEY_DELETED, KEY_SET, MESSAGE_APPENDED
from journal.format.frame import BODY, DamagedRecord
from journal.format.record import MAX_SEQ, Record, decode
from journal.format.scan import scan
from journal.process.clock import MAX_ORDER
from journal.segments.reader import SegmentWalk, pass_over
from projector.store.tails import lane_uuid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from journal.format.event import Event
    from journal.format.record import Header
    from journal.segments.listing import SegmentRef

_MESSAGE = MESSAGE_APPENDED.encode()
_TEXT = rb'"([^"\\\x00-\x1f]+)"'
_LINE = re.compile(
    rb'\{"crc":"([0-9a-f]{8})","seq":([0-9]{1,16}),"id":%b,"type":"(%b|%b|%b)","session":%b'
    rb',"time":([0-9]{1,16})(?:,"order":([0-9]{1,16}))?,"data":\{(?:"key":%b[,}])?'
    % (
        _TEXT,
        *(re.escape(type.encode()) for type in (KEY_SET, KEY_DELETED, MESSAGE_APPENDED)),
        _TEXT,
        _TEXT,
    )
)


class Unclear(Exception):  # noqa: N818 - reads as a state
    """Only applying the lanes can tell what they say."""


class Line(NamedTuple):
    """A record of a lane.

    Attributes:
        ref: its segment.
        end: the offset behind it.
        order: the order of its event.
        seq: its number in the lane.
        session: the session of its event.
        id: the id of its event.
        type: the type of its event.
        key: what its data names as `key`, if that is text.
        record: its bytes or, of a line that no writer of ours wrote, the record.
    """

    ref: SegmentRef
    end: int
    order: int
    seq: int
    session: str
    id: str
    type: str
    key: str | None
    record: bytes | Record

    @property
    def lane(self) -> str:
        """The uuid of its lane."""
        return lane_uuid(self.ref.folder, self.ref.number, self.ref.version[0])

    def event(self) -> Event:
        """Return its event.

        Raises:
            Unclear: it is none, although the checksum of the line holds.
        """
        if isinstance(self.record, Record):
            return self.record.event
        try:
            found = decode(self.record)
        except DamagedRecord as error:
            raise Unclear from error
        if not isinstance(found, Record) or found.event.data.get("key") != self.key:
            raise Unclear
        return found.event

    def data(self) -> dict[str, Any]:
        """Return the data of its event.

        Raises:
            Unclear: as `event`.
        """
        return self.event().data


def lines_of(
    ref: SegmentRef,
    block: bytes,
    offset: int,
    on_header: Callable[[Header, int], None],
) -> Iterator[Line]:
    """Yield the records in a stretch of whole lines of a segment.

    Args:
        ref: the segment.
        block: the bytes of the lines.
        offset: where they begin.
        on_header: called with a header.

    Raises:
        Unclear: events were erased there.
    """
    end = offset
    *lines, rest = block.split(b"\n")
    for line in lines:
        start, end = end, end + len(line) + 1
        found = _split(ref, line, end)
        if found is not None:
            yield found
        else:
            yield from _read(ref, line + b"\n", start, on_header)
    if rest:
        yield from _read(ref, rest, end, on_header)


def _split(ref: SegmentRef, line: bytes, end: int) -> Line | None:
    """Return a record as our own writer writes it; None if it is another one, or is damaged."""
    found = _LINE.match(line)
    if found is None:
        return None
    crc, digits, id, type, session, time, order, key = found.groups()
    if crc != b"%08x" % crc32(memoryview(line)[BODY:]):
        return None
    placed, seq = int(order or time), int(digits)
    if placed > MAX_ORDER or seq > MAX_SEQ or (key is None and type != _MESSAGE):
        return None
    try:
        names = session.decode(), id.decode(), type.decode()
        return Line(ref, end, placed, seq, *names, None if key is None else key.decode(), line)
    except UnicodeDecodeError:
        return None


def _read(
    ref: SegmentRef, block: bytes, offset: int, on_header: Callable[[Header, int], None]
) -> Iterator[Line]:
    walk = SegmentWalk(ref, pass_over, on_header, offset=offset)
    for record in walk.over(scan(block, offset)):
        if not isinstance(record, Record):
            raise Unclear
        event, key = record.event, record.event.data.get("key")
        names = event.session, event.id, event.type
        named = key if isinstance(key, str) else None
        yield Line(ref, walk.end, event.order, record.seq, *names, named, record)
