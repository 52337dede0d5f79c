r"""Escapes of JSON in texts: `\/` for a slash, and `\u0067` for any character.

A text that quotes JSON can have a secret in escapes, such as `postgres:\/\/` or `\u0067hp_`. Rules
search what is meant, and hits are placed in the text as it is. Other escapes, such as `\n`, are
left to the rules.
"""

from __future__ import annotations

import re
from bisect import bisect_right

_ESCAPE = re.compile(r"\\{1,7}+(?:/|u(?![dD][89a-fA-F])([0-9A-Fa-f]{4}))")
_IN_RAW = re.compile(rb"\\{1,15}+(?:/|u(00[0-7][0-9a-f]|ff1[ad]|201[89cde]))")
"""The same in lower-case JSON: slashes, ASCII, and the other characters that rules compare."""
_ANY = re.compile(rb"\\(?:/|u[0f2])")
"""Where there may be one in JSON."""


class Unescaped:
    """A text without escapes.

    Attributes:
        text: the text that is meant.
    """

    def __init__(self, text: str) -> None:
        pieces: list[str] = []
        self._ends: list[int] = [0]  # in `text`: where the character of each escape ends
        self._added: list[int] = [0]  # by how much the given text is longer up to there
        at = done = added = 0
        for match in _ESCAPE.finditer(text):
            char = chr(int(match[1], 16)) if match[1] else "/"
            pieces += text[at : match.start()], char
            done += match.start() - at + 1
            at = match.end()
            added = at - done
            self._ends.append(done)
            self._added.append(added)
        self.text = "".join([*pieces, text[at:]]) if pieces else text

    def place(self, at: int) -> int:
        """Return the offset in the given text of an offset in `text`."""
        return at + self._added[bisect_right(self._ends, at) - 1]


def unescaped_raw(lower: bytes) -> bytes:
    """Return lower-case JSON without these escapes, as far as a prefilter needs."""
    # the search skips to each backslash, and is far faster than `in` for two bytes; `in` for one
    # byte is faster still
    if b"\\" not in lower or _ANY.search(lower) is None:
        return lower
    return _IN_RAW.sub(_char, lower)


def _char(match: re.Match[bytes]) -> bytes:
    return chr(int(match[1], 16)).encode() if match[1] else b"/"


def has_escapes(text: str) -> bool:
    """Return whether a text may have these escapes."""
    return "\\/" in text or "\\u" in text
