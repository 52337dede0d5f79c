"""Redacts a string that is JSON, such as the arguments of a tool: it stays valid JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"')
"""A string in valid JSON, and a key."""


def redact_json(text: str, redacted: str, redact: Callable[[str, str], str]) -> str:
    """Return a string without secrets that is JSON if it was.

    Args:
        text: the string.
        redacted: the string, redacted as a text.
        redact: takes the name of a field and a string in it, and returns that without secrets.
    """
    try:
        value = orjson.loads(text)
        orjson.dumps(value)
    except (ValueError, TypeError):
        return redacted  # no JSON, or nested deeper than any record
    pairs: dict[str, str] = {}
    changed = _walk("", value, redact, pairs)
    if not pairs:
        return redacted if redacted is text or _is_json(redacted) else text

    def swap(found: re.Match[str]) -> str:
        mark = pairs.get(orjson.loads(found[0]))
        return found[0] if mark is None else json.dumps(mark, ensure_ascii=False)

    # the text keeps its form if a replacement of the strings in it gives the same value
    new = _STRING.sub(swap, text)
    try:
        if orjson.loads(new) == changed:
            return new
    except ValueError:
        pass
    return json.dumps(changed, ensure_ascii=False)


def _walk(
    name: str, value: object, redact: Callable[[str, str], str], pairs: dict[str, str]
) -> object:
    """Redact the strings of a value, also keys; add each redacted one to `pairs`."""
    if isinstance(value, str):
        new = redact(name, value)
        if new != value:
            pairs[value] = new
        return new
    if isinstance(value, list):
        return [_walk(name, item, redact, pairs) for item in value]
    if isinstance(value, dict):
        return {
            str(_walk("", key, redact, pairs)): _walk(key, item, redact, pairs)
            for key, item in value.items()
        }
    return value


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True
