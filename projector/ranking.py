"""How well a message fits a query: bm25, computed where its numbers are cheap to get.

FTS5's own `bm25` counts every match of every phrase in the whole index before it ranks the first
row: 40 ms for one common word among a million messages. Here the numbers of each candidate are
taken while it is found, and how common a phrase is among at most `SAMPLED` matches.

Source of the formula: Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, with
the constants and the floor of https://sqlite.org/fts5.html, section 5.1.1.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

SAMPLED = 5_000
"""Matches of a phrase that are counted; how many there are of a more common one is estimated."""

_K1, _B = 1.2, 0.75
_LEAST = 1e-6
"""Of a phrase that more than half of all messages have."""
_TEXT = 0
"""Column of the full-text table that is ranked; the other holds tags."""


def register(db: apsw.Connection) -> None:
    """Make `numbers(fts, phrases, at, words, tags)` and `totals(fts)` known to a connection."""
    db.register_fts5_function("numbers", _numbers)
    db.register_fts5_function("totals", _totals)


def _numbers(api: apsw.FTS5ExtensionApi, *given: apsw.SQLiteValue) -> str:
    """Return a row's length in words, and how often each phrase of the query stands in it.

    Args:
        api: the row.
        given: how many phrases the query has, which of them is replaced by single words, how
            many words replace it (0 if none is replaced), and how many tags are matched.
    """
    length = api.column_size(_TEXT)
    count, first, more, tags = cast("tuple[int, int, int, int]", given)
    if count == 1 and not more:
        return f"{length} {len(api.phrase_column_offsets(0, _TEXT))}"
    if not more:
        found = [len(api.phrase_column_offsets(n, _TEXT)) for n in range(count)]
    else:  # one by one the words would take too long: they have what the others have not
        found = [
            len(api.phrase_column_offsets(n if n < first else n + more - 1, _TEXT))
            if n != first
            else 0
            for n in range(count)
        ]
        found[first] = api.inst_count - sum(found) - tags
    return f"{length} {' '.join(map(str, found))}"


def _totals(api: apsw.FTS5ExtensionApi, *_: object) -> str:
    """Return how many words all texts have, and how many texts there are."""
    return f"{api.column_total_size(_TEXT)} {api.row_count}"


def scores(numbers: Sequence[str], average: float, rarities: Sequence[float]) -> list[float]:
    """Return the scores of rows; larger is better.

    Args:
        numbers: what `numbers` says of each.
        average: words of an average text, as `totals(fts)` tells.
        rarities: of each phrase, as `rarity` gives it.
    """
    found = []
    even, uneven = _K1 * (1 - _B), _K1 * _B / average if average else 0.0
    for line in numbers:
        length, *counts = map(int, line.split())
        norm = even + uneven * length
        score = 0.0
        for rare, count in zip(rarities, counts, strict=True):
            if count:
                score += rare * count / (count + norm)
        found.append(score * (_K1 + 1))
    return found


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
    newest: int = db.execute("SELECT max(id) FROM events").get
    return float(count * newest / (newest - oldest + 1))
