"""Keyed hashes: they name secrets, originals and forgotten data without containing any of it.

A hash is BLAKE2b with 16 bytes (RFC 7693), keyed with the journal's key and personalized with what
it is a hash of, so that no hash of one kind equals one of another kind. `docs/format.md` specifies
the bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import orjson

from journal.format.event_types import MESSAGE_APPENDED, MESSAGE_REVISED

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_BYTES = 32
"""Bytes of a key."""

Of = Literal["secret", "original", "content", "session", "event", "message", "line", "text"]
"""What a hash is a hash of."""

_ID_BYTES = 4
_BYTES = 16


@dataclass(frozen=True, slots=True)
class Key:
    """A journal's key.

    Attributes:
        secret: 32 random bytes.
        id: 8 hexadecimal digits that name the key and do not reveal it.
    """

    secret: bytes = field(repr=False)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(self.secret)}")
        name = hashlib.blake2b(digest_size=_ID_BYTES, key=self.secret, person=b"id").hexdigest()
        object.__setattr__(self, "id", name)

    def hash(self, of: Of, value: object) -> str:
        """Return the keyed hash of a JSON value: 32 hexadecimal digits.

        Args:
            of: what the value is, so that hashes of two kinds never agree.
            value: a value as `orjson.loads` gives it; the order of the keys of objects does not
                count.
        """
        content = orjson.dumps(_spelled(value), option=orjson.OPT_SORT_KEYS)
        person = of.encode()
        return hashlib.blake2b(
            content, digest_size=_BYTES, key=self.secret, person=person
        ).hexdigest()


def content_hash(key: Key, type: str, data: Mapping[str, object]) -> str:
    """Return the hash of the content of an event in clear; empty if it has none.

    Args:
        key: the key.
        type: the event's type.
        data: its data, before anything in it was redacted.
    """
    if type not in (MESSAGE_APPENDED, MESSAGE_REVISED) or "content" not in data:
        return ""
    return key.hash("content", data["content"])


def _spelled(value: object) -> object:
    """Write each float as `repr` does: versions of orjson differ, and a hash must stay the same."""
    if isinstance(value, float):
        return orjson.Fragment(repr(value))
    if isinstance(value, dict):
        return {name: _spelled(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(each) for each in value]
    return value
