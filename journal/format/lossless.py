"""Find the value that JSON would change."""

from __future__ import annotations

from typing import Any

from journal.errors import EventError, shown
from journal.format.bounds import DEPTH

_REASONS: dict[type, str] = {
    tuple: "is a tuple, which JSON turns into a list: give a list",
    bytes: "is bytes, which JSON cannot hold: decode it, or give base64 text",
    bytearray: "is bytes, which JSON cannot hold: decode it, or give base64 text",
    set: "is a set, which JSON cannot hold: give a sorted list",
    frozenset: "is a set, which JSON cannot hold: give a sorted list",
}


_UNCHANGED = frozenset((str, int, bool, type(None)))
"""Classes of the values that JSON holds as they are, unless its encoder refuses them."""


def is_unchanged(value: dict[str, Any] | list[Any]) -> bool:
    """Return whether JSON holds a value as it is; false where only decoding it can tell.

    To look at each value takes a third of the time of decoding and comparing a short text, and no
    longer for a long one.

    Args:
        value: an object or list that the encoder accepted: it refuses integers over 64 bits, lone
            surrogates, keys that are no strings, and too many levels.
    """
    for item in value.values() if isinstance(value, dict) else value:
        kind = item.__class__
        if kind in _UNCHANGED:
            continue
        if kind is float:
            if item - item != 0:  # not finite: it is written as null
                return False
        elif (kind is not dict and kind is not list) or not is_unchanged(item):
            return False
    return True


def culprit(value: object) -> str:
    """Return the first field that JSON would change, and why."""
    return _find(value, "", 0) or "the event holds something that JSON cannot carry unchanged"


def is_text(value: str) -> bool:
    """Return whether a string has no lone surrogates; bytes that are no UTF-8 become such."""
    return _find_text(value, "") is None


def check_text(name: str, value: object, error: type[ValueError] = EventError) -> None:
    """Refuse what is no text.

    Raises:
        ValueError: of the kind that is given; the value is no string, or has a lone surrogate.
    """
    if not isinstance(value, str):
        raise error(f"{name} must be a string, not {shown(value)}")
    if (found := _find_text(value, name)) is not None:
        raise error(f"{found}; nothing was written" if error is EventError else found)


def check_json(name: str, value: object) -> None:
    """Refuse what JSON would change.

    Raises:
        EventError: the message names the part of the value.
    """
    # in a record the value is in `data`, two levels down
    if (found := _find(value, name, 2)) is not None:
        raise EventError(f"{found}; nothing was written")


def _find(value: object, path: str, depth: int) -> str | None:
    if depth >= DEPTH and isinstance(value, dict | list):
        return f"{path[:80]}... is nested more than {DEPTH} levels deep"
    if isinstance(value, dict):
        return _find_in_object(value, path, depth)
    if isinstance(value, list):
        found = (_find(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value))
        return next(filter(None, found), None)
    return _find_scalar(value, path)


def _find_in_object(value: dict[object, object], path: str, depth: int) -> str | None:
    for key, item in value.items():
        if not isinstance(key, str):
            return f"{path or 'the event'} has the key {shown(key)}, which is no string"
        below = f"{path}.{key}" if path else key
        if (
            found := _find_text(key, f"a key of {path}") or _find(item, below, depth + 1)
        ) is not None:
            return found
    return None


def _find_scalar(value: object, path: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return _find_text(value, path)
    if isinstance(value, int):
        wide = not -(2**63) <= value < 2**64
        return f"{path} is {value:#x}, an integer over 64 bits: give a string" if wide else None
    if isinstance(value, float):
        finite = float("-inf") < value < float("inf")
        return None if finite else f"{path} is {value}, which JSON cannot hold: leave it out"
    reason = f"is a {type(value).__name__}, which JSON would change: give its JSON form"
    return f"{path} {_REASONS.get(type(value), reason)}"


def _find_text(value: str, path: str) -> str | None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        return f"{path} has a lone surrogate at character {error.start}, which is no text"
    return None
