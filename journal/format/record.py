"""A record: an event, a segment's header, or a run of erased events, as one line of a segment.

`journal.format.frame` puts the checksum around it. `docs/format.md` specifies every byte.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, TypeGuard

import orjson

from journal.errors import EventError
from journal.format.bounds import DEPTH, KEY_LIMIT, is_key
from journal.format.event import Event
from journal.format.frame import BODY, MAX_RECORD, DamagedRecord, check, frame
from journal.format.lossless import culprit, is_unchanged
from journal.format.redacted import Redacted
from journal.process.clock import MAX_ORDER

FORMAT = 2
"""The format version of the segments that this program writes, and the newest that it reads."""

MAX_SEQ = 2**53 - 1
"""The highest sequence number of a lane: the largest integer that every JSON parser keeps."""

HEADER_KEY = b'"format":'
"""The checked bytes of a header begin with this, and those of no event."""
_NOTHING = "; nothing was written"


@dataclass(frozen=True, slots=True)
class Header:
    """A segment's first record: what it is and who wrote it.

    Attributes:
        format: format version of the segment.
        segment: uuid of the segment.
        lane: uuid of the lane.
        folder: number of the lane's folder in which the segment was made; 0 if no writer may
            continue there under its uuid, or before version 2.
        seq: sequence number of the segment's first event.
        host: name of the machine.
        boot: the machine's boot id, empty where there is none.
        pid: process id of the writer.
        started: when the segment was begun, microseconds since the Unix epoch.
        supersedes: uuids of the segments that this one replaces.
        inode: of the segment's file when it was made; 0 if that is not known. A file with another
            one is a copy.
    """

    format: int
    segment: str
    lane: str
    folder: int
    seq: int
    host: str
    boot: str
    pid: int
    started: int
    supersedes: tuple[str, ...] = ()
    inode: int = 0


class Record(NamedTuple):
    """An event with its sequence number in the lane."""

    seq: int
    event: Event


@dataclass(frozen=True, slots=True)
class Erased:
    """A run of erased events of a lane, in the place of their records.

    Attributes:
        seq: sequence number of the first.
        count: number of events, at least 1.
        order: at least the highest order among them.
        by: id of the tombstone that erased them, or the reason why they are missing.
    """

    seq: int
    count: int
    order: int
    by: str


def encode_header(header: Header) -> bytes:
    """Encode a segment's first line, newline included."""
    fields = asdict(header)
    for name in ("supersedes", "inode"):
        if not fields[name]:
            del fields[name]
    return frame(orjson.dumps(fields))


def encode_erased(run: Erased) -> bytes:
    """Encode the line in place of a run of erased events, newline included."""
    fields = {"seq": run.seq, "erased": run.count, "order": run.order, "by": run.by}
    return frame(orjson.dumps(fields))


def encode_event(seq: int, event: Event) -> bytes:
    """Encode one record, newline included.

    Raises:
        EventError: as `encode`.
    """
    at = event.time, event.order
    names = event.session, event.id, event.type
    return encode(seq, *names, at, event.data, event.redacted, event.importer)


def encode(
    seq: int,
    session: str,
    id: str,
    type: str,
    at: tuple[int, int],
    data: dict[str, Any],
    redacted: Redacted | None = None,
    importer: str | None = None,
) -> bytes:
    """Encode one record of the fields of an event, newline included.

    Args:
        seq: its sequence number in the lane.
        session: the event's session.
        id: its id.
        type: its type.
        at: its time and its order.
        data: its data.
        redacted: what was redacted in it.
        importer: name and version of what imported it.

    Raises:
        EventError: JSON would change the event on the way (NaN, a lone surrogate, a tuple, an
            integer over 64 bits, a key that is no string, bytes), or the record is too large.
    """
    time, order = at
    fields: dict[str, Any] = {"seq": seq, "id": id, "type": type, "session": session, "time": time}
    if order != time:
        fields["order"] = order
    if redacted is not None:
        fields["redacted"] = redacted.fields()
    if importer is not None:
        fields["importer"] = importer
    fields["data"] = data
    try:
        body = orjson.dumps(fields)
    except TypeError as error:  # orjson.JSONEncodeError is a TypeError
        raise EventError(f"{culprit(fields)}{_NOTHING}") from error
    # orjson writes NaN as null and a tuple as a list: readers would get another value
    if not is_unchanged(fields) and orjson.loads(body) != fields:
        raise EventError(f"{culprit(fields)}{_NOTHING}")
    line = frame(body)
    if len(line) > MAX_RECORD:
        raise EventError(
            f"the record of {id!r} would have {len(line):,} bytes; the limit is"
            f" {MAX_RECORD:,}: split it, or store the large part in a file and its path"
            f" here{_NOTHING}"
        )
    return line


