r"""The part of a text that shows best why it was found.

The window shown is the one with the most different terms, then the most matches, then the
earliest. It is moved to word boundaries, never cuts a character from the marks that follow it, and
comes back on one line: blank space and control characters (also the escapes of coloured terminal
output) become one space.
"""

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from projector.text.highlight import Match, find
from projector.text.normalize import is_cjk
from projector.text.term import Term

WIDTH = 160
"""Characters of the text that a snippet shows, unless a caller asks for another number."""

_ELLIPSIS = "\u2026"
_NEARBY = 1_000  # how far to look for something other than blanks beyond the window
_WORD_SLACK = 24  # how far an end of the window moves to find a word boundary
_BLANK = r"\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
_BLANKS = re.compile(f"[{_BLANK}]+")
_SOLID = re.compile(f"[^{_BLANK}]")
_TWO_BLANKS = re.compile(f"[{_BLANK}]{{2}}")
_UNEVEN = re.compile(rf"[{_BLANK}]{{2}}|[^\S ]|[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Blanks that are not one space already."""
_SHOWN = re.compile(f"{_BLANKS.pattern}+|[^{_BLANK}]")
"""A character as it is shown: blank space of any length is one."""
_WORD = re.compile(r"\w")
_BETWEEN = re.compile(r"\W", re.ASCII)
_LAST_BETWEEN = re.compile(r".*\W", re.ASCII | re.DOTALL)
_JOINER = "\u200d"
# joiners, skin tones, vowels and finals of Hangul, half-width voicing marks
_JOINS = re.compile("[\u200d\U0001f3fb-\U0001f3ff\u1160-\u11ff\uff9e\uff9f]")
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]")


def snippet(
    text: str, terms: Iterable[Term], *, width: int = WIDTH, open: str = "**", close: str = "**"
) -> str:
    """Return the part of `text` with the best matches of `terms`, the matches marked.

    Args:
        text: The text as it was written, of any length; about the first
            `projector.text.highlight.SCANNED` characters count.
        terms: What to mark, as a `Query` holds it.
        width: The most characters of `text` to show, marks and ellipses not counted; at least 1.
        open: What to put before a match.
        close: What to put after a match.

    Returns:
        One line. If nothing matches, the head of the text, nothing marked.
    """
    return excerpt(text, find(text, tuple(terms)), width=width, open=open, close=close)


def excerpt(
    text: str, matches: Sequence[Match], *, width: int = WIDTH, open: str = "**", close: str = "**"
) -> str:
    """Return the part of `text` with the best matches, as `snippet` does; they are in order."""
    start, end = _window(text, matches, max(width, 1))
    pieces: list[str] = []
    place = start
    for first, last in _merged(text, matches, start, end):
        pieces += (_line(text[place:first]), open, _line(text[first:last]), close)
        place = last
    pieces.append(_line(text[place:end]).rstrip())
    pieces[0] = pieces[0].lstrip()
    before = _ELLIPSIS if _SOLID.search(text, max(start - _NEARBY, 0), start) else ""
    after = _ELLIPSIS if _SOLID.search(text, end, end + _NEARBY) else ""
    return f"{before}{''.join(pieces)}{after}"


def _is_plain(text: str) -> bool:
    """Return whether a text of ASCII has no blanks but single spaces."""
    return text.isprintable() and "  " not in text


def _line(text: str) -> str:
    if text.isascii() and _is_plain(text):  # most are: this takes a tenth of the time
        return text
    return _BLANKS.sub(" ", text) if _UNEVEN.search(text) else text


def _window(text: str, matches: Sequence[Match], width: int) -> tuple[int, int]:
    """Return where the part to show starts and ends."""
    if not matches:
        start = blank.end() if (blank := _BLANKS.match(text)) else 0
        end = _forward(text, start, width)[0]
        return start, _end_at_word(text, min(start + 1, end), end)
    first, last = _best(matches, width)
    start = first.start
    reach = text[max(start - width - 1, 0) : start + 2 * width + 1]
    if reach.isascii() and (_is_plain(reach) or not _TWO_BLANKS.search(reach)):
        return _plain_window(text, start, last.end, width)
    return _any_window(text, start, last.end, width)


