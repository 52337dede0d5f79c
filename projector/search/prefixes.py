"""Prefixes, replaced by the words that begin so.

FTS5 puts the lists of all words with a prefix together before it gives the first row: 200 ms for
1.3 million entries. Of words that stand side by side it reads only as much as is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.text.normalize import fold

if TYPE_CHECKING:
    import apsw

    from projector.text.query import Query

MOST = 400
"""Words that stand in for a prefix; with more of them FTS5's own way is taken."""


@dataclass(frozen=True, slots=True)
class Widened:
    """A query's match in which the words stand where one prefix stood.

    Attributes:
        match: the expression for MATCH.
        at: which phrase of the query is that prefix; -1 if none is. There are no more before it
            in `match` than in the query.
        words: how many words stand for it; 0 if there are too many, and it stands as it stood.
        either: the expression that one of them, or of the first `MOST` + 1, is there.
    """

    match: str
    at: int = -1
    words: int = 0
    either: str = ""


def register(db: apsw.Connection) -> None:
    """Give a connection the list of the index's words."""
    db.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab('main', 'fts', 'instance')")


def widen(db: apsw.Connection, query: Query) -> Widened:
    """Replace the first prefix of a single word by its words, if there are not too many."""
    for at, phrase in enumerate(query.phrases):
        if phrase.prefix and len(phrase.words) == 1:
            words = _words(db, phrase.words[0])
            if not words:
                continue
            either = " OR ".join(f'"{word}"' for word in words)
            if len(words) > MOST:
                return Widened(query.match, at, 0, either)
            match = query.match.replace(phrase.match(), f"({either})", 1)
            return Widened(match, at, len(words), either)
    return Widened(query.match)


# to step to the next word of the list is to read through all texts that have this one
_WORDS = """
WITH RECURSIVE words(word) AS (
  SELECT (SELECT term FROM temp.vocabulary WHERE term >= ?1 LIMIT 1)
  UNION ALL
  SELECT (SELECT term FROM temp.vocabulary WHERE term >= word || char(1) LIMIT 1)
  FROM words WHERE word < ?2
)
SELECT word FROM words WHERE word < ?2 LIMIT ?3
"""


def _words(db: apsw.Connection, prefix: str) -> list[str]:
    """Return the words that begin so, one more than `MOST` if there are more."""
    begin = fold(prefix)
    found = db.execute(_WORDS, (begin, f"{begin}\U0010ffff", MOST + 1))
    return [str(word) for (word,) in found]