def refusal(
    session: str,
    id: str,
    type: str,
    data: dict[str, Any],
    redacted: Redacted | None = None,
    importer: str | None = None,
) -> str | None:
    """Return why no record can hold an event; None if one can, whatever its number and time."""
    try:
        encode(MAX_SEQ, session, id, type, (MAX_ORDER - 1, MAX_ORDER), data, redacted, importer)
    except EventError as error:
        return str(error).removesuffix(_NOTHING)
    return None


def decode(line: bytes) -> Record | Header | Erased:
    """Decode one line without its newline.

    Raises:
        DamagedRecord: the line is no valid record; the message is the reason.
    """
    check(line)
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DamagedRecord(f"checksum holds but not JSON: {error}") from error
    if line.startswith(HEADER_KEY, BODY):
        return _header(fields)
    # a record with so few brackets cannot be nested deeper
    if line.count(b"{") + line.count(b"[") > DEPTH:
        _check_depth(fields)
    try:
        seq, id, type, session, time, data = (
            fields["seq"],
            fields["id"],
            fields["type"],
            fields["session"],
            fields["time"],
            fields["data"],
        )
    except KeyError as error:
        if "erased" in fields:
            return _erased(fields)
        raise DamagedRecord(f"checksum holds but the record has no {error}") from None
    order = fields.get("order", time)
    if not (
        seq.__class__ is int
        and time.__class__ is int
        and order.__class__ is int
        and data.__class__ is dict
    ):
        raise DamagedRecord("checksum holds but a field has the wrong type")
    if not (0 <= seq <= MAX_SEQ and 0 <= time <= MAX_ORDER and 0 <= order <= MAX_ORDER):
        raise DamagedRecord(
            "checksum holds but a number cannot be:"
            f" seq {seq}, time {time}, order {order}, each from 0 to {MAX_ORDER}"
        )
    if not (
        id.__class__ is type.__class__ is session.__class__ is str
        and 0 < len(id) <= KEY_LIMIT
        and 0 < len(type) <= KEY_LIMIT
        and 0 < len(session) <= KEY_LIMIT
    ):
        keys = {"id": id, "type": type, "session": session}
        name = next(name for name, key in keys.items() if not is_key(key))
        raise DamagedRecord(
            f"checksum holds but {name} is no text of 1 to {KEY_LIMIT:,} characters"
        )
    if "redacted" in fields or "importer" in fields:
        more = Redacted.of(fields.get("redacted")), _importer(fields)
        return Record(seq, Event(session, id, type, time, order, data, *more))
    return Record(seq, Event(session, id, type, time, order, data))


def _importer(fields: dict[str, Any]) -> str | None:
    importer = fields.get("importer")
    return importer if is_key(importer) else None


def _check_depth(fields: object) -> None:
    try:
        orjson.dumps(fields)
    except TypeError as error:  # what was decoded can be encoded, but for its depth
        raise DamagedRecord(
            f"checksum holds but the record is nested more than {DEPTH} levels deep"
        ) from error


def _erased(fields: dict[str, Any]) -> Erased:
    seq, count, order, by = (fields.get(name) for name in ("seq", "erased", "order", "by"))
    if (
        _is_number(seq)
        and _is_number(count)
        and _is_number(order)
        and 0 < count <= MAX_SEQ - seq + 1
        and isinstance(by, str)
    ):
        return Erased(seq, count, order, by)
    raise DamagedRecord("checksum holds but the run of erased events is not valid")


def _is_number(value: object) -> TypeGuard[int]:
    return value.__class__ is int and 0 <= value <= MAX_SEQ


def _header(fields: dict[str, Any]) -> Header:
    version = fields.get("format")
    if version.__class__ is not int or version < 1:
        raise DamagedRecord("checksum holds but the header has no format version")
    if version > FORMAT:  # a newer header may have other fields: only its version is read
        return Header(version, "", "", 0, 0, "", "", 0, 0)
    segment, lane, seq = map(fields.get, ("segment", "lane", "seq"))
    if not (
        (isinstance(segment, str) and segment)
        and (isinstance(lane, str) and lane)
        and (seq.__class__ is int and 0 <= seq <= MAX_SEQ)
    ):
        raise DamagedRecord("checksum holds but the header has no segment, lane or seq that can be")
    return Header(
        format=version,
        segment=segment,
        lane=lane,
        folder=_number(fields.get("folder"), MAX_SEQ),
        seq=seq,
        host=_text(fields.get("host")),
        boot=_text(fields.get("boot")),
        pid=_number(fields.get("pid"), MAX_SEQ),
        started=_number(fields.get("started"), MAX_ORDER),
        supersedes=_uuids(fields.get("supersedes")),
        inode=_number(fields.get("inode"), 2**64 - 1),
    )


def _number(value: object, most: int) -> int:
    """Return a number of a header that is for people only; 0 where it cannot be one."""
    return value if isinstance(value, int) and value.__class__ is int and 0 <= value <= most else 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _uuids(value: object) -> tuple[str, ...]:
    return tuple(name for name in value if isinstance(name, str)) if isinstance(value, list) else ()
