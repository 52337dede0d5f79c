"""Marks of eight bytes: of an event's key, of its key and content, of its key and importer."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from journal.format.event_types import MESSAGE_APPENDED, MESSAGE_REVISED
from journal.importers.parsing.provisional import is_provisional

if TYPE_CHECKING:
    from journal.format.redacted import Redacted

PROVISIONAL = "provisional"
"""In the place of the importer of a message that has less than its source may hold elsewhere."""
_NAMED = frozenset((MESSAGE_APPENDED, MESSAGE_REVISED))
"""Types of events that a newer importer corrects: the ids of all others are their contents."""
_ASKED = 1_024
"""Keys whose marks are kept: those of a batch are looked up several times."""
_blake2b, _from_bytes = hashlib.blake2b, int.from_bytes


class EventMarks(NamedTuple):
    """The marks of an event.

    Attributes:
        key: of its key.
        content: of its key and its content.
        written: of the key of the message that it gives, and of what imported it; None if it gives
            no message.
    """

    key: int
    content: int
    written: int | None


def marks_of(
    session: str,
    id: str,
    type: str,
    data: dict[str, Any],
    redacted: Redacted | None,
    importer: str | None,
) -> EventMarks:
    """Return the marks of an event.

    Raises:
        TypeError: it is no JSON.
    """
    key, key_mark = marked_key(session, id)
    content = mark_of(key + content_of(type, data, redacted))
    if type not in _NAMED:
        return EventMarks(key_mark, content, None)
    if type == MESSAGE_APPENDED:
        if is_provisional(data):
            importer = PROVISIONAL
        elif importer is None:
            importer = f"{data.get('source')} 0"  # as the first importers wrote it
    if importer is None:
        return EventMarks(key_mark, content, None)
    # a correction counts as the message that it corrects
    target = data.get("message")
    target_mark = key_mark if target is None else marked_key(session, str(target))[1]
    return EventMarks(key_mark, content, written_by(target_mark, importer))


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
    """Return what identifies the content of an event that is not redacted.

    Raises:
        TypeError: it is no JSON.
    """
    return orjson.dumps([type, data], option=orjson.OPT_SORT_KEYS)


def content_of(type: str, data: dict[str, Any], redacted: Redacted | None) -> bytes:
    """Return what identifies a content; for a redacted one, the keyed hash of its original.

    So the file of marks contains no unkeyed hash of a secret.
    """
    if redacted is None:
        return plain_content(type, data)
    return f"{redacted.key}{redacted.original}".encode()


def mark_of(raw: bytes) -> int:
    """Return the mark of bytes."""
    return _from_bytes(_blake2b(raw, digest_size=8).digest())
