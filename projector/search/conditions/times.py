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
_PLAIN = 10_000
"""Fewest messages of a time in a row that are looked for by their rowids instead of their tags."""
_LONG = 4
"""Spans from which on a time is long enough for that."""
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
        plain: rowids of the first and the last of the newest messages that `inside` matches,
            without another one between them; None if these are too few to look for them apart.
    """

    rows: tuple[Condition, ...]
    inside: str = ""
    edges: str = ""
    plain: tuple[int, int] | None = None

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
    plain = None
    if len(spans) >= _LONG:
        cut_spans = {day // SPAN for day in days}
        # days outside of it, in spans that are not inside as a whole; and all spans beside these
        days_out = {day for it in cut_spans for day in range(it * SPAN, it * SPAN + SPAN)} - days
        begin = min(cut_spans | {span})
        before = words_between(db, of_span(0), of_span(begin - 1), _SPANS) if begin else []
        after = [] if end is None else words_between(db, of_span(end // SPAN), LAST_SPAN, _SPANS)
        after = [each for each in after if each not in map(of_span, cut_spans)]
        if len(before) < _SPANS and len(after) < _SPANS:
            outside = [UNDATED, *map(of_day, sorted(days_out)), *before, *after]
            plain = _plain(db, inside, any_of(outside))
    return Time(rows, inside, any_of([UNDATED, *map(of_day, cut)]), plain)


def _plain(db: apsw.Connection, inside: str, outside: str) -> tuple[int, int] | None:
    """Return what `Time.plain` is, for expressions that each message matches one of."""
    newest, oldest = (_end(db, inside, way) for way in ("DESC", "ASC"))
    if newest is None or oldest is None or newest - oldest < _PLAIN:
        return None
    other = db.execute(
        "SELECT rowid FROM fts WHERE fts MATCH ? AND rowid BETWEEN ? AND ?"
        " ORDER BY rowid DESC LIMIT 1",
        (f"tags : ({outside})", oldest, newest),
    ).get
    first = oldest if other is None else int(other) + 1
    return (first, newest) if newest - first >= _PLAIN else None


def _end(db: apsw.Connection, match: str, way: str) -> int | None:
    """Return the rowid of the first message with tags, in the order of rowids or against it."""
    query = f"SELECT rowid FROM fts WHERE fts MATCH ? ORDER BY rowid {way} LIMIT 1"
    row = db.execute(query, (f"tags : ({match})",)).get
    return None if row is None else int(row)
