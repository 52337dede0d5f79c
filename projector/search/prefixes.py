"""Prefixes, replaced by the words that begin with them.

FTS5 merges the lists of all words with a prefix before it returns the first row: 200 ms for 1.3
million entries. Of words that are joined by OR it reads only as many rows as are needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.search.texts import COLUMNS, text_of
from projector.text.highlight import fold_whole, has
from projector.text.normalize import fold
from projector.text.term import Term

if TYPE_CHECKING:
    import apsw

    from projector.text.highlight import Folded
    from projector.text.query import Query

_SAMPLED = 200
"""Newest messages that show how common a prefix is."""
_DENSE = 0.2
"""Share of the messages with a prefix from which the newest texts are read instead."""
MOST = 400
"""Most words that replace a prefix; a prefix with more words stays a prefix of FTS5."""


@dataclass(frozen=True, slots=True)
class Widened:
    """A query's match in which one prefix is replaced by its words.

    Attributes:
        match: the expression for MATCH.
        at: index of the prefix among the phrases of the query; -1 if there is none. `match` has as
            many phrases before it as the query.
        words: how many words replace it; 0 if there are too many and it stays a prefix.
        either: an expression that matches any of its words, or any of the first `MOST` + 1.
    """

    match: str
    at: int = -1
    words: int = 0
    either: str = ""


def register(db: apsw.Connection) -> None:
    """Make the tables of the words of texts, and of titles, on a connection."""
    for name, index in (("vocabulary", "fts"), ("title_words", "fts_titles")):
        db.execute(
            f"CREATE VIRTUAL TABLE temp.{name} USING fts5vocab('main', '{index}', 'instance')"
        )


class Prefixes:
    """The words of prefixes, read once in a search."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._found: dict[str, list[str]] = {}
        self._texts: list[Folded] | None = None  # of the newest messages

    def narrowed(self, query: Query) -> Query:
        """Return a query without its prefixes of many words that many messages have.

        FTS5 would merge the lists of all these words: a second for one letter and a million
        messages. They are looked for in the texts of the newest messages.
        """
        for phrase in query.phrases:
            if phrase.prefix and len(phrase.words) == 1 and len(self._words(phrase)) > MOST:
                term = Term(phrase.words, prefix=True)
                having = sum(has(text, term) for text in self._newest())
                if having >= _DENSE * len(self._newest()):
                    query = query.unindexed(phrase)
        return query

    def widen(self, query: Query) -> Widened:
        """Replace the first prefix of a single word by its words, if there are not too many."""
        for at, phrase in enumerate(query.phrases):
            if phrase.prefix and len(phrase.words) == 1:
                words = self._words(phrase)
                if not words:
                    continue
                either = " OR ".join(f'"{word}"' for word in words)
                if len(words) > MOST:
                    return Widened(query.match, at, 0, either)
                match = query.match.replace(phrase.match(), f"({either})", 1)
                return Widened(match, at, len(words), either)
        return Widened(query.match)

    def _words(self, phrase: Term) -> list[str]:
        """Return the words with a prefix, at most `MOST` + 1."""
        begin = fold(phrase.words[0])
        if begin not in self._found:
            self._found[begin] = words_between(self._db, begin, f"{begin}\U0010ffff", MOST + 1)
        return self._found[begin]

    def _newest(self) -> list[Folded]:
        """Return the texts of the newest messages."""
        if self._texts is None:
            rows = self._db.execute(
                f"SELECT {COLUMNS} FROM fts_docsize d CROSS JOIN _events e ON e.id = d.id"
                f" ORDER BY d.id DESC LIMIT {_SAMPLED}"
            )
            self._texts = [fold_whole(text_of(row)) for row in rows]
        return self._texts


# each step seeks the next word: a plain scan would read all entries of the present one
_WORDS = """
WITH RECURSIVE words(word) AS (
  SELECT (SELECT term FROM temp.vocabulary WHERE term >= ?1 LIMIT 1)
  UNION ALL
  SELECT (SELECT term FROM temp.vocabulary WHERE term >= word || char(1) LIMIT 1)
  FROM words WHERE word <= ?2
)
SELECT word FROM words WHERE word <= ?2 LIMIT ?3
"""


def words_between(db: apsw.Connection, first: str, last: str, most: int) -> list[str]:
    """Return the words of the index from one to another one, in order, no more than `most`."""
    return [str(word) for (word,) in db.execute(_WORDS, (first, last, most))]
