"""The score of a message for a query: bm25, from numbers that are cheap to read.

FTS5's own `bm25` counts every match of every phrase in the whole index before it ranks the first
row: 40 ms for one common word among a million messages. Here the numbers of each candidate are
read while it is found, and how common a phrase is, is estimated from at most `SAMPLED` matches.

Source of the formula: Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, with
the constants and the floor of https://sqlite.org/fts5.html, section 5.1.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import apsw

    from projector.text.term import Term

SAMPLED = 5_000
"""Most matches of a phrase that are counted; the number of more matches is estimated."""

K1, B = 1.2, 0.75
"""How soon a word that is repeated adds little, and how much the length of a text counts."""
_LEAST = 1e-6
"""The weight of a phrase that more than half of all messages have."""
_TEXT, _TAGS = 0, 1
"""Columns of the full-text table; the text is ranked."""


def register(db: apsw.Connection) -> None:
    """Register `score(fts, size, phrases)` on a connection.

    It returns the bm25 of a row, larger is better. Its arguments are the size of the row, as in
    `fts_docsize`, and the `Phrases` of the query, as `apsw.pyobject`.
    """
    db.register_fts5_function("score", _score)  # type: ignore[arg-type] # as it is called


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases of a match, by their index in it.

    Attributes:
        matches: for each phrase of the query, how many texts have it.
        at: index of the one that is a prefix.
        words: how many words replace it in the match; 0 if it was not replaced.
        tags: how many matches of tags each row has; None if they must be counted.
        corpus: of several databases that are searched together, all of them; None for one.
    """

    matches: tuple[float, ...]
    at: int
    words: int
    tags: int | None
    corpus: Corpus | None = None


@dataclass(frozen=True, slots=True)
class Corpus:
    """What the scores of a query depend on beside the text itself.

    Attributes:
        texts: how many texts are indexed.
        words: how many words they have together.
        matches: for each phrase of the query, how many of them have it.
    """

    texts: int
    words: int
    matches: Mapping[Term, float]

    @classmethod
    def together(cls, several: Sequence[Corpus]) -> Corpus:
        """Return several as one."""
        matches: dict[Term, float] = {}
        for each in several:
            for phrase, count in each.matches.items():
                matches[phrase] = matches.get(phrase, 0.0) + count
        texts = sum(each.texts for each in several)
        return cls(texts, sum(each.words for each in several), matches)

    def of(self, phrases: Sequence[Term]) -> tuple[float, ...]:
        """Return how many texts have each of some phrases of the query."""
        return tuple(self.matches[phrase] for phrase in phrases)


_TOTALS = 1
"""Id of the row of the index with its totals: https://sqlite.org/fts5.html, and fts5_index.c."""


def read_size(db: apsw.Connection) -> tuple[int, int]:
    """Return how many texts are in the index, and how many words these have together.

    Raises:
        apsw.Error: the database refuses.
    """
    block: bytes = db.execute("SELECT block FROM fts_data WHERE id = ?", (_TOTALS,)).get or b""
    numbers = _varints(block)
    return next(numbers, 0), next(numbers, 0)


def _varints(block: bytes) -> Iterator[int]:
    """Yield SQLite's integers of variable length: seven bits a byte, the last one without a mark.

    One of nine bytes has eight bits in the last.
    """
    value = length = 0
    for byte in block:
        length += 1
        if length == _LONGEST:
            value, is_last = value << 8 | byte, True
        else:
            value, is_last = value << 7 | byte & 0x7F, byte < 0x80  # noqa: PLR2004 - the mark
        if is_last:
            yield value
            value = length = 0


_LONGEST = 9
"""Bytes of the longest integer."""


class _Weights:
    """The numbers of a score that are the same for all rows of a query."""

    def __init__(self, api: apsw.FTS5ExtensionApi, phrases: Phrases) -> None:
        corpus = phrases.corpus
        total = api.row_count if corpus is None else corpus.texts
        words = api.column_total_size(_TEXT) if corpus is None else corpus.words
        average = words / total
        self._even, self._uneven = K1 * (1 - B), K1 * B / average if average else 0.0
        self.norms: dict[bytes, float] = {}
        self.tags = phrases.tags
        texts = len(phrases.matches) + (phrases.words - 1 if phrases.words else 0)
        self.tag_phrases = range(texts, api.phrase_count)
        # the weight of a single phrase changes no order
        one = len(phrases.matches) == 1
        weights = [
            (K1 + 1) * (1.0 if one else rarity(matches, total)) for matches in phrases.matches
        ]
        at = 0 if one else phrases.at if phrases.words else None
        self.rest = None if at is None else weights.pop(at)
        # of one phrase nothing is counted but its matches in the text
        self.single = self.rest if one and not phrases.words else None
        self.counted = [
            (n if at is None or n < at else n + phrases.words, weight)
            for n, weight in enumerate(weights)
        ]

    def norm(self, size: bytes, words: int) -> float:
        """Return the length norm of a row with so many words, and cache it by its size."""
        norm = self.norms[size] = self._even + self._uneven * words
        return norm


def _score(api: apsw.FTS5ExtensionApi, size: bytes, phrases: Phrases) -> float:
    weights: _Weights | None = api.aux_data
    if weights is None:
        weights = api.aux_data = _Weights(api, phrases)
    norm = weights.norms.get(size) or weights.norm(size, api.column_size(_TEXT))
    if weights.single is not None:
        count = len(api.phrase_column_offsets(0, _TEXT))
        return weights.single * count / (count + norm)
    score, others = 0.0, 0
    for phrase, weight in weights.counted:
        count = len(api.phrase_column_offsets(phrase, _TEXT))
        if count:
            others += count
            score += weight * count / (count + norm)
    if weights.rest is None:
        return score
    # the words of a prefix are not counted one by one: they have all matches of no other phrase
    others += weights.tags if weights.tags is not None else _count_tags(api, weights.tag_phrases)
    count = api.inst_count - others
    return score + weights.rest * count / (count + norm)


def _count_tags(api: apsw.FTS5ExtensionApi, phrases: range) -> int:
    return sum(len(api.phrase_column_offsets(phrase, _TAGS)) for phrase in phrases)


def rarity(matches: float, total: int) -> float:
    """Return the weight (idf) of a phrase that `matches` of `total` messages have."""
    if matches >= total:
        return _LEAST
    return max(log((total - matches + 0.5) / (matches + 0.5)), _LEAST)


def count_matches(db: apsw.Connection, match: str) -> float:
    """Return how many rows match an expression: counted up to `SAMPLED`, else estimated.

    The newest are counted; their density since the oldest of them is applied to all rows.

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
