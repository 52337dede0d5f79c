"""Finds as many characters of a token in a row as any token has."""

from __future__ import annotations

SHORTEST_RUN = 20
"""Characters in a row that every token has, with its beginning."""

_RUN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_.~-")
_IS_RUN = bytes(0x78 if char in _RUN else 0x20 for char in range(256))
_A_RUN = b"x" * SHORTEST_RUN


def has_run(lower: bytes) -> bool:
    """Return whether there are 20 letters, digits, `_`, `.`, `~` and `-` in a row.

    Args:
        lower: a text in lower case.
    """
    return _A_RUN in lower.translate(_IS_RUN)


def runs(lower: bytes) -> bytes:
    """Return all such runs, each with the character before it, between blanks.

    Args:
        lower: a text in lower case.
    """
    is_run = lower.translate(_IS_RUN)
    find = is_run.find
    begin = find(_A_RUN)
    if begin < 0:
        return b""
    found = []
    while begin >= 0:
        end = find(b" ", begin + SHORTEST_RUN)
        if end < 0:
            end = len(lower)
        found.append(lower[begin - 1 if begin else 0 : end])
        begin = find(_A_RUN, end)
    return b" ".join(found)
