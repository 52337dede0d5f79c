"""Escape control characters in text and JSON.

Names of tools, roles, ids and messages come from models and from other programs. A control
character in them could send commands to the terminal, reorder what the user reads, or forge a
line of this program.
"""

from __future__ import annotations

import re
import sys
from functools import cache

import orjson

_UNSAFE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but for tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # reorder the text around them
    "\u2028\u2029"  # end a line for some programs and not for others
    "\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"  # invisible
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
    "\ud800-\udfff"  # surrogates: bytes of a file name or an argument that are not UTF-8
)
# joiners (U+200C, U+200D) stay: Persian, the scripts of India and emoji need them
_NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_NESTING = 1024
"""Levels of nesting that orjson reads."""


# compiled when first used: most commands write printable ASCII only
@cache
def _block() -> re.Pattern[str]:
    return re.compile(f"[{_UNSAFE}]")


@cache
def _line() -> re.Pattern[str]:
    return re.compile(f"[{_UNSAFE}\t\n]")


def clean(text: str) -> str:
    r"""Return a text of several lines with every unsafe character escaped, such as `\x1b`.

    Tabs and newlines stay; a carriage return before a newline is removed.
    """
    if text.isascii() and text.isprintable():
        return text
    return _block().sub(_escaped_text, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Return a text with every unsafe character escaped, with tabs and newlines."""
    return text if text.isascii() and text.isprintable() else _line().sub(_escaped_text, text)


def _escaped_text(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if code <= 0xFF:  # noqa: PLR2004 - the last with two digits, as repr has it
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - as repr


def json_line(value: object, *, indent: bool = False) -> str:
    r"""Return a value as JSON with unsafe characters as `\uXXXX`, which reads back exactly.

    Args:
        value: what orjson takes; also nested deeper than it writes, and with lone surrogates.
        indent: whether each item is on a line of its own.
    """
    try:
        found = orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else None).decode()
    except TypeError:  # a lone surrogate, or nested too deep
        found = _dump_any(value, 2 if indent else None)
    if found.isascii() and "\x7f" not in found:
        return found
    return _block().sub(_escaped_json, found)


def _dump_any(value: object, indent: int | None) -> str:
    import json  # noqa: PLC0415 - few values need it

    limit = sys.getrecursionlimit()
    # json.dumps recurses once or twice a level, and the depth of what was read is bounded
    sys.setrecursionlimit(limit + 4 * _NESTING)
    try:
        separators = (",", ":") if indent is None else None
        return json.dumps(value, indent=indent, separators=separators)
    finally:
        sys.setrecursionlimit(limit)


def _escaped_json(match: re.Match[str]) -> str:
    """Return the JSON escape of a character: two surrogates above U+FFFF."""
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
