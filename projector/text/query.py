r"""What a person types into a search box, as an FTS5 expression that is always valid.

Grammar, loosest binding first. Blank space separates items and means nothing else.

    query    = either
    either   = all { "OR" all }
    all      = item { [ "AND" ] item }
    item     = { "NOT" } ( word | phrase | "(" either ")" )
    phrase   = '"' anything but a quote '"' [ "*" ]
    word     = any other characters up to blank space [ "*" ]

- **Words** must all be there, in any order; case and (Latin) diacritics do not matter.
- **Identifiers** are words too: `get_user_name`, `P2.2`, `chat-send`, `path/to/file.py`, `C:\dir`,
  `foo::bar()`, `key=value`, `--force`, `text:x` mean their letters and digits one right after the
  other, any other characters between. So a leading `-` excludes nothing: people look for options,
  and exclude with `NOT`. `+`, `^`, `:`, `{}` and `NEAR` mean nothing special either.
- **Phrases** are between quotes, straight or typographic. A quote that is not closed runs to the
  end; one inside a word belongs to the word.
- **Prefix**: a star after a word or a phrase, also before the closing quote, matches any rest of
  the last word. A star inside a word splits it: `src/*.py` means `src` and `py`, `foo*bar` means
  `foo*` and `bar`. A star that follows no letter or digit means nothing.
- **Chinese, Japanese, Korean** of any length find every place where the characters follow each
  other; a star changes nothing.
- **Operators** are words of their own in upper case. `NOT` binds tightest, then `AND`, written or
  not, then `OR`. `a NOT b` and `a AND NOT b` are the same, in any order. An operator that lacks
  what it joins is a word: `AND gate`, `rock AND`.
- **Parentheses** group where an item can start; inside a word (`f(x)`) they belong to it. One that
  is not closed is closed at the end, one that closes nothing is ignored. Full-width ones count.
- **What cannot be searched** (punctuation, emoji, control characters) drops out, together with the
  operator before it. A query in which nothing is left, one that has only exclusions,
  one of more than `MAX_WORDS` words or with groups deeper than `MAX_DEPTH` is a `QueryError`.

Source of the target language: https://sqlite.org/fts5.html, section 3; that its parser gives up at
about 33 nested parentheses was measured.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from projector.errors import QueryError
from projector.text.normalize import is_cjk, units
from projector.text.query_tree import (
    Item,
    Without,
    all_of,
    either_of,
    leaves,
    negation,
    render,
)
from projector.text.term import Term

#: The most words (a CJK character counts as one) that a query may hold.
MAX_WORDS: Final = 2_000

_HELP = (
    'A query holds words, "phrases", prefix*, AND, OR, NOT and parentheses; '
    "only letters and digits are searched, of any script."
)
_QUOTES = '"\u201c\u201d\u201e\u201f\uff02'
_OPENING, _CLOSING, _STARS = "(\uff08", ")\uff09", "*\uff0a"
_QUOTE = re.compile(f"[{_QUOTES}]")
_STAR = re.compile(f"([{re.escape(_STARS)}])")
_PART = re.compile(f"[^\\s{re.escape(_OPENING + _CLOSING + _QUOTES)}]+")
_OPERATORS = frozenset({"AND", "OR", "NOT"})
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Query:
    """A query that FTS5 accepts.

    Attributes:
        match: The expression for `MATCH`.
        terms: What must or may be there, in the order typed, without repetition: for highlighting.
        phrases: The phrases of `match` as FTS5 numbers them, those that must not be there included.
        text: What was typed; lone surrogates, which no output can hold, as U+FFFD.
        explicit: Whether it has quotes, operators, parentheses or stars: it means what it says.
    """

    match: str
    terms: tuple[Term, ...]
    phrases: tuple[Term, ...]
    text: str
    explicit: bool


@dataclass(slots=True)
class _Group:
    """An open parenthesis: the alternatives read so far."""

    alternatives: list[list[Item]] = field(default_factory=lambda: [[]])
    negated: bool = False

    def add(self, item: Item | None) -> None:
        if item is not None:
            self.alternatives[-1].append(negation(item) if self.negated else item)
        self.negated = False

    def close(self) -> Item | None:
        found = [item for items in self.alternatives if (item := all_of(items)) is not None]
        return either_of(found)


@dataclass(frozen=True, slots=True)
class _Token:
    """One lexical element: `(`, `)`, an operator's name, or `item` for everything else."""

    kind: str
    item: Item | None = None


