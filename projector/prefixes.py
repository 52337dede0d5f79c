"""Prefixes, replaced by the words that begin so.

FTS5 puts the lists of all words with a prefix together before it gives the first row: 200 ms for
1.3 million entries. Of words that stand side by side it reads only as much as is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import apsw

    from projector.query import Query

MOST = 400
"""Words that stand in for a prefix; with more of them FTS5's own way is taken."""


@dataclass(frozen=True, slots=True)
class Widened:
    """A query's match in which the words stand where one prefix stood.

    Attributes:
        match: the expression for MATCH.
        at: which phrase of the query was replaced; there are no more before it than in the query.
        words: how many words stand for it; 0 if none was replaced.
    """

    match: str
    at: int = 0
    words: int = 0


def register(db: apsw.Connection) -> None:
    """Give a connection the list of the index's words."""
    db.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab('main', 'fts', 'col')")


def widen(db: apsw.Connection, query: Query) -> Widened:
    """Replace the first prefix of a single word by its words, if there are not too many."""
    for at, phrase in enumerate(query.phrases):
        if phrase.prefix and len(phrase.words) == 1:
            words = _words(db, phrase.words[0])
            if not 0 < len(words) <= MOST:
                return Widened(query.match)
            either = " OR ".join(f'"{word}"' for word in words)
            return Widened(query.match.replace(phrase.match(), f"({either})", 1), at, len(words))
    return Widened(query.match)


def _words(db: apsw.Connection, prefix: str) -> list[str]:
    found = db.execute(
        "SELECT term FROM temp.vocabulary WHERE term >= ? AND term < ? AND col = 'text' LIMIT ?",
        (prefix, f"{prefix}\U0010ffff", MOST + 1),
    )
    return [str(word) for (word,) in found]
