"""The words that a question is about, each with its forms that the index has."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.search.recall.forms import forms
from projector.search.recall.grammar import is_grammar, language_of
from projector.search.recall.spelling import corrections
from projector.text.normalize import MARK, fold, is_cjk, pairs, units
from projector.text.term import Term

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import apsw

    from projector.text.query import Query

_MARKS = re.compile(MARK)
_MOST = 64
"""Most words of a question that are looked at; a pasted text may have thousands."""
_TRIED = 200_000
"""Words that are tried in the place of misspelt ones, after which no further word is corrected."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word that a question is about.

    Attributes:
        key: in the spelling of the index; two characters of a run of Chinese, Japanese or Korean.
        text: as it was typed.
        forms: its forms in the index, in the spelling of the index, itself first if it is there;
            of a word that the index does not have, what may have been meant. Empty if there are
            none.
        instead: whether the forms are what may have been meant.
    """

    key: str
    text: str
    forms: tuple[str, ...]
    instead: bool = False

    @property
    def match(self) -> str:
        """An expression that matches any of its forms."""
        return " OR ".join(term.match() for term in self.terms)

    @property
    def terms(self) -> tuple[Term, ...]:
        """Its forms, for highlighting."""
        return tuple(Term((form,)) for form in self.forms)


def question_language(query: Query) -> str:
    """Return the language of a question."""
    return language_of(dict(_units(query.terms)))


def wanted(
    db: apsw.Connection, query: Query, language: str, dates: Collection[str]
) -> tuple[Word, ...]:
    """Return the words that a question is about, in the order of the question, each once.

    Grammar words count only where there is nothing else, and so do words of dates.

    Args:
        db: the projection.
        query: the question.
        language: its language.
        dates: its dates of digits, as they are typed.

    Raises:
        apsw.Error: the database refuses.
    """
    typed = dict(_units(query.terms))
    parts = {part for date in dates for part in units(date)}
    content = [
        word for word in typed if word not in parts and not is_grammar(word, language)
    ] or list(typed)
    possible = {
        word: (word,) if is_cjk(word) else forms(word, language) for word in content[:_MOST]
    }
    vocabulary = Vocabulary(db)
    known = vocabulary.known({form for found in possible.values() for form in found})
    words = []
    for word, found in possible.items():
        present = tuple(form for form in found if form in known)
        correct = not present and vocabulary.tried < _TRIED
        meant = corrections(word, vocabulary.known) if correct else ()
        words.append(Word(word, typed[word], present or meant, bool(meant)))
    return tuple(words)


def keys(unit: str) -> list[str]:
    """Return a word in the spelling of the index; of a run of Chinese or such, its pairs."""
    return pairs(unit)[:-1] or [unit] if is_cjk(unit) else [_MARKS.sub("", fold(unit))]


def _units(terms: Iterable[Term]) -> Iterable[tuple[str, str]]:
    """Yield each word in the spelling of the index, and as it was typed."""
    for term in terms:
        for unit in term.words:
            for key in keys(unit):
                yield key, key if is_cjk(unit) else unit


class Vocabulary:
    """The words of the index.

    Attributes:
        tried: how many words it was asked for.
    """

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self.tried = 0

    def known(self, words: Iterable[str]) -> set[str]:
        """Return which words are in the index. Of Chinese, Japanese and Korean, all are returned.

        Raises:
            apsw.Error: the database refuses.
        """
        asked = list(words)
        whole = {word for word in asked if is_cjk(word)}
        return whole | self.present(word for word in asked if word not in whole)

    def present(self, words: Iterable[str]) -> set[str]:
        """Return which words, pairs and characters are in the index, that of titles included.

        Raises:
            apsw.Error: the database refuses.
        """
        asked = list(words)
        self.tried += len(asked)
        found = self._db.execute(_PRESENT, (json.dumps(asked),))
        # a character that is not the last of its run begins a pair
        single = [word for word in asked if is_cjk(word) and len(word) == 1]
        begun = self._db.execute(_BEGUN, (json.dumps(single),))
        return {str(word) for rows in (found, begun) for (word,) in rows}


_PRESENT = """
SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM temp.vocabulary WHERE term = value)
  OR EXISTS (SELECT 1 FROM temp.title_words WHERE term = value)
"""
_BEGUN = """
SELECT value FROM json_each(?) WHERE
  (SELECT substr(term, 1, 1) FROM temp.vocabulary WHERE term >= value LIMIT 1) = value
  OR (SELECT substr(term, 1, 1) FROM temp.title_words WHERE term >= value LIMIT 1) = value
"""
