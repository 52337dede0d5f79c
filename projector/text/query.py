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
  `foo::bar()`, `key=value`, `--force`, `text:x`, `C++` are found as they are
  (`projector.text.literal`). So a leading `-` excludes nothing: people look for options,
  and exclude with `NOT`. `+`, `^`, `:`, `{}` and `NEAR` mean nothing special either.
- **Phrases** are between quotes, straight or typographic. A quote that is not closed runs to the
  end; one inside a word belongs to the word. A phrase with signs or accents is found as it is, also
  one of nothing but signs; of any other one the words follow each other, whatever is between.
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
- **What cannot be searched** outside of quotes (punctuation, emoji, control characters) drops out,
  together with the operator before it. A query in which nothing is left, one that has only
  exclusions, one of more than `MAX_WORDS` words or with groups deeper than `MAX_DEPTH` is a
  `QueryError`.

Source of the target language: https://sqlite.org/fts5.html, section 3; that its parser gives up at
about 33 nested parentheses was measured.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from journal.process.fork import no_fork
from projector.errors import QueryError
from projector.text.highlight import Folded, Match, count, find, fold_whole, has
from projector.text.literal import signs_of
from projector.text.normalize import is_cjk, units
from projector.text.query_tree import (
    All,
    Either,
    Item,
    Node,
    Without,
    all_of,
    either_of,
    has_unwanted,
    leaves,
    negation,
    relaxed,
    render,
    unindexed,
    unmatched,
)
from projector.text.term import Term
from projector.text.tokens import QUOTE, tokens

if TYPE_CHECKING:
    from projector.text.pattern import Pattern

#: The most words (a CJK character counts as one) that a query may hold.
MAX_WORDS: Final = 2_000

_HELP = (
    'A query holds words, "phrases", prefix*, AND, OR, NOT and parentheses; '
    "without quotes, only letters and digits are searched, of any script."
)
_SHOWN = 60
"""Characters of a query that errors show: a line's worth."""
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Query:
    """A query that FTS5 accepts.

    Attributes:
        match: The expression for `MATCH`; empty if nothing narrows the texts down.
        terms: What must or may be there, in the order typed, without repetition: for highlighting.
        phrases: The phrases of `match` as FTS5 numbers them, those that must not be there included.
        text: What was typed; lone surrogates, which no output can hold, as U+FFFD.
        explicit: Whether it has quotes, operators, parentheses or stars: it means what it says.
        wanted: What is searched for; of a pattern the words that it needs, None if none is certain.
        check: What a text with a match must hold; None if the match is enough.
        pattern: A regular expression that a text must match; None if there is none.
    """

    match: str
    terms: tuple[Term, ...]
    phrases: tuple[Term, ...]
    text: str
    explicit: bool
    wanted: Node | None
    check: Node | None = None
    pattern: "Pattern | None" = None

    @property
    def reads(self) -> bool:
        """Whether texts must be looked at: the index does not answer it alone."""
        return self.check is not None or self.pattern is not None

    @property
    def has_cjk(self) -> bool:
        """Whether a word is Chinese, Japanese or Korean."""
        return any(is_cjk(word) for term in self.terms for word in term.words)

    @property
    def excludes(self) -> bool:
        """Whether something must not be there."""
        return self.wanted is not None and has_unwanted(self.wanted)

    @property
    def signs(self) -> frozenset[str]:
        """Signs that each text has that holds what is searched for; empty if none is certain."""
        terms = self.check.wanted if isinstance(self.check, All) else (self.check,)
        found = (signs_of(term.literal) for term in terms if isinstance(term, Term))
        return frozenset().union(*found)

    def holds(self, text: str) -> bool:
        """Return whether a text that the match finds is one that is searched for."""
        if self.pattern is not None:
            return self.pattern.holds(text)
        return self.check is None or _holds(self.check, fold_whole(text))

    def find(self, text: str) -> list[Match]:
        """Return what is marked in a text."""
        return find(text, self.terms) if self.pattern is None else self.pattern.find(text)

    def count(self, text: str) -> int:
        """Return how often a text has what is searched for; 0 if it is not one of these texts."""
        if self.pattern is not None:
            return (len(self.pattern.find(text)) or 1) if self.pattern.holds(text) else 0
        folded = fold_whole(text)
        if self.check is not None and not _holds(self.check, folded):
            return 0
        return sum(count(folded, term) for term in self.terms) or 1

    def by_words(self) -> "Query":
        """Return the query in which words alone count, and no signs; itself if nothing is left."""
        node = None if self.wanted is None else relaxed(self.wanted)
        return self if node is None else _query(node, self.text, explicit=self.explicit)

    def unindexed(self, prefix: Term) -> "Query":
        """Return the query in which a prefix is looked for in the texts, not in the index."""
        if self.wanted is None:
            return self
        node = unindexed(self.wanted, prefix.words)
        return replace(_query(node, self.text, explicit=self.explicit), pattern=self.pattern)


