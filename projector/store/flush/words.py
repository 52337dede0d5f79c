"""The words of a message, by which it is compared with others: pure functions."""

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
    """The compared fields of a message; empty ones are None.

    Texts are kept as hashes, which Python computes once for each text. They differ between
    processes; `digest` does not.

    Attributes:
        role: the role.
        content: hash of the content.
        tool_calls: hash of the calls.
        tool_call_id: the call that is answered.
        tool_name: the tool that answers.
    """

    role: str | int | None
    content: int | None
    tool_calls: int | None
    tool_call_id: str | int | None
    tool_name: str | int | None


COMPARED = Words._fields
"""The compared fields. Others, such as a token count that is added later, make no other message."""


def words(data: Mapping[str, Any]) -> Words:
    """Return the words of a message."""
    get = data.get
    role, content, calls = get("role"), get("content"), get("tool_calls")
    call, tool = get("tool_call_id"), get("tool_name")
    return Words(
        role if role.__class__ is str and role else _hash(role),
        _hash(content),
        None if calls is None else _hash(calls),
        call if call is None or (call.__class__ is str and call) else _hash(call),
        tool if tool is None or (tool.__class__ is str and tool) else _hash(tool),
    )


def _hash(value: object) -> int | None:
    if not value:
        return None
    return hash(value if value.__class__ is str else _encode(value))


def digest(data: Mapping[str, Any]) -> str:
    """Return the digest of a message's words, the same in every process."""
    found = blake2b(digest_size=_BYTES)
    for name in COMPARED:
        value = data.get(name)
        part = _encode(value) if value else b""
        found.update(b"%d:%b" % (len(part), part))
    return found.hexdigest()


def revised(known: Words, fields: Mapping[str, Any]) -> Words:
    """Return the words of a message after a revision."""
    changed = words(fields)
    return known._replace(**{name: getattr(changed, name) for name in COMPARED if name in fields})


def _encode(value: object) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=_kind)
    except TypeError:  # a lone surrogate, a wide integer, a key that is no text
        pass
    try:
        return json.dumps(value, default=_kind, skipkeys=True).encode()
    except (ValueError, RecursionError):  # a cycle, or nested too deeply
        return _kind(value).encode()


def _kind(value: object) -> str:
    """Return a text for a value that JSON does not have, the same in every process."""
    is_data = isinstance(value, bytes | bytearray)
    return repr(value) if is_data else f"<{type(value).__qualname__}>"


def size_of(value: object) -> int:
    """Return how many bytes a value takes in a record, about."""
    return len(_encode(value))


def grows(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether a message begins with everything that an earlier one has."""
    if any(old.get(name) != new.get(name) for name in ("role", "tool_call_id", "tool_name")):
        return False
    return _begins(new.get("content"), old.get("content")) and _begins(
        new.get("tool_calls"), old.get("tool_calls")
    )


def _begins(new: object, old: object) -> bool:
    """Return whether a value begins with another: texts by characters, lists by items."""
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
