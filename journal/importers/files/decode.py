"""Decodes one line to a JSON value, with repairs if the meaning is certain.

orjson reads strict JSON and refuses lone surrogates, NaN, invalid UTF-8 and a byte order mark;
integers over 64 bits it silently turns into floats. Programs write all of these, so such a line is
read again by the standard library, and values that a journal cannot store are replaced:

* a lone surrogate and a byte that is no UTF-8 by U+FFFD, as every decoder does;
* NaN, Infinity, and numbers beyond a double by their own text, as a string;
* an integer over 64 bits by its decimal digits, as a string.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

BOM = b"\xef\xbb\xbf"
DEPTH = 200
"""Levels of nesting that are imported; the journal's encoder accepts 254, with an event's own."""
_LONG_DIGITS = re.compile(rb"[:\[,]\s*-?[0-9]{19}")
_COARSE = bytes.maketrans(b"0123456789[", b"0" * 10 + b"{")
"""All digits become zeros, and both brackets that begin a level one: each is looked for at once."""
_NINETEEN = b"0" * 19
_SURROGATE = re.compile("[\ud800-\udfff]")
_SIGNED, _UNSIGNED = -(2**63), 2**64

BYTES = "bytes that are no UTF-8 replaced by U+FFFD"
SURROGATE = "lone surrogate replaced by U+FFFD"
NUMBER = "number that JSON cannot carry kept as a string"
NOT_JSON = "not JSON"
_UTF_16 = "UTF-16, not UTF-8"


class BadLine(ValueError):  # noqa: N818 - reads as what it is in `except BadLine`
    """A line that is no JSON; the message is the reason, without the line's text."""


def decode(raw: bytes) -> tuple[Json, tuple[str, ...]]:
    """Read one line.

    Returns:
        The value, and its repairs (none for strict JSON).

    Raises:
        BadLine: the line is no JSON.
    """
    coarse = raw.translate(_COARSE)
    if _NINETEEN in coarse:
        value, repairs = _decode(raw, coarse)
    else:
        try:  # almost every line
            value, repairs = orjson.loads(raw), ()
        except orjson.JSONDecodeError:
            value, repairs = _decode_slowly(raw.removeprefix(BOM))
    if coarse.count(b"{") > DEPTH and too_deep(value):
        raise BadLine("nested too deeply")
    return value, repairs


def unfinished(raw: bytes, bad: BadLine) -> str:
    """Return why the last line, which has no newline, is no JSON; more of it may follow."""
    reason = str(bad)
    if reason != NOT_JSON or not raw.removeprefix(BOM).lstrip().startswith((b"{", b"[")):
        return reason
    return f"{NOT_JSON}: lines that end in CR alone" if b"\r" in raw else "unfinished last line"


def _no_json(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _UTF_16
    zeros = sorted((raw[::2].count(0), raw[1::2].count(0)))
    if zeros == [0, 0]:
        return NOT_JSON
    # every second byte of Latin text; zeros that a torn write left are adjacent
    return _UTF_16 if zeros[0] == 0 and zeros[1] * 4 > len(raw) else "NUL bytes"


def too_deep(value: Json) -> bool:
    """Return whether a value is nested more deeply than a journal accepts."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(DEPTH - 1):
        if not level:
            return False
        # a class is compared faster than `isinstance` is called, and a decoder makes no others
        level = [
            inner
            for item in level
            for inner in (item.values() if item.__class__ is dict else item)
            if inner.__class__ is dict or inner.__class__ is list
        ]
    return any(level)


def is_exact(raw: bytes, value: Json) -> bool:
    """Return whether a value that orjson read is what `decode` returns, without repairs."""
    coarse = raw.translate(_COARSE)
    if _NINETEEN in coarse and _LONG_DIGITS.search(raw):
        return False
    return coarse.count(b"{") <= DEPTH or not too_deep(value)


def decode_shallow(raw: bytes) -> tuple[Json, tuple[str, ...]]:
    """Read bytes of fewer than `DEPTH` levels of nesting, as `decode`."""
    return _decode(raw, raw.translate(_COARSE))


def _decode(raw: bytes, coarse: bytes) -> tuple[Json, tuple[str, ...]]:
    # searching the translated line is six times faster than searching the line with the pattern
    if _NINETEEN not in coarse or not _LONG_DIGITS.search(raw):
        try:
            return orjson.loads(raw), ()
        except orjson.JSONDecodeError:
            pass
    return _decode_slowly(raw.removeprefix(BOM))


def _decode_slowly(raw: bytes) -> tuple[Json, tuple[str, ...]]:
    repairs: dict[str, None] = {}  # in the order of their first use, each once

    def number(text: str) -> str:
        repairs[NUMBER] = None
        return text

    def integer(text: str) -> int | str:
        if len(text) > 20:  # noqa: PLR2004 - digits of 2**64, and a sign
            return number(text)
        value = int(text)
        return value if _SIGNED <= value < _UNSIGNED else number(text)

    def floating(text: str) -> float | str:
        value = float(text)
        return value if abs(value) != float("inf") else number(text)

    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode(errors="replace")
        repairs[BYTES] = None
    try:
        value = json.loads(text, parse_constant=number, parse_int=integer, parse_float=floating)
        cleaned = _clean(value)
    except RecursionError:
        raise BadLine("nested too deeply") from None
    except json.JSONDecodeError:
        raise BadLine(_no_json(raw)) from None
    if cleaned is not value:
        repairs[SURROGATE] = None
    return cleaned, tuple(repairs)


def _clean(value: Json) -> Json:
    """Replace lone surrogates; return the same object if there are none."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value) if _SURROGATE.search(value) else value
    if isinstance(value, list):
        items = [_clean(item) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    if isinstance(value, dict):
        pairs = {_clean(name): _clean(item) for name, item in value.items()}
        same = len(pairs) == len(value) and all(
            a is b and x is y for (a, x), (b, y) in zip(pairs.items(), value.items(), strict=True)
        )
        return value if same else pairs
    return value
