"""Where the terms of a query are in a text.

They are looked for in the text itself, with the index's notion of equality
(`projector.text.normalize`), because the index keeps no text.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import islice
from typing import Final, NamedTuple

from projector.text.literal import edges, patterns, typed
from projector.text.normalize import LETTER, MARK, fold, is_cjk, lower, normal, normal_spans
from projector.text.term import Term

#: How many characters of a text are looked at; fewer for more than seven terms.
SCANNED: Final = 1_000_000
#: How much more a character costs that the index spells in another way (decomposed, full-width).
RESPELLED_COST: Final = 16

_CHUNK = 16_384  # a text is looked at in pieces, so that an early match is found early
_OVERLAP = 512  # a match across two pieces is found if it is no longer than this
_BEFORE = 64  # a match may not begin in the middle of a word, or a word of marks
_MOST_MATCHES = 2_000  # enough to choose a window; a word of every line needs no more
_MOST_TERMS = 64
_MARKED = re.compile(MARK)
_ASCII_LETTER = re.compile(r"[^\W_]", re.ASCII)
_ASCII_LETTERS = re.compile(r"[^\W_]+", re.ASCII)


# the large class of characters takes milliseconds to compile, which ASCII text does not need
@cache
def _letter() -> re.Pattern[str]:
    return re.compile(LETTER)


@cache
def _letters() -> re.Pattern[str]:
    return re.compile(f"{LETTER}+")


@cache
def _letter_marks() -> re.Pattern[str]:
    return re.compile(f"{LETTER}{MARK}+")


class Match(NamedTuple):
    """A stretch of a text, and the index of the term that is there."""

    start: int
    end: int
    term: int


class Folded(NamedTuple):
    """A text as it is compared: without case, and without and with accents, equally long."""

    plain: str
    accented: str


class _Finder(NamedTuple):
    """What finds a term in folded text: its words, and whether they are bounded by others."""

    words: re.Pattern[str]
    ascii: re.Pattern[str] | None  # finds it in ASCII, bounds included; None: it is not there
    accents: re.Pattern[str] | None  # what the accented text must be there
    from_start: bool  # the first word may not begin inside another one
    to_end: bool  # nor the last one end so
    goes_on: bool  # unless it is a prefix


def find(text: str, terms: tuple[Term, ...]) -> list[Match]:
    """Return where `terms` are in `text`, in order; enough to choose a window, not all."""
    terms = terms[:_MOST_TERMS]
    finders = _finders(terms)
    overlap = max([_OVERLAP, *(2 * len(term.literal) for term in terms)])
    found: list[Match] = []
    seen: set[int] = set()
    start, budget = 0, SCANNED // (1 + len(terms) // 8)
    while (
        start < len(text) and budget > 0 and len(seen) < len(terms) and len(found) < _MOST_MATCHES
    ):
        base = max(start - _BEFORE, 0)
        folded, origin = _folded(text[base : start + _CHUNK + overlap])
        for term, finder in enumerate(finders):
            for span in islice(_spans(folded, finder), _MOST_MATCHES):
                first, last = span if origin is None else _placed(span, origin)
                if start <= base + first < start + _CHUNK:  # the next piece sees the others whole
                    found.append(Match(base + first, base + last, term))
                    seen.add(term)
        start += _CHUNK
        budget -= _CHUNK if origin is None else _CHUNK * RESPELLED_COST
    return sorted(found)


def fold_whole(text: str) -> Folded:
    """Return a whole text as it is compared."""
    return _folded_form(normal(text), None)[0]


def has(text: Folded, term: Term) -> bool:
    """Return whether a term is in a text, in all of it."""
    finder = _finders((term,))[0]
    if _is_plain(text, finder):
        return finder.ascii is not None and finder.ascii.search(text.plain) is not None
    return next(_spans(text, finder), None) is not None


def count(text: Folded, term: Term) -> int:
    """Return how often a term is in a text, at most `_MOST_MATCHES`."""
    finder = _finders((term,))[0]
    if _is_plain(text, finder):
        found = [] if finder.ascii is None else finder.ascii.findall(text.plain)
        return min(len(found), _MOST_MATCHES)
    return sum(1 for _ in islice(_spans(text, finder), _MOST_MATCHES))


def _folded(text: str) -> tuple[Folded, list[int] | None]:
    """Return `text` as it is compared, without marks, and where each character came from."""
    return _folded_form(*normal_spans(text))


def _folded_form(form: str, origin: list[int] | None) -> tuple[Folded, list[int] | None]:
    accented = typed(lower(form))
    plain = typed(fold(form))
    if plain.isascii() or not _MARKED.search(plain):
        return Folded(plain, accented), origin
    kept: list[int] = []
    done = 0
    for match in _letter_marks().finditer(plain):
        kept += range(done, match.start() + 1)
        done = match.end()
    kept += range(done, len(plain) + 1)
    bare = Folded(*("".join([text[place] for place in kept[:-1]]) for text in (plain, accented)))
    return bare, kept if origin is None else [origin[place] for place in kept]


def _is_plain(text: Folded, finder: _Finder) -> bool:
    """Return whether the finder of ASCII finds all that is in a text."""
    return text.accented.isascii() or (finder.accents is None and text.plain.isascii())


def _spans(text: Folded, finder: _Finder) -> Iterator[tuple[int, int]]:
    """Yield where a term is; skip a candidate that begins or ends inside a word."""
    folded = text.plain
    if _is_plain(text, finder):
        if finder.ascii is not None:
            yield from map(re.Match.span, finder.ascii.finditer(folded))
        return
    is_ascii = folded.isascii()
    letter = _ASCII_LETTER if is_ascii else _letter()
    letters = _ASCII_LETTERS if is_ascii else _letters()
    place = 0
    while match := finder.words.search(folded, place):
        start, end = match.span()
        place = start + 1
        if finder.from_start and start and letter.match(folded, start - 1):
            continue
        if finder.accents is not None and not finder.accents.fullmatch(text.accented, start, end):
            continue
        if finder.to_end:
            rest = letters.match(folded, end)
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
    if term.literal:
        plain, accented = patterns(term.literal)
        from_start, to_end = edges(term.literal)
    else:
        parts: list[str] = []
        cjk = [is_cjk(word) for word in term.words]
        for index, word in enumerate(term.words):
            if index:
                # two words of one kind are two words only where something is between them
                parts.append(r"[\W_]+" if cjk[index] == cjk[index - 1] else r"[\W_]*")
            parts.append(re.escape(_MARKED.sub("", fold(word))))
        plain, accented = "".join(parts), ""
        from_start, to_end = not cjk[0], not cjk[-1]
    # behind the first letter: a pattern that begins with a letter is found thirty times as fast
    first, rest = (plain[0], plain[1:]) if from_start else ("", plain)
    start, start_of_ascii = ("(?<![a-z0-9].)", r"(?<![^\W_].)") if from_start else ("", "")
    end = "" if not to_end else r"[^\W_]*" if term.prefix else r"(?![^\W_])"
    is_ascii = plain.isascii() and not accented
    return _Finder(
        re.compile(f"{first}{start}{rest}", re.DOTALL),
        re.compile(f"{first}{start_of_ascii}{rest}{end}", re.ASCII | re.DOTALL)
        if is_ascii
        else None,
        re.compile(accented) if accented else None,
        from_start,
        to_end,
        term.prefix,
    )