def parse(query: str) -> Query:
    r"""Turn what a person typed into an FTS5 expression.

    >>> parse("docker-compose (up OR down) NOT 手机壳").match
    '("docker compose" AND ("up" OR "down")) NOT "手机 机壳"'

    Args:
        query: Any string at all.

    Returns:
        The query; its `match` never is an FTS5 syntax error.

    Raises:
        QueryError: Nothing in `query` can be searched, it has only exclusions, or it is too long or
            nested too deeply.
    """
    text = _SURROGATE.sub("\ufffd", query)
    shown = repr(text if len(text) <= 60 else f"{text[:57]}...")  # noqa: PLR2004 - a line's worth
    item = tree(text)
    if item is None:
        raise QueryError(f"nothing to search for in {shown}. {_HELP}")
    if isinstance(item, Without):
        raise QueryError(
            f"{shown} has only exclusions: add a word to find, in each alternative"
            " (wanted NOT unwanted)."
        )
    phrases = tuple(leaves(item, unwanted=True))
    size = sum(term.size for term in phrases)
    if size > MAX_WORDS:
        raise QueryError(
            f"{shown} holds {size:,} words; at most {MAX_WORDS:,} can be searched at once. "
            "Search for a telling part of it."
        )
    terms = tuple(dict.fromkeys(leaves(item)))
    return Query(render(item), terms, phrases, text, _is_explicit(text, terms))


def _is_explicit(text: str, terms: Iterable[Term]) -> bool:
    kinds = {token.kind for token in _resolve(list(_lex(text)))}
    return (
        kinds != {"item"} or _QUOTE.search(text) is not None or any(term.prefix for term in terms)
    )


def tree(query: str) -> Item | None:
    """Return the query as a tree, None if nothing in it can be searched.

    Raises:
        QueryError: The tree would be deeper than `MAX_DEPTH`.
    """
    stack = [_Group()]
    for token in _resolve(list(_lex(query))):
        if token.kind == "(":
            stack.append(_Group())
        elif token.kind == ")":
            group = stack.pop()
            stack[-1].add(group.close())
        elif token.kind == "OR":
            stack[-1].alternatives.append([])
        elif token.kind == "NOT":
            stack[-1].negated = not stack[-1].negated
        elif token.kind == "item":
            stack[-1].add(token.item)
    while len(stack) > 1:
        group = stack.pop()
        stack[-1].add(group.close())
    return stack[0].close()


def _lex(query: str) -> Iterator[_Token]:
    """Yield the elements of a query; parentheses come out balanced but for missing `)`."""
    place, depth = 0, 0
    while place < len(query):
        char = query[place]
        if char.isspace():
            place += 1
        elif char in _QUOTES:
            closing = _QUOTE.search(query, place + 1)
            end = closing.start() if closing else len(query)
            inner, place = query[place + 1 : end], end + 1
            star = query[place : place + 1]
            if star and star in _STARS:
                place += 1
            yield _Token("item", _phrase(inner, starred=bool(star) and star in _STARS))
        elif char in _OPENING:
            depth, place = depth + 1, place + 1
            yield _Token("(")
        elif char in _CLOSING:
            place += 1
            if depth:
                depth -= 1
                yield _Token(")")
        else:
            end = _end_of_word(query, place, grouped=depth > 0)
            word, place = query[place:end], end
            yield _Token(word if word in _OPERATORS else "item", _word(word))


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
            if query[start:place] in _OPERATORS:  # NOT(a OR b)
                break
            inner += char in _OPENING
        part = _PART.match(query, place)
        place = part.end() if part else place + 1
    return place


def _resolve(tokens: list[_Token]) -> Iterator[_Token]:
    """Yield `tokens` with operators that lack an operand turned into words."""
    after_item = False
    for index, token in enumerate(tokens):
        kind = token.kind
        if kind in _OPERATORS:
            following = tokens[index + 1].kind if index + 1 < len(tokens) else ""
            complete = following in {"item", "(", "NOT"} and (after_item or kind == "NOT")
            if not complete:
                kind = "item"
        after_item = kind in {"item", ")"}
        yield token if kind == token.kind else _Token(kind, token.item)


def _word(word: str) -> Item | None:
    """Return the terms of a word, cut at its stars."""
    pieces = _STAR.split(word)
    found = [
        _phrase(piece, starred=index + 1 < len(pieces))
        for index, piece in enumerate(pieces)
        if index % 2 == 0
    ]
    return all_of([term for term in found if term is not None])


def _phrase(text: str, *, starred: bool = False) -> Term | None:
    """Return the words of `text` as one term, None if it has no words."""
    bare = text.rstrip(_STARS)
    words = units(bare)
    if not words:
        return None
    is_starred = starred or bare != text
    return Term(tuple(words), is_starred and not is_cjk(words[-1]) and _ends_in_a_word(bare))


def _ends_in_a_word(text: str) -> bool:
    """Return whether a star behind `text` follows its last word directly and can extend it."""
    return units(f"{text}a")[-1] != "a"
