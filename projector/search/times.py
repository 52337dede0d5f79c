"""Searches of a time: tags of days find the messages, and only some are compared with its bounds.

A message has the tags of its day and of the span of days with it, or one that says that it has no
date of its own. All messages of a day that is of the time as a whole are of it. What has no date,
or is of the same day as a bound, is compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.db.tags import DAY, LAST_SPAN, SPAN, UNDATED, any_of, of_day, of_span
from projector.search.prefixes import words_between

if TYPE_CHECKING:
    import apsw

_SPANS = 400
"""Most spans of a time that are looked for by their tags; a longer one has many messages."""
_MOMENT = "coalesce(e.timestamp, e.time)"

Condition = tuple[str, tuple[str | int, ...]]
"""A condition in SQL, and its bound values."""


@dataclass(frozen=True, slots=True)
class Time:
    """The conditions that a message is of a time.

    Attributes:
        rows: its bounds, as conditions on the rows `e` of `_events`.
        inside: an expression that only the tags of such messages match.
        edges: one that the tags of all other such messages match, and of others, too.
    """

    rows: tuple[Condition, ...]
    inside: str = ""
    edges: str = ""

    @property
    def tags(self) -> str:
        """An expression that the tags of such a message match once; empty if there is none."""
        return any_of(filter(None, (self.inside, self.edges)))


def time_of(
    db: apsw.Connection, since: int | None, until: int | None, *, tagged: bool
) -> Time | None:
    """Return the conditions that a message is of a time; None if it is any time.

    Args:
        db: the projection.
        since: microseconds since 1970, inclusive; None if there is no such bound.
        until: microseconds since 1970, exclusive.
        tagged: whether tags are looked for.

    Raises:
        apsw.Error: the database refuses.
    """
    bounds = ((f"{_MOMENT} >= ?", since), (f"{_MOMENT} < ?", until))
    rows = tuple((text, (bound,)) for text, bound in bounds if bound is not None)
    if not rows:
        return None
    # days with a tag from the first that is inside as a whole up to the one behind the last
    first = 1 if since is None else max(1, -(-since // DAY))
    end = None if until is None else max(1, until // DAY)
    span = 0 if first == 1 else -(-first // SPAN)
    last = LAST_SPAN if end is None else of_span(end // SPAN - 1)
    spans = words_between(db, of_span(span), last, _SPANS + 1) if tagged else []
    if not tagged or len(spans) > _SPANS:
        return Time(rows)
    days = {*range(first, span * SPAN if end is None else min(span * SPAN, end))}
    if end is not None:
        days |= {*range(max(first, end // SPAN * SPAN), end)}
    cut = sorted({bound // DAY for _, (bound,) in rows if bound >= DAY and bound % DAY})
    inside = any_of([*map(of_day, sorted(days)), *spans])
    return Time(rows, inside, any_of([UNDATED, *map(of_day, cut)]))
