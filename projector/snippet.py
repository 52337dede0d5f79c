r"""The part of a text that shows best why it was found.

Matches are looked for in the text itself, with the index's notion of equality (`projector.text`),
because the index keeps no text. The window shown is the one with the most different terms, then
the most matches, then the earliest. It is moved to word boundaries, never cuts a character from
the marks that follow it, and comes back on one line: blank space and control characters (also the
escapes of coloured terminal output) become one space.
"""

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from projector.boolean import Term
from projector.text import CJK, LETTER, MARK, fold, is_cjk, normal_spans

#: How many characters of a text are looked at; fewer for more than seven terms.
SCANNED: Final = 1_000_000
#: How much more a character costs that the index spells in another way (decomposed, full-width).
RESPELLED_COST: Final = 16

_ELLIPSIS = "\u2026"
_CHUNK = 16_384  # a text is looked at in pieces, so that an early match is found early
_OVERLAP = 512  # a match across two pieces is found if it is no longer than this
_BEFORE = 64  # a match may not begin in the middle of a word, or a word of marks
_MOST_MATCHES = 2_000  # enough to choose a window; a word of every line needs no more
_MOST_TERMS = 64
_NEARBY = 1_000  # how far to look for something other than blanks beyond the window
_WORD_SLACK = 24  # how far an end of the window moves to find a word boundary
_BLANK = r"\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
_BLANKS = re.compile(f"[{_BLANK}]+")
_SOLID = re.compile(f"[^{_BLANK}]")
_TWO_BLANKS = re.compile(f"[{_BLANK}]{{2}}")
_UNEVEN = re.compile(rf"[{_BLANK}]{{2}}|[^\S ]|[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Blanks that are not one space already."""
_SHOWN = re.compile(f"{_BLANKS.pattern}|.", re.DOTALL)
"""A character as it is shown: blank space of any length is one."""
_MARKED = re.compile(MARK)
_LETTER = re.compile(LETTER)
_LETTERS = re.compile(f"{LETTER}+")
_LETTER_MARKS = re.compile(f"{LETTER}{MARK}+")
_WORD = re.compile(r"\w")
_CJK = re.compile(CJK)
_JOINER = "\u200d"
# joiners, skin tones, vowels and finals of Hangul, half-width voicing marks
_JOINS = re.compile("[\u200d\U0001f3fb-\U0001f3ff\u1160-\u11ff\uff9e\uff9f]")
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]")


class _Match(NamedTuple):
    start: int
    end: int
    term: int


class _Finder(NamedTuple):
    """What finds a term in folded text: its words, and whether they are bounded by others."""

    words: re.Pattern[str]
    from_start: bool  # the first word may not begin inside another one
    to_end: bool  # nor the last one end so
    goes_on: bool  # unless it is a prefix


def snippet(
    text: str, terms: Iterable[Term], *, width: int = 160, open: str = "**", close: str = "**"
) -> str:
    """Return the part of `text` with the best matches of `terms`, the matches marked.

    Args:
        text: The text as it was written, of any length; about the first `SCANNED` count.
        terms: What to mark, as a `Query` holds it.
        width: The most characters of `text` to show, marks and ellipses not counted; at least 1.
        open: What to put before a match.
        close: What to put after a match.

    Returns:
        One line. If nothing matches, the head of the text, nothing marked.
    """
    matches = _find(text, tuple(terms)[:_MOST_TERMS])
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


def _line(text: str) -> str:
    return _BLANKS.sub(" ", text) if _UNEVEN.search(text) else text


def _find(text: str, terms: tuple[Term, ...]) -> list[_Match]:
    """Return where `terms` are in `text`, in order; enough to choose a window, not all."""
    found: list[_Match] = []
    seen: set[int] = set()
    start, budget = 0, SCANNED // (1 + len(terms) // 8)
    while (
        start < len(text) and budget > 0 and len(seen) < len(terms) and len(found) < _MOST_MATCHES
    ):
        base = max(start - _BEFORE, 0)
        folded, origin = _folded(text[base : start + _CHUNK + _OVERLAP])
        for term, finder in enumerate(_finders(terms)):
            for span in islice(_spans(folded, finder), _MOST_MATCHES):
                first, last = span if origin is None else _placed(span, origin)
                if start <= base + first < start + _CHUNK:  # the next piece sees the others whole
                    found.append(_Match(base + first, base + last, term))
                    seen.add(term)
        start += _CHUNK
        budget -= _CHUNK if origin is None else _CHUNK * RESPELLED_COST
    return sorted(found)


