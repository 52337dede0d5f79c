"""What the messages of a stream say: chunks, keys of keyed hashes, and reports of machines."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import orjson

from journal.format.timestamps import to_microseconds
from journal.process.ids import UUID
from projector.relay.carrier import Arrived, mark_of
from projector.relay.chunk import NAME, Place, parse, parse_subject
from projector.relay.errors import ChunkError, NewerChunk

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.js import api

_KEY_SUBJECT = re.compile(rf"aj\.{NAME.pattern}\.seg\.{NAME.pattern}\.key\.[0-9a-f]+")
REPORT_SUBJECT = re.compile(rf"aj\.{NAME.pattern}\.seg\.{NAME.pattern}\.have\.{UUID}")
_KEY = re.compile(b"[0-9a-f]{64}")


def stored_mark(found: api.RawStreamMsg) -> str:
    """Return the mark of a stored message; that it is none of ours is a mark, too."""
    try:
        _, _, place = parse_subject(found.subject or "")
        return mark_of(parse(place, found.headers or {}, found.data or b""))
    except ChunkError:
        return f"{found.subject}"


def arrived(message: Msg) -> Arrived:
    """Return what a message that was followed says."""
    found, user = message.metadata, ""
    made = partial(Arrived, found.sequence.stream, behind=found.num_pending)
    if _KEY_SUBJECT.fullmatch(message.subject) and _KEY.fullmatch(message.data):
        return made(user, None, key=message.data.decode())
    if REPORT_SUBJECT.fullmatch(message.subject):
        at = to_microseconds(found.timestamp)
        return made(user, None, report=message.data, at=at)
    try:
        _, user, place = parse_subject(message.subject)
        return made(user, parse(place, message.headers or {}, message.data))
    except NewerChunk as error:
        return made(user, None, str(error), is_newer=True)
    except ChunkError as error:
        return made(user, None, str(error))


def parse_read(message: Msg) -> tuple[Place, int] | None:
    """Return what another machine asks for; None if it is no request."""
    segment = message.subject.rpartition(".")[2]
    try:
        asked = orjson.loads(message.data)
        name = f"{asked['machine']}.{asked['lane']}.{asked['number']}.{segment}"
        place = parse_subject(f"aj.f.seg.u.{name}")[2]
        offset = asked["offset"]
    except (orjson.JSONDecodeError, KeyError, TypeError, ChunkError):
        return None
    return (place, offset) if type(offset) is int and offset >= 0 else None
