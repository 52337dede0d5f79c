r"""A record: an event, or a segment's header, as one line of a segment.

``{"crc":"xxxxxxxx",REST}\n`` where REST is the inside of a JSON object. The checksum is the
CRC-32 of ISO 3309 (zlib's), eight lower-case hexadecimal digits, over the raw bytes of ``REST}``:
everything from byte 18 up to the newline. `docs/format.md` specifies every byte.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from journal.bounds import DEPTH, KEY_LIMIT, READ_DEPTH, is_deeper, is_key
from journal.errors import EventError
from journal.event import Event
from journal.lossless import culprit

FORMAT = 1
"""The format version that this program writes and the newest that it reads."""

MAX_RECORD = 16 * 1024 * 1024
"""Bytes of a record, its newline included."""

START = b'{"crc":"'
BODY = 18
"""Where the checked bytes begin: behind the checksum, its quote and its comma."""

_HEADER_KEY = b'"format":'
_NOTHING = "; nothing was written"
_LARGEST = 2**53 - 1
"""A sequence number, or a time, that takes as many digits as any."""


class DamagedRecord(ValueError):  # noqa: N818 - names what was found; the caller goes on
    """Bytes that are no valid record; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Header:
    """A segment's first record: what it is and who wrote it.

    Attributes:
        format: format version of the segment.
        segment: uuid of the segment.
        lane: uuid of the lane.
        seq: sequence number of the segment's first event.
        host: name of the machine.
        boot: the machine's boot id, empty where there is none.
        pid: process id of the writer.
        started: when the segment was begun, microseconds since the Unix epoch.
    """

    format: int
    segment: str
    lane: str
    seq: int
    host: str
    boot: str
    pid: int
    started: int


class Record(NamedTuple):
    """An event with its sequence number in the lane."""

    seq: int
    event: Event


def encode_header(header: Header) -> bytes:
    """Encode a segment's first line, newline included."""
    return _line(orjson.dumps(asdict(header)))


def encode_event(seq: int, event: Event) -> bytes:
    """Encode one record, newline included.

    Raises:
        EventError: as `encode`.
    """
    return encode(seq, event.id, event.type, event.session, event.time, event.data)


def encode(seq: int, id: str, type: str, session: str, time: int, data: dict[str, Any]) -> bytes:
    """Encode one record of the fields of an event, newline included.

    Raises:
        EventError: JSON would change the event on the way (NaN, a lone surrogate, a tuple, an
            integer over 64 bits, a key that is no string, bytes), or the record is too large.
    """
    fields = {
        "seq": seq,
        "id": id,
        "type": type,
        "session": session,
        "time": time,
        "data": data,
    }
    try:
        body = orjson.dumps(fields)
    except TypeError as error:  # orjson.JSONEncodeError is a TypeError
        raise EventError(f"{culprit(fields)}{_NOTHING}") from error
    # orjson writes NaN as null and a tuple as a list: what comes out would not be what went in
    if orjson.loads(body) != fields or is_deeper(fields, body, DEPTH):
        raise EventError(f"{culprit(fields)}{_NOTHING}")
    line = _line(body)
    if len(line) > MAX_RECORD:
        raise EventError(
            f"the record of {id!r} would have {len(line):,} bytes; the limit is"
            f" {MAX_RECORD:,}: split it, or store the large part in a file and its path"
            f" here{_NOTHING}"
        )
    return line


def refusal(type: str, session: str, id: str, data: dict[str, Any]) -> str | None:
    """Say why no record can hold an event; None if one can, whatever its number and its time."""
    try:
        encode(_LARGEST, id, type, session, _LARGEST, data)
    except EventError as error:
        return str(error).removesuffix(_NOTHING)
    return None


def _line(body: bytes) -> bytes:
    rest = body[1:]
    return b'{"crc":"%08x",%b\n' % (crc32(rest), rest)


def decode(line: bytes) -> Record | Header:
    """Decode one line without its newline.

    Raises:
        DamagedRecord: the line is no valid record; the message says why.
    """
    check(line)
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DamagedRecord(f"checksum holds but not JSON: {error}") from error
    if line.startswith(_HEADER_KEY, BODY):
        return _header(fields)
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
        raise DamagedRecord(f"checksum holds but the record has no {error}") from None
    if not (
        seq.__class__ is int
        and time.__class__ is int
        and data.__class__ is dict
        and 0 <= time < 2**63
    ):
        raise DamagedRecord("checksum holds but a field has the wrong type")
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
    if len(line) > READ_DEPTH and is_deeper(fields, line, READ_DEPTH):
        raise DamagedRecord(f"checksum holds but nested more than {READ_DEPTH} levels deep")
    return Record(seq, Event(id, type, session, time, data))


def check(line: bytes) -> None:
    """Check a line's frame and checksum, without its newline.

    Raises:
        DamagedRecord: the line is no valid record; the message says why.
    """
    if not line.startswith(START) or line[16:BODY] != b'",':
        raise DamagedRecord("no record: " + ("NUL bytes" if not line.strip(b"\0") else "bad start"))
    found = b"%08x" % crc32(memoryview(line)[BODY:])
    if line[8:16] != found:
        says = line[8:16].decode("ascii", "backslashreplace")
        raise DamagedRecord(f"checksum mismatch: says {says}, bytes give {found.decode()}")


def record_end(block: bytes, start: int, reach: int) -> int | None:
    """Return where a record that begins at `start` ends, if a checksum holds up to there.

    Every record ends with a brace; the first is taken up to which the checksum holds.

    Args:
        block: bytes that hold the record among others.
        start: offset of its first byte.
        reach: offset up to which its end is searched for.
    """
    said = block[start + len(START) : start + BODY - 2]
    if not block.startswith(START, start) or block[start + BODY - 2 : start + BODY] != b'",':
        return None
    try:
        wanted = int(said, 16)
    except ValueError:
        return None
    view = memoryview(block)
    found, at = 0, start + BODY
    while (brace := block.find(b"}", at, reach)) >= 0:
        found = crc32(view[at : brace + 1], found)
        at = brace + 1
        if found == wanted:
            return at
    return None


def _header(fields: dict[str, Any]) -> Header:
    version = fields.get("format")
    if version.__class__ is not int:
        raise DamagedRecord("checksum holds but the header has no format version")
    try:
        header = Header(**{name: fields[name] for name in Header.__slots__})
    except KeyError as error:
        if version > FORMAT:  # a newer header may look otherwise; its version is what matters
            return Header(version, "", "", 0, "", "", 0, 0)
        raise DamagedRecord(f"checksum holds but the header has no {error}") from None
    if not (
        isinstance(header.segment, str) and isinstance(header.lane, str) and type(header.seq) is int
    ):
        raise DamagedRecord("checksum holds but a field of the header has the wrong type")
    return header
