"""How well a message fits a query: bm25, computed where its numbers are cheap to get.

FTS5's own `bm25` counts every match of every phrase in the whole index before it ranks the first
row: 40 ms for one common word among a million messages. Here the numbers of each candidate are
taken while it is found, and how common a phrase is among at most `SAMPLED` matches.

Source of the formula: Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, with
the constants and the floor of https://sqlite.org/fts5.html, section 5.1.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import apsw

SAMPLED = 5_000
"""Matches of a phrase that are counted; how many there are of a more common one is estimated."""

_K1, _B = 1.2, 0.75
_LEAST = 1e-6
"""Of a phrase that more than half of all messages have."""
_TEXT = 0
"""Column of the full-text table that is ranked; the other holds tags."""


def register(db: apsw.Connection) -> None:
    """Make `score(fts, size, phrases)` known to a connection.

    It returns the bm25 of a row, larger is better. Its arguments are the size of the row, as in
    `fts_docsize`, and the `Phrases` of the query, as `apsw.pyobject`.
    """
    db.register_fts5_function("score", _score)


@dataclass(frozen=True, slots=True)
class Phrases:
    """What tells the phrases of a match apart, to weigh and to count them.

    Attributes:
        matches: of each phrase of the query, how many texts have it.
        at: which of them is a prefix.
        words: how many words stand for it; 0 if none do, and it stands itself.
        tags: phrases of the match that are tags, one of which each row has.
    """

    matches: tuple[float, ...]
    at: int
    words: int
    tags: int


class _Weights:
    """What of a score is the same for all rows of a query."""

    def __init__(self, api: apsw.FTS5ExtensionApi, phrases: Phrases) -> None:
        total = api.row_count
        average = api.column_total_size(_TEXT) / total
        self._even, self._uneven = _K1 * (1 - _B), _K1 * _B / average if average else 0.0
        self.norms: dict[bytes, float] = {}
        self.tags = phrases.tags
        # what weighs all alike need not be known
        one = len(phrases.matches) == 1
        weights = [
            (_K1 + 1) * (1.0 if one else rarity(matches, total)) for matches in phrases.matches
        ]
        at = 0 if one else phrases.at if phrases.words else None
        self.rest = None if at is None else weights.pop(at)
        self.counted = [
            (n if at is None or n < at else n + phrases.words, weight)
            for n, weight in enumerate(weights)
        ]

    def norm(self, size: bytes, words: int) -> float:
        """Return what the counts of a row of so many words are measured by, and remember it."""
        norm = self.norms[size] = self._even + self._uneven * words
        return norm


def _score(api: apsw.FTS5ExtensionApi, *given: apsw.SQLiteValue) -> float:
    weights: _Weights | None = api.aux_data
    size, phrases = cast("tuple[bytes, Phrases]", given)
    if weights is None:
        weights = api.aux_data = _Weights(api, phrases)
    norm = weights.norms.get(size) or weights.norm(size, api.column_size(_TEXT))
    score, others = 0.0, weights.tags
    for phrase, weight in weights.counted:
        count = len(api.phrase_column_offsets(phrase, _TEXT))
        if count:
            others += count
            score += weight * count / (count + norm)
    if weights.rest is None:
        return score
    # one by one, the words of a prefix would take too long: they have what the others have not
    count = api.inst_count - others
    return score + weights.rest * count / (count + norm)


def rarity(matches: float, total: int) -> float:
    """Return the weight of a phrase that so many of all messages have (its idf)."""
    if matches >= total:
        return _LEAST
    return max(log((total - matches + 0.5) / (matches + 0.5)), _LEAST)


def count_matches(db: apsw.Connection, match: str) -> float:
    """Return how many rows match an expression: counted up to `SAMPLED`, else estimated.

    The newest are counted: so many of all the rows from the oldest of them on.

    Raises:
        apsw.Error: the database refuses.
    """
    count, oldest = db.execute(
        "SELECT count(*), min(rowid) FROM"
        " (SELECT rowid FROM fts WHERE fts MATCH ? ORDER BY rowid DESC LIMIT ?)",
        (match, SAMPLED),
    ).fetchone() or (0, None)
    if oldest is None or count < SAMPLED:
        return float(count)
    newest: int = db.execute("SELECT max(id) FROM _events").get
    return float(count * newest / (newest - oldest + 1))
