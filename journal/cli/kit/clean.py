"""Escape control characters, and those that cannot be seen, in text and JSON.

Names of tools, roles, ids and messages come from models and from other programs. A control
character in them could send commands to the terminal, reorder what the user reads, or forge a
line of this program. What cannot be seen could tell a model something that the user does not see.
"""

from __future__ import annotations

import re
import sys
from functools import cache

import orjson

from journal.process.fork import no_fork

_UNSAFE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but for tab and newline, DEL, C1
    "\u2028\u2029"  # end a line for some programs and not for others
    # invisible, or reorder the text around them: Unicode's Default_Ignorable_Code_Point
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\u2800\ufff9-\ufffb"  # a blank of Braille, annotations between lines
    "\ue000-\uf8ff\U000f0000-\U0010ffff"  # private use: each font shows something else
    "\ud800-\udfff"  # surrogates: bytes of a file name or an argument that are not UTF-8
)
_JOINERS = "\u200c\u200d"
_STYLES = "\ufe0e\ufe0f"
"""Selectors that show a character as text or as an emoji."""
_SIGNS = {"So", "Sm", "Sk"}
"""Categories of emoji and of their skin tones."""
_EMOJI = "\u203c\u2049\u2139\u3030"
"""Emoji of other categories."""
_KEYS = re.compile("[0-9#*]")
_KEYCAP = "\u20e3"
_BLANK = "\u2800"
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
    return _block().sub(_shown_text, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Return a text with every unsafe character escaped, with tabs and newlines."""
    return text if text.isascii() and text.isprintable() else _line().sub(_shown_text, text)


def _shown_text(match: re.Match[str]) -> str:
    return match[0] if _belongs(match) else _escaped_text(match[0])


def _shown_json(match: re.Match[str]) -> str:
    return match[0] if _belongs(match) else _escaped_json(match[0])


def _belongs(match: re.Match[str]) -> bool:
    """Return whether an invisible character is a part of how what is before it is written.

    Persian and the scripts of India need a joiner behind a letter, and emoji need one between two
    of them, and a style behind one. Several at a time mean nothing, so they may hide something.
    """
    character, text, at = match[0], match.string, match.start()
    if character not in _JOINERS + _STYLES or not at:
        return False
    before, behind = text[at - 1], text[at + 1 : at + 2]
    if character in _STYLES:
        return _is_emoji(before) or (behind == _KEYCAP and _KEYS.match(before) is not None)
    if _is_emoji(text[at - 2 : at - 1] if before in _STYLES else before):
        return _is_emoji(behind)
    if before.isascii() or _block().match(before) or _block().match(behind):
        return False
    return _category(before)[0] in "LM"


def _is_emoji(character: str) -> bool:
    if character.isascii() or character == _BLANK:
        return False
    return character in _EMOJI or _category(character) in _SIGNS


@cache
def _category(character: str) -> str:
    with no_fork.turn:
        from unicodedata import category  # noqa: PLC0415 - a megabyte that most texts do not need

    return category(character)


def _escaped_text(character: str) -> str:
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
    return _block().sub(_shown_json, found)


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


def _escaped_json(character: str) -> str:
    """Return the JSON escape of a character: two surrogates above U+FFFF."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
