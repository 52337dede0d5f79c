"""Marks of eight bytes: of an event's key, of its key and content, of its key and importer."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from journal.format.redacted import Redacted

_ASKED = 1_024
"""Keys whose marks are kept: those of a batch are looked up several times."""
_blake2b, _from_bytes = hashlib.blake2b, int.from_bytes


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
