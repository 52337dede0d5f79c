"""The elements of what a person types into a search box (`projector.text.query`)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from projector.text.literal import literal_of_phrase, literal_of_word
from projector.text.normalize import is_cjk, units
from projector.text.query_tree import Item, all_of
from projector.text.term import Term

_QUOTES = '"\u201c\u201d\u201e\u201f\uff02'
_OPENING, _CLOSING, _STARS = "(\uff08", ")\uff09", "*\uff0a"
QUOTE = re.compile(f"[{_QUOTES}]")
_STAR = re.compile(f"([{re.escape(_STARS)}])")
_PART = re.compile(f"[^\\s{re.escape(_OPENING + _CLOSING + _QUOTES)}]+")
_IN_QUOTES = re.compile(f"[{_QUOTES}][^{_QUOTES}]*[{_QUOTES}]?")
_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b50\u2b55]"
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b50\u2b55\ufe0f\u200d]*"
)
_OPERATORS = frozenset({"AND", "OR", "NOT"})
_LONGEST = max(map(len, _OPERATORS))


@dataclass(frozen=True, slots=True)
class Token:
    """One lexical element: `(`, `)`, an operator's name, or `item` for everything else."""

    kind: str
    item: Item | None = None


def _lex(query: str) -> Iterator[Token]:
    """Yield the elements of a query; parentheses come out balanced but for missing `)`."""
    place, depth = 0, 0
    while place < len(query):
        char = query[place]
        if char.isspace():
            place += 1
        elif char in _QUOTES:
            closing = QUOTE.search(query, place + 1)
            end = closing.start() if closing else len(query)
            inner, place = query[place + 1 : end], end + 1
            star = query[place : place + 1]
            if star and star in _STARS:
                place += 1
            yield Token("item", _quoted(inner, starred=bool(star) and star in _STARS))
        elif char in _OPENING:
            depth, place = depth + 1, place + 1
            yield Token("(")
        elif char in _CLOSING:
            place += 1
            if depth:
                depth -= 1
                yield Token(")")
        else:
            end = _end_of_word(query, place, grouped=depth > 0)
            word, place = query[place:end], end
            yield Token(word if word in _OPERATORS else "item", _word(word))


def _end_of_word(query: str, start: int, *, grouped: bool) -> int:
    """Return where the word from `start` ends: blank space or, in a group, the group's `)`."""
    place, inner = start, 0
    while place < len(query) and not query[place].isspace():
        char = query[place]
        if char in _CLOSING:
            if not inner and grouped:
                break
            inner = max(inner - 1, 0)
        elif char in _OPENING or char in _QUOTES:
            if place - start <= _LONGEST and query[start:place] in _OPERATORS:  # NOT(a OR b)
                break
            inner += char in _OPENING
        part = _PART.match(query, place)
        place = part.end() if part else place + 1
    return place


def tokens(query: str) -> Iterator[Token]:
    """Yield the elements of a query; operators that lack an operand are words."""
    tokens = list(_lex(query))
    after_item = False
    for index, token in enumerate(tokens):
        kind = token.kind
        if kind in _OPERATORS:
            following = tokens[index + 1].kind if index + 1 < len(tokens) else ""
            complete = following in {"item", "(", "NOT"} and (after_item or kind == "NOT")
            if not complete:
                kind = "item"
        after_item = kind in {"item", ")"}
        yield token if kind == token.kind else Token(kind, token.item)


def _word(word: str) -> Item | None:
    """Return the terms of a word, cut at its stars."""
    pieces = _STAR.split(word)
    found = [
        _term(piece, literal_of_word(piece), starred=index + 1 < len(pieces))
        for index, piece in enumerate(pieces)
        if index % 2 == 0 and units(piece)
    ]
    return all_of([term for term in found if term is not None])


def _quoted(text: str, *, starred: bool) -> Term | None:
    """Return what is between quotes as one term, None if it is blank."""
    bare = text.rstrip(_STARS)
    return _term(bare, literal_of_phrase(bare), starred=starred or bare != text)


def _term(text: str, literal: str, *, starred: bool) -> Term | None:
    """Return a term, None if it has neither words nor a literal."""
    words = units(text)
    if not words:
        return Term((), literal=literal) if literal else None
    is_prefix = starred and not is_cjk(words[-1]) and _ends_in_a_word(text)
    return Term(tuple(words), is_prefix, literal)


def _ends_in_a_word(text: str) -> bool:
    """Return whether a star behind `text` follows its last word directly and can extend it."""
    return units(f"{text}a")[-1] != "a"


def unsearched(query: str) -> tuple[str, ...]:
    """Return the emoji of a query that are not searched for: they need quotes.

    >>> unsearched('done 🎉 "🚀"')
    ('🎉',)
    """
    words = _IN_QUOTES.sub(" ", query).split()
    dropped = (word for word in words if not (units(word) and literal_of_word(word)))
    return tuple(dict.fromkeys(emoji for word in dropped for emoji in _EMOJI.findall(word)))
