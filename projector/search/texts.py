"""Searches that the index does not answer alone: it finds messages, and their texts decide.

The newest are read first, until there are enough or the time is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from projector.db.columns import Columns, from_columns
from projector.search.ranking import K1, B
from projector.text.document import searched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from projector.search.ordering.order import Scored
    from projector.text.query import Query

SECONDS = 2.0
"""How long a search reads texts."""
_STEP = 64
"""Texts that are read between two looks at the clock."""
COLUMNS = ", ".join(f"e.{name}" for name in Columns._fields)
"""The columns of `_events` that make a text."""

Candidate = tuple[int, float, *tuple[object, ...]]
"""A rowid, the score by the index, and the values of `COLUMNS`."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was found in texts.

    Attributes:
        rows: rowids and scores.
        cut: how many were read when the time was over; None if all in question were.
    """

    rows: list[Scored]
    cut: int | None


def read(candidates: Iterable[Candidate], query: Query, most: int, seconds: float | None) -> Read:
    """Return the messages whose texts hold what is searched for.

    Args:
        candidates: the messages in question, in the order in which they are read.
        query: what is searched for.
        most: how many to return, and one more if there is one.
        seconds: how long texts may be read; None means as long as it takes.

    Raises:
        apsw.Error: the database refuses.
        TextDamaged: a text is not what was written.
    """
    end = None if seconds is None else monotonic() + seconds
    found: list[_Text] = []
    signs = query.signs  # a text without them is not folded, which takes ten times as long
    size, number = 0, 0
    cut = None
    for row, score, *columns in candidates:
        if end is not None and number % _STEP == 0 and monotonic() > end:
            cut = number
            break
        number += 1
        text = text_of(columns)
        size += len(text)
        if not all(sign in text for sign in signs):
            continue
        # what the index has scored is not counted
        count = int(query.holds(text)) if query.match else query.count(text)
        if count:
            found.append(_Text(row, score, 0 if query.match else count, len(text)))
            if len(found) > most:
                break
    average = max(size / max(number, 1), 1.0)
    return Read([(text.row, text.score(average)) for text in found], cut)


def text_of(columns: Iterable[object]) -> str:
    """Return what a message is found by, of its `COLUMNS`.

    Raises:
        TextDamaged: it is not what was written.
    """
    return searched(from_columns(Columns(*columns)))  # type: ignore[arg-type] # as the row has them


@dataclass(frozen=True, slots=True)
class _Text:
    row: int
    indexed: float
    count: int
    size: int

    def score(self, average: float) -> float:
        """Return the score of the index; if there is none, bm25 of what was counted."""
        if not self.count:
            return self.indexed
        norm = K1 * (1 - B + B * self.size / average)
        return (K1 + 1) * self.count / (self.count + norm)