def _folded(text: str) -> tuple[str, list[int] | None]:
    """Return `text` as it is compared, without marks, and where each character came from."""
    form, origin = normal_spans(text)
    form = fold(form)
    if form.isascii() or not _MARKED.search(form):
        return form, origin
    kept: list[int] = []
    done = 0
    for match in _LETTER_MARKS.finditer(form):
        kept += range(done, match.start() + 1)
        done = match.end()
    kept += range(done, len(form) + 1)
    bare = "".join([form[place] for place in kept[:-1]])
    return bare, kept if origin is None else [origin[place] for place in kept]


def _spans(folded: str, finder: _Finder) -> Iterator[tuple[int, int]]:
    """Yield where a term is; a candidate that begins or ends inside a word is none."""
    place = 0
    while match := finder.words.search(folded, place):
        start, end = match.span()
        place = start + 1
        if finder.from_start and start and _LETTER.match(folded, start - 1):
            continue
        if finder.to_end:
            rest = _LETTERS.match(folded, end)
            whole = rest.end() if rest else end
            if whole != end and not finder.goes_on:
                continue
            end = whole
        place = end
        yield start, end


def _placed(span: tuple[int, int], origin: list[int]) -> tuple[int, int]:
    """Return the span in the text as written of a span in its normal form."""
    start, end = span
    while end < len(origin) - 1 and origin[end] == origin[end - 1]:
        end += 1  # one character written became several; it is marked whole
    return origin[start], origin[end]


@lru_cache(maxsize=256)
def _finders(terms: tuple[Term, ...]) -> tuple[_Finder, ...]:
    return tuple(map(_finder, terms))


def _finder(term: Term) -> _Finder:
    parts: list[str] = []
    cjk = [is_cjk(word) for word in term.words]
    for index, word in enumerate(term.words):
        if index:
            # two words of one kind are only two because something stands between them
            parts.append(r"[\W_]+" if cjk[index] == cjk[index - 1] else r"[\W_]*")
        parts.append(re.escape(_MARKED.sub("", fold(word))))
    return _Finder(re.compile("".join(parts)), not cjk[0], not cjk[-1], term.prefix)


def _window(text: str, matches: Sequence[_Match], width: int) -> tuple[int, int]:
    """Return where the part to show starts and ends."""
    if not matches:
        start = blank.end() if (blank := _BLANKS.match(text)) else 0
        end = _forward(text, start, width)[0]
        return start, _end_at_word(text, min(start + 1, end), end)
    first, last = _best(matches, width)
    start, end = first.start, min(last.end, _forward(text, first.start, width)[0])
    room = max(width - len(_line(text[start:end])), 0)
    after, left = _forward(text, end, room - room // 3)
    before, left = _backward(text, start, room // 3 + left)
    after, _ = _forward(text, after, left)
    return _start_at_word(text, before, start), _end_at_word(text, end, after)


def _best(matches: Sequence[_Match], width: int) -> tuple[_Match, _Match]:
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


def _merged(
    text: str, matches: Sequence[_Match], start: int, end: int
) -> Iterator[tuple[int, int]]:
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
    return re.compile(f"(?:{_SHOWN.pattern}){{0,{count}}}", re.DOTALL)


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
    """Tell whether a cut at `place` would go through a word."""
    if not 0 < place < len(text):
        return False
    if _glued(text, place):
        return True
    before, after = text[place - 1], text[place]
    return bool(_WORD.match(before) and _WORD.match(after)) and not (
        _CJK.match(before) or _CJK.match(after)
    )


def _glued(text: str, place: int) -> bool:
    """Tell whether the characters round `place` are drawn as one."""
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
