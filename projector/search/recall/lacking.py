"""What of a question is missing, in the pieces in which it was typed.

A message is found by words, and by pairs of Chinese, Japanese and Korean characters. A person
typed identifiers, words and runs of characters: these are what is named as missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.search.recall.grammar import is_grammar
from projector.search.recall.wanted import keys as keys_of
from projector.text.normalize import is_cjk, pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from projector.search.recall.wanted import Word
    from projector.text.query import Query
    from projector.text.term import Term

_SIGN = re.compile(r"[!-&(-/:-@\[-`{-~]")
"""A sign of ASCII other than the apostrophe, which words of a sentence have."""
_MOST = 8
"""Most identifiers of a question that are looked for in texts; of further ones the words count."""
_ABBREVIATIONS = frozenset({"a.m", "e.g", "i.e", "p.m"})
"""Words of a sentence that have signs, as they are typed before their last stop."""
_PARTICLES = frozenset(
    "的了吗呢吧啊呀么是在和与及就都也还很把被有我你他她它这那不要会能可让给对从到上下中里个"
    "はがをにのとでもへやかねよなたてだしれるす"
)
"""Characters that say nothing where they are left of a run."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A word with signs, which a text has as it was typed or not at all."""

    term: Term

    def lacks(self, has: Callable[[str], bool], holds: Callable[[Term], bool]) -> Iterator[str]:
        """Yield it if no text holds it; `has` is not asked."""
        del has
        if not holds(self.term):
            yield self.term.literal


@dataclass(frozen=True, slots=True)
class Plain:
    """A word: `key` in the spelling of the index, `text` as it was typed."""

    key: str
    text: str

    def lacks(self, has: Callable[[str], bool], holds: Callable[[Term], bool]) -> Iterator[str]:
        """Yield it if it is not there."""
        del holds
        if not has(self.key):
            yield self.text


@dataclass(frozen=True, slots=True)
class Run:
    """A run of Chinese, Japanese or Korean characters.

    Attributes:
        text: as it was typed.
        asked: its pairs that the question is about.
        dated: how many characters at its beginning belong to a date.
    """

    text: str
    asked: frozenset[str]
    dated: int = 0

    def lacks(self, has: Callable[[str], bool], holds: Callable[[Term], bool]) -> Iterator[str]:
        """Yield what is left of it without the pairs that are there, and without particles."""
        del holds
        there = bytearray(len(self.text))
        there[: self.dated] = b"\1" * self.dated
        lacking = False
        for at, pair in enumerate(pairs(self.text)[:-1] or [self.text]):
            if pair in self.asked and not has(pair):
                lacking = True
            else:
                there[at : at + len(pair)] = b"\1" * len(pair)
        if not lacking:
            return
        left = "".join(" " if known else char for char, known in zip(self.text, there, strict=True))
        for piece in left.split():
            if not _PARTICLES.issuperset(piece):
                yield piece


Part = Identifier | Plain | Run


def parts(
    query: Query, words: Collection[Word], language: str, dates: Collection[str]
) -> tuple[Part, ...]:
    """Return the parts of a question that may be missing, in its order.

    Args:
        query: the question.
        words: what it is about.
        language: its language.
        dates: the words of its dates, in the spelling of the index: they are never missing.
    """
    # beside a date alone, grammar words say nothing
    keys = {
        word.key: word.text
        for word in words
        if word.key not in dates and not (dates and is_grammar(word.key, language))
    }
    of_dates = "".join(filter(is_cjk, dates))
    found: dict[Part, None] = {}
    identifiers = 0
    for term in query.terms:
        own = [key for unit in term.words for key in keys_of(unit)]
        asked = [key for key in own if key in keys]
        if not asked or term.literal.lower() in _ABBREVIATIONS:
            continue
        is_plain = all(is_grammar(key, language) for key in own)  # and/or
        if _SIGN.search(term.literal) and not is_plain and identifiers < _MOST:
            identifiers += 1
            found[Identifier(term)] = None
            continue
        for unit in term.words:
            if is_cjk(unit):
                dated = len(unit) - len(unit.lstrip(of_dates))
                found[Run(unit, frozenset(asked), dated)] = None
            else:
                found |= {Plain(key, keys[key]): None for key in keys_of(unit) if key in asked}
    return tuple(found)


def missing(
    parts: Collection[Part], has: Callable[[str], bool], holds: Callable[[Term], bool]
) -> tuple[str, ...]:
    """Return the parts that are missing, as they were typed, each once.

    Args:
        parts: of a question.
        has: whether a word or pair, in the spelling of the index, is there.
        holds: whether a text holds an identifier.
    """
    return tuple(dict.fromkeys(text for part in parts for text in part.lacks(has, holds)))
