"""Serialized values as JSON: compressed, and shared by all checkpoints that have them."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Packed = dict[str, Any]
"""A serialized value: `type`, and `data`, its text; or `digest` and `parts`, the keys that have
the text (`keys_of`)."""

_INLINE = 512
"""Characters of a text that stands in the checkpoint itself."""
_PART = 8 * 1024 * 1024
"""Characters of a part: a record holds at most 16 MiB."""


def pack(typed: tuple[str, bytes]) -> tuple[Packed, dict[str, str]]:
    """Return a packed value, and the key-values that it needs, which may be none.

    Equal bytes give the same keys: a value that did not change is stored once.
    """
    type, data = typed
    text = _text(data)
    if len(text) <= _INLINE:
        return {"type": type, "data": text}, {}
    digest = blake2b(type.encode() + b"\0" + data, digest_size=16).hexdigest()
    parts = [text[at : at + _PART] for at in range(0, len(text), _PART)]
    packed = {"type": type, "digest": digest, "parts": len(parts)}
    return packed, dict(zip(keys_of(packed), parts, strict=True))


def keys_of(packed: Packed) -> Iterator[str]:
    """Yield the keys that have the text of a packed value."""
    for part in range(packed.get("parts", 0)):
        yield f"b/{packed['digest']}/{part:04}"


def unpack(packed: Packed, parts: Mapping[str, str]) -> tuple[str, bytes]:
    """Return the type and the bytes of a packed value.

    Args:
        packed: the value.
        parts: the texts of the keys that it needs.

    Raises:
        KeyError: a part is missing.
    """
    text = packed.get("data")
    if text is None:
        text = "".join(parts[key] for key in keys_of(packed))
    data = b64decode(text[1:])
    return packed["type"], zlib.decompress(data) if text[0] == "z" else data


def _text(data: bytes) -> str:
    small = zlib.compress(data)
    mark, kept = ("z", small) if len(small) < len(data) else ("r", data)
    return mark + b64encode(kept).decode("ascii")
