"""Text without what a terminal obeys, and JSON that spells it.

Names of tools, roles, ids and messages come from models and from other programs. A control
character in them could write to the terminal as its user, reorder what is read, or pass for a
line of this program's own.
"""

from __future__ import annotations

import json
import re
import sys

import orjson

_UNSAFE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but for tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # reorder what stands around them
    "\u2028\u2029"  # end a line for some programs and not for others
    "\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"  # nobody sees them
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
    "\ud800-\udfff"  # no text: bytes of a file name or an argument that are not UTF-8
)
# joiners (U+200C, U+200D) stay: Persian, the scripts of India and emoji need them
_BLOCK = re.compile(f"[{_UNSAFE}]")
_LINE = re.compile(f"[{_UNSAFE}\t\n]")
_NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_NESTING = 1024
"""Levels that JSON read by orjson can have."""


def clean(text: str) -> str:
    r"""Return a text of several lines with every unsafe character spelled, such as `\x1b`.

    Tabs and newlines stay; a carriage return in front of a newline goes.
    """
    return _BLOCK.sub(_spelled, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Return a text with every unsafe character spelled, tabs and newlines among them."""
    return text if text.isascii() and text.isprintable() else _LINE.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if code <= 0xFF:  # noqa: PLR2004 - the last with two digits, as repr has it
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - as repr


def json_line(value: object, *, indent: bool = False) -> str:
    r"""Return a value as JSON, its unsafe characters spelled `\uXXXX`: it reads back exactly.

    Args:
        value: what orjson takes, also nested deeper than it writes, and texts that are no UTF-8.
        indent: whether it has a line for each item.
    """
    try:
        found = orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else None).decode()
    except TypeError:  # a lone surrogate, or nested too deep
        found = _whole(value, 2 if indent else None)
    if found.isascii() and "\x7f" not in found:
        return found
    return _BLOCK.sub(_escaped, found)


def _whole(value: object, indent: int | None) -> str:
    limit = sys.getrecursionlimit()
    # the standard library counts a level as a call or two; what was read has a known bound
    sys.setrecursionlimit(limit + 4 * _NESTING)
    try:
        separators = (",", ":") if indent is None else None
        return json.dumps(value, indent=indent, separators=separators)
    finally:
        sys.setrecursionlimit(limit)


def _escaped(match: re.Match[str]) -> str:
    """Return a character as JSON escapes it: a pair of surrogates above U+FFFF."""
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
