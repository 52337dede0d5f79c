"""What a message says, in a form that two messages are compared by: pure functions."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

_BYTES = 16
"""Bytes of a digest: two different texts never meet by accident."""


class Words(NamedTuple):
    """What makes two messages say the same; what is empty is None.

    Attributes:
        role: who speaks.
        content: digest of the content.
        tool_calls: digest of the calls.
        tool_call_id: the call that is answered.
        tool_name: the tool that answers.
    """

    role: str | bytes | None
    content: bytes | None
    tool_calls: bytes | None
    tool_call_id: str | bytes | None
    tool_name: str | bytes | None

    def digest(self) -> str:
        """Return all of it as one short text."""
        parts = [part.hex() if isinstance(part, bytes) else part for part in self]
        return blake2b(_encode(parts), digest_size=_BYTES).hexdigest()


SAID = Words._fields
"""The fields of a message that are compared. Tokens that were counted later, or a reason to stop,
make it no other message."""


def words(data: Mapping[str, Any]) -> Words:
    """Return what a message says."""
    content = data.get("content")
    return Words(
        _name(data.get("role")),
        digest(content) if content else None,
        digest(calls) if (calls := data.get("tool_calls")) else None,
        _name(data.get("tool_call_id")),
        _name(data.get("tool_name")),
    )


def _name(value: object) -> str | bytes | None:
    """Return a name as it is; what a foreign writer gave in place of one, as its digest."""
    return value if isinstance(value, str) and value else digest(value) if value else None


def revised(said: Words, fields: Mapping[str, Any]) -> Words:
    """Return what a message says when some of its fields have other values."""
    changed = words(fields)
    return said._replace(**{name: getattr(changed, name) for name in SAID if name in fields})


def digest(value: object) -> bytes:
    """Return the digest of a value, also of one that no record can hold."""
    if isinstance(value, str):
        encoded = value.encode(errors="surrogatepass")
    else:
        encoded = b"\0" + _encode(value)
    return blake2b(encoded, digest_size=_BYTES).digest()


def _encode(value: object) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=_kind)
    except TypeError:  # a lone surrogate, a wide integer, a key that is no text
        pass
    try:
        return json.dumps(value, default=_kind, skipkeys=True).encode()
    except (ValueError, RecursionError):  # a ring, or nested too deep
        return _kind(value).encode()


def _kind(value: object) -> str:
    """Return what stands for a value that JSON has not, the same in every process."""
    is_data = isinstance(value, bytes | bytearray)
    return repr(value) if is_data else f"<{type(value).__qualname__}>"


def size_of(value: object) -> int:
    """Return how many bytes a value takes in a record, about."""
    return len(_encode(value))


def grows(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Say whether a message can be an earlier one that went on: nothing that it said is gone."""
    if any(old.get(name) != new.get(name) for name in ("role", "tool_call_id", "tool_name")):
        return False
    return _begins(new.get("content"), old.get("content")) and _begins(
        new.get("tool_calls"), old.get("tool_calls")
    )


def _begins(new: object, old: object) -> bool:
    """Say whether a value begins with another: texts by characters, lists item by item."""
    if not old or new == old:
        return True
    if isinstance(old, str) and isinstance(new, str):
        return new.startswith(old)
    if isinstance(old, list) and isinstance(new, list):
        if len(old) > len(new) or old[:-1] != new[: len(old) - 1]:
            return False
        return _begins(new[len(old) - 1], old[-1])
    if isinstance(old, dict) and isinstance(new, dict):
        return all(name in new and _begins(new[name], value) for name, value in old.items())
    return False
