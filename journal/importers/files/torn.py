"""Whole objects on a line that is no JSON: a write was torn, or a newline was lost.

A program that dies in a write leaves the beginning of an object, and the next write follows on the
same line. A complete object ends with its closing brace, and can be found from the beginning of the
line or from its end. Each byte is read a bounded number of times.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.importers.files.decode import BadLine, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from journal.importers.parsing.values import Json

_MARKS = re.compile(rb'[{}"]')
_OPEN, _QUOTE = b'{"'
_OBJECT = b'{"'
_PASSES = 8
"""How often each byte between two torn objects is read, on average."""
_BLANK = b" \t\r\n\0"
"""Bytes that may be beside an object and belong to no other: a torn write can leave zeros."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a line that is no JSON.

    Attributes:
        objects: the bytes of each whole object, in order.
        torn: bytes that belong to none of them.
    """

    objects: list[bytes]
    torn: int


def parts_of(raw: bytes, is_line: Callable[[Json], bool]) -> Parts:
    """Take a line that is no JSON apart.

    Args:
        raw: the line.
        is_line: returns whether a value is a whole line of the format. It decides about an object
            that could also be a part of a torn one.
    """
    front = list(_from_front(raw))
    begin = front[-1][1] if front else 0
    back = list(_from_back(raw, begin, is_line))[::-1]
    end = back[0][0] if back else len(raw)
    found = [*front, *_from_middle(raw, begin, end, is_line), *back]
    at = torn = 0
    for begin, end in [*found, (len(raw), len(raw))]:
        torn += len(raw[at:begin].strip(_BLANK))
        at = end
    return Parts([raw[begin:end] for begin, end in found], torn)


def _from_front(raw: bytes) -> Iterator[tuple[int, int]]:
    """Yield the ranges of objects, one after the other from the line's beginning."""
    begin = depth = end = 0
    within = False
    for mark in _MARKS.finditer(raw):
        at = mark.start()
        if raw[at] == _QUOTE:
            within ^= not _is_escaped(raw, at)
        elif within:
            continue
        elif raw[at] == _OPEN:
            if depth == 0:
                if raw[end:at].strip(_BLANK):
                    return
                begin = at
            depth += 1
        else:
            depth -= 1
            if depth < 0:
                return
            if depth == 0:
                end = at + 1
                if not _is_json(raw[begin:end]):
                    return
                yield begin, end


def _from_back(
    raw: bytes, start: int, is_line: Callable[[Json], bool]
) -> Iterator[tuple[int, int]]:
    """Yield the ranges of objects, one before the other from the line's end."""
    size = len(raw)
    depth, end, begin, within = 0, size, size, False
    for mark in _MARKS.finditer(raw[start:][::-1]):
        at = size - 1 - mark.start()
        if raw[at] == _QUOTE:
            within ^= not _is_escaped(raw, at)
        elif within:
            continue
        elif raw[at] == _OPEN:
            depth -= 1
            if depth < 0:
                return
            if depth == 0:
                begin = at
                if not _is_own_line(raw, start, begin, end, is_line):
                    return
                yield begin, end
        else:
            if depth == 0:
                end = at + 1
                if raw[end:begin].strip(_BLANK):
                    return
            depth += 1


def _from_middle(
    raw: bytes, start: int, end: int, is_line: Callable[[Json], bool]
) -> Iterator[tuple[int, int]]:
    """Yield the ranges of objects between two torn ones: only objects that can only be lines."""
    left = _PASSES * len(raw)
    at = raw.find(_OBJECT, start, end)
    while at >= 0 and left > 0:
        first = next(_from_front(raw[at:end]), None)
        size = end - at if first is None else first[1]
        left -= size
        is_found = first is not None and is_line(decode(raw[at : at + size])[0])
        if is_found:
            yield at, at + size
        at = raw.find(_OBJECT, at + (size if is_found else 1), end)


def _is_own_line(
    raw: bytes, start: int, begin: int, end: int, is_line: Callable[[Json], bool]
) -> bool:
    """Return whether an object is a line of its own, and no part of a torn one."""
    try:
        value, _ = decode(raw[begin:end])
    except BadLine:
        return False
    before = begin - 1
    while before >= start and raw[before] in _BLANK:
        before -= 1
    return before < start or raw[before] not in b":,[" or is_line(value)


def _is_escaped(raw: bytes, at: int) -> bool:
    """Return whether a quote follows an odd number of backslashes."""
    first = at
    while first and raw[first - 1] == 0x5C:  # noqa: PLR2004 - a backslash
        first -= 1
    return (at - first) % 2 == 1


def _is_json(raw: bytes) -> bool:
    try:
        decode(raw)
    except BadLine:
        return False
    return True