def _any_window(text: str, start: int, end: int, width: int) -> tuple[int, int]:
    """Return the window around what is between two places."""
    end = min(end, _forward(text, start, width)[0])
    room = max(width - len(_line(text[start:end])), 0)
    after, left = _forward(text, end, room - room // 3)
    before, left = _backward(text, start, room // 3 + left)
    after, _ = _forward(text, after, left)
    return _start_at_word(text, before, start), _end_at_word(text, end, after)


def _plain_window(text: str, start: int, end: int, width: int) -> tuple[int, int]:
    """Return what `_any_window` does, of ASCII text of which each character is shown.

    It takes a quarter of the time.
    """
    end = min(end, start + width)
    room = width - (end - start)
    after = min(end + room - room // 3, len(text))
    before = max(start - (room - (after - end)), 0)
    after = min(after + room - (after - end) - (start - before), len(text))
    if _is_within_word(text, before):
        gap = _BETWEEN.search(text, before, min(before + _WORD_SLACK, start) + 1)
        before = gap.start() if gap else before
    if _is_within_word(text, after):
        gap = _LAST_BETWEEN.match(text, max(after - _WORD_SLACK, end) - 1, after)
        after = gap.end() if gap else after
    return before, after


def _is_within_word(text: str, place: int) -> bool:
    """Return whether a cut at `place` of ASCII text would go through a word."""
    return (
        0 < place < len(text)
        and _BETWEEN.match(text, place) is None
        and _BETWEEN.match(text, place - 1) is None
    )


def _best(matches: Sequence[Match], width: int) -> tuple[Match, Match]:
    """Return the first and the last match of the best window."""
    best, score = (matches[0], matches[0]), (0, 0)
    within: Counter[int] = Counter()
    low = 0
    for high, match in enumerate(matches):
        within[match.term] += 1
        while low < high and match.end - matches[low].start > width:
            within[matches[low].term] -= 1
            low += 1
        reached = (sum(1 for count in within.values() if count), high - low)
        if reached > score:
            best, score = (matches[low], match), reached
    return best


def _merged(text: str, matches: Sequence[Match], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the spans to mark between `start` and `end`; matches that touch are one."""
    open_span: tuple[int, int] | None = None
    for match in matches[bisect_left(matches, start, key=lambda match: match.start) :]:
        if match.start >= end:
            break
        last = min(match.end, end)
        while last < end and _glued(text, last):
            last += 1
        if open_span and match.start <= open_span[1]:
            open_span = (open_span[0], max(open_span[1], last))
            continue
        if open_span:
            yield open_span
        open_span = (match.start, last)
    if open_span:
        yield open_span


def _forward(text: str, place: int, room: int) -> tuple[int, int]:
    """Return the place `room` shown characters on, and the room left at the end of the text."""
    reach = place + max(room, 0)
    if not _TWO_BLANKS.search(text, place, reach + 1):  # each character is shown
        end = min(reach, len(text))
        return end, 0 if end < len(text) else room - (end - place)
    found = _shown(max(room, 0)).match(text, place)
    end = found.end() if found else place
    return end, 0 if end < len(text) else room - len(_SHOWN.findall(text, place))


@lru_cache(maxsize=512)
def _shown(count: int) -> re.Pattern[str]:
    """Return the pattern of so many characters as they are shown, or fewer at the end."""
    return re.compile(f"(?:{_SHOWN.pattern}){{0,{count}}}+")


def _backward(text: str, place: int, room: int) -> tuple[int, int]:
    """Return the place `room` shown characters back, and the room left."""
    reach = text[max(place - 4 * room - _NEARBY, 0) : place][::-1]
    steps, left = _forward(reach, 0, room)
    return place - steps, left


def _start_at_word(text: str, start: int, limit: int) -> int:
    """Return the nearest start of a word from `start` on, `start` if none is near."""
    for place in range(start, min(start + _WORD_SLACK, limit) + 1):
        if not _inside_word(text, place):
            return place
    while start < limit and _glued(text, start):
        start += 1
    return start


def _end_at_word(text: str, limit: int, end: int) -> int:
    """Return the nearest end of a word from `end` back to `limit`, `end` if none is near."""
    for place in range(end, max(end - _WORD_SLACK, limit) - 1, -1):
        if not _inside_word(text, place):
            return place
    place = end
    while place > limit and _glued(text, place):
        place -= 1
    while place < end + _WORD_SLACK and _glued(text, place):  # no room: rather wider than broken
        place += 1
    return place


def _inside_word(text: str, place: int) -> bool:
    """Return whether a cut at `place` would go through a word."""
    if not 0 < place < len(text):
        return False
    if _glued(text, place):
        return True
    before, after = text[place - 1], text[place]
    return bool(_WORD.match(before) and _WORD.match(after)) and not (
        is_cjk(before) or is_cjk(after)
    )


def _glued(text: str, place: int) -> bool:
    """Return whether the characters round `place` are drawn as one."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if before.isascii() and after.isascii():
        return False
    return (
        unicodedata.category(after).startswith("M")
        or _JOINS.match(after) is not None
        or before == _JOINER
        or (_FLAG.match(before) is not None and _FLAG.match(after) is not None)
    )
