"""Redacts a string that is JSON, such as the arguments of a tool: it stays valid JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import orjson

from journal.format.redacted import MARK, covered_spans

if TYPE_CHECKING:
    from collections.abc import Callable

_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"')
"""A string in valid JSON, and a key."""
_CHARACTER = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL
)
"""A character in a string in valid JSON, which may be escaped."""


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
        text = orjson.loads(found[0])
        new = pairs.get(text)
        return found[0] if new is None else _marked(found[0], text, new)

    # the text keeps its form if a replacement of the strings in it gives the same value
    new = _STRING.sub(swap, text)
    try:
        if orjson.loads(new) == changed:
            return new
    except ValueError:
        pass
    return json.dumps(changed, ensure_ascii=False)


def _marked(raw: str, text: str, new: str) -> str:
    """Return a string in JSON with marks; all other characters are escaped as they were.

    Other escapes would make it another text, which is a conflict where the original is.

    Args:
        raw: the string in JSON.
        text: the same, decoded.
        new: the text with marks.
    """
    spans, characters = covered_spans(new, text), _CHARACTER.findall(raw, 1, len(raw) - 1)
    if spans is None or len(characters) != len(text):
        return json.dumps(new, ensure_ascii=False)
    pieces, at = ['"'], 0
    for (begin, end), mark in zip(spans, MARK.finditer(new), strict=True):
        pieces += characters[at:begin]
        pieces.append(mark[0])
        at = end
    return "".join([*pieces, *characters[at:], '"'])


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