def _holds(node: Node, text: Folded) -> bool:
    if isinstance(node, Either):
        return any(_holds(each, text) for each in node.choices)
    if isinstance(node, All):
        return all(_holds(each, text) for each in node.wanted) and not any(
            _holds(each, text) for each in node.unwanted
        )
    return has(text, node)


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
    shown = repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}...")
    item = tree(text)
    if item is None:
        quoted = f'"{text}"'
        is_found = '"' not in text and tree(quoted) is not None
        hint = (
            f" (in quotes it is searched: '{quoted}')" if is_found and len(text) <= _SHOWN else ""
        )
        raise QueryError(f"nothing to search for in {shown}{hint}. {_HELP}")
    if isinstance(item, Without):
        raise QueryError(
            f"{shown} has only exclusions: add a word to find, in each alternative"
            " (wanted NOT unwanted)."
        )
    size = sum(term.size for term in leaves(item, unwanted=True))
    if size > MAX_WORDS:
        raise QueryError(
            f"{shown} holds {size:,} words; at most {MAX_WORDS:,} can be searched at once. "
            "Search for a telling part of it."
        )
    return _query(item, text, explicit=_is_explicit(text, leaves(item)))


def parse_literal(text: str) -> Query:
    """Return the query for a text as it is typed, which may be anything.

    Raises:
        QueryError: It is blank.
    """
    text = _SURROGATE.sub("\ufffd", text)
    words = units(text)
    term = Term(tuple(words), literal=" ".join(text.split()))
    if not term.literal:
        raise QueryError("nothing to search for: the text is blank.")
    return _query(term, text, explicit=True)


def parse_pattern(text: str) -> Query:
    """Return the query for a regular expression of RE2.

    Raises:
        QueryError: It is none, or the package `google-re2` is missing.
    """
    with no_fork.turn:
        from projector.text.pattern import compile_pattern, required  # noqa: PLC0415 - few use it

    text = _SURROGATE.sub("\ufffd", text)
    pattern = compile_pattern(text)
    node = required(text)
    if node is None:
        return Query("", (), (), text, explicit=True, wanted=None, pattern=pattern)
    return replace(_query(node, text, explicit=True), terms=(), pattern=pattern)


def _query(node: Node, text: str, *, explicit: bool) -> Query:
    match = relaxed(node)
    terms = tuple(dict.fromkeys(leaves(node)))
    phrases = () if match is None else tuple(leaves(match, unwanted=True))
    found = "" if match is None else render(match)
    return Query(found, terms, phrases, text, explicit, node, unmatched(node, match))


def _is_explicit(text: str, terms: Iterable[Term]) -> bool:
    kinds = {token.kind for token in tokens(text)}
    return kinds != {"item"} or QUOTE.search(text) is not None or any(term.prefix for term in terms)


def tree(query: str) -> Item | None:
    """Return the query as a tree, None if nothing in it can be searched.

    Raises:
        QueryError: The tree would be deeper than `MAX_DEPTH`.
    """
    stack = [_Group()]
    for token in tokens(query):
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
