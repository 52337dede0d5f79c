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
    strings: list[tuple[str, str]] = []
    changed = _walk("", value, redact, strings)
    if all(old == new for old, new in strings):
        return redacted if redacted is text or _is_json(redacted) else text
    # the text keeps its form, but where an object has a key twice: the value has only the last
    new = _swapped(text, strings)
    return json.dumps(changed, ensure_ascii=False) if new is None else new


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
    name: str,
    value: object,
    redact: Callable[[str, str], str],
    strings: list[tuple[str, str]],
) -> object:
    """Redact the strings of a value, also keys; add each to `strings`, before and after."""
    if isinstance(value, str):
        new = redact(name, value)
        strings.append((value, new))
        return new
    if isinstance(value, list):
        return [_walk(name, item, redact, strings) for item in value]
    if isinstance(value, dict):
        return {
            str(_walk("", key, redact, strings)): _walk(key, item, redact, strings)
            for key, item in value.items()
        }
    return value


def _swapped(text: str, strings: list[tuple[str, str]]) -> str | None:
    """Return JSON with other strings, given in its order; None if it has others."""
    found = list(_STRING.finditer(text))
    if [orjson.loads(each[0]) for each in found] != [old for old, _ in strings]:
        return None
    pieces: list[str] = []
    at = 0
    for each, (old, new) in zip(found, strings, strict=True):
        if old != new:
            pieces += text[at : each.start()], _marked(each[0], old, new)
            at = each.end()
    return "".join([*pieces, text[at:]])


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True
