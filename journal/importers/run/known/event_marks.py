"""Marks of eight bytes: of an event's key, of its key and content, of its key and importer.

They decide as `journal.format.event.is_same` whether two events are the same, without the events.
One that was redacted has a mark of its original, and one of its data with all marks alike.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from journal.format.event_types import MESSAGE_APPENDED, MESSAGE_REVISED
from journal.format.redacted import BEGIN, without_marks
from journal.importers.parsing.provisional import is_provisional

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from journal.format.redacted import Redacted

PROVISIONAL = "provisional"
"""In the place of the importer of a message that has less than its source may hold elsewhere."""
_NAMED = frozenset((MESSAGE_APPENDED, MESSAGE_REVISED))
"""Types of events that a newer importer corrects: the ids of all others are their contents."""
_ASKED = 1_024
"""Keys whose marks are kept: those of a batch are looked up several times."""
_MARKED = BEGIN.encode()
_IN_CLEAR = "clear"
"""In the place of a key: nothing was redacted in the event, and its source has the marks."""
_NO_ORIGINAL = ""
"""In the place of a key: what was redacted in the event has no hash."""
_blake2b, _from_bytes = hashlib.blake2b, int.from_bytes


class EventMarks(NamedTuple):
    """The marks of an event.

    Attributes:
        key: of its key.
        content: of its key and its content.
        written: of the key of the message that it gives, and of what imported it; None if it gives
            no message.
        masked: of its key and its content with all marks of redacted texts alike; None if it has
            none.
    """

    key: int
    content: int
    written: int | None
    masked: int | None = None


def marks_of(
    session: str,
    id: str,
    type: str,
    data: dict[str, Any],
    redacted: Redacted | None,
    importer: str | None,
) -> EventMarks:
    """Return the marks of an event, of its data as they are in the journal.

    Raises:
        TypeError: it is no JSON.
    """
    key, key_mark = marked_key(session, id)
    plain = plain_content(type, data)
    masked = None
    if redacted is not None or _MARKED in plain:
        masked = _masked_mark(key, _masked(type, data), scope_of(redacted))
    if redacted is None or not redacted.original:
        content = mark_of(key + plain)
    else:
        content = mark_of(key + original_content(redacted.key, redacted.original))
    return EventMarks(key_mark, content, _written(session, key_mark, type, data, importer), masked)


def new_marks(
    session: str, id: str, type: str, data: dict[str, Any], importer: str | None
) -> tuple[int, int, int | None, None] | None:
    """Return the marks of an event without redacted texts; None if there may be one in it.

    They are a plain tuple.

    Raises:
        TypeError: it is no JSON.
    """
    plain = plain_content(type, data)
    if _MARKED in plain:
        return None
    key = orjson.dumps([session, id])
    key_mark = mark_of(key)
    written = _written(session, key_mark, type, data, importer)
    return key_mark, mark_of(key + plain), written, None


def _written(
    session: str, key_mark: int, type: str, data: dict[str, Any], importer: str | None
) -> int | None:
    """Return the mark of the key of the message that an event gives, and of what imported it."""
    if type not in _NAMED:
        return None
    if type == MESSAGE_APPENDED:
        if is_provisional(data):
            importer = PROVISIONAL
        elif importer is None:
            importer = f"{data.get('source')} 0"  # as the first importers wrote it
    if importer is None:
        return None
    # a correction counts as the message that it corrects
    target = data.get("message")
    target_mark = key_mark if target is None else marked_key(session, str(target))[1]
    return written_by(target_mark, importer)


@lru_cache(maxsize=_ASKED)
def marked_key(session: str, id: str) -> tuple[bytes, int]:
    """Return a key as bytes, and its mark."""
    key = orjson.dumps([session, id])
    return key, mark_of(key)


def written_by(key_mark: int, importer: str) -> int:
    """Return the mark of a key, of which the mark is given, and of what imported it."""
    return key_mark ^ _importer_mark(importer)


@lru_cache(maxsize=_ASKED)
def _importer_mark(importer: str) -> int:
    return mark_of(b"importer " + importer.encode())


def plain_content(type: str, data: dict[str, Any]) -> bytes:
    """Return what identifies a type and its data.

    Raises:
        TypeError: it is no JSON.
    """
    return orjson.dumps([type, data], option=orjson.OPT_SORT_KEYS)


def original_content(key: str, original: str) -> bytes:
    """Return what identifies the original of a redacted event, by its hash with a key.

    So the file of marks contains no unkeyed hash of a secret.
    """
    return f"{key}{original}".encode()


def scope_of(redacted: Redacted | None) -> str:
    """Return with what a masked mark is made: the id of the key of the original, or one of these.

    Two events whose originals have hashes with one key are the same only if these are equal.
    """
    if redacted is None:
        return _IN_CLEAR
    return redacted.key if redacted.original else _NO_ORIGINAL


def masked_marks(
    key: bytes,
    type: str,
    data: dict[str, Any],
    redacted: Redacted | None,
    scopes: Collection[str],
) -> Iterator[int]:
    """Yield the masked marks of the events that differ from an event by what is redacted alone.

    Args:
        key: its key.
        type: its type.
        data: its data, with marks in the place of what is redacted or would be.
        redacted: what is redacted in it; None if nothing is.
        scopes: what `scope_of` gives for the events that it is compared with.
    """
    own = scope_of(redacted)
    content = _masked(type, data)
    for scope in scopes:
        if scope != own or own == _NO_ORIGINAL:
            yield _masked_mark(key, content, scope)


def _masked(type: str, data: dict[str, Any]) -> bytes:
    return orjson.dumps([type, without_marks(data)], option=orjson.OPT_SORT_KEYS)


def _masked_mark(key: bytes, content: bytes, scope: str) -> int:
    return mark_of(b"masked %s %s%s" % (scope.encode(), key, content))


def mark_of(raw: bytes) -> int:
    """Return the mark of bytes."""
    return _from_bytes(_blake2b(raw, digest_size=8).digest())
