"""The order of messages that were found."""

from __future__ import annotations

from collections import Counter
from heapq import nlargest
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from projector.search.ordering.databases import Databases

Sort = Literal["relevance", "newest", "oldest"]
Group = Literal["session"]
Scored = tuple[int, float]
"""A message that matches: its rowid and its score."""


def ordered(dbs: Databases, found: list[Scored], sort: Sort, count: int) -> list[Scored]:
    """Return messages in the order that is asked for.

    Args:
        dbs: the projection.
        found: the messages.
        sort: by their scores, or by their dates.
        count: how many are needed; others may be left out.

    Raises:
        apsw.Error: the database refuses.
    """
    if sort == "relevance":
        return best_first(dbs, found, count)
    places = _places(dbs, [row for row, _ in found])
    names = _names(dbs, places)
    return sorted(
        found,
        key=lambda hit: (places[hit[0]], names.get(hit[0], _FIRST)),
        reverse=sort == "newest",
    )


_WEIGHED = 100
"""Most messages that are weighed by who wrote them: those with the highest scores."""
_PERSON, _MACHINE = 1.2, 0.7
"""The weights of what a person typed, and of outputs of tools and what machines wrote; else 1."""
_SPOKEN = ("user", "assistant")


def weighed(dbs: Databases, found: list[Scored], count: int) -> list[Scored]:
    """Return messages with their scores weighed by who wrote them: first people, last tools.

    Of many, the best `_WEIGHED` are weighed and stay before the others.

    Args:
        dbs: the projection.
        found: rowids and scores.
        count: how many are needed; if these are no more than `_WEIGHED`, others may be left out.

    Raises:
        apsw.Error: the database refuses.
    """
    best = needed = found
    if len(found) > _WEIGHED:
        least = nlargest(_WEIGHED, [score for _, score in found])[-1]
        best = [hit for hit in found if hit[1] >= least]
        # the others with the score of the last may say the same, and are counted
        needed = found if count > _WEIGHED else best
        if len(best) > _WEIGHED:  # of the least the newest are kept
            best = best_first(dbs, best, len(best))[:_WEIGHED]
    query = (
        "SELECT id, role, role = 'user' AND instr(other_fields, '\"meta\":') FROM _events"
        " WHERE id IN (SELECT value FROM json_each(?))"
    )
    weights = {
        row: _MACHINE if meta or role not in _SPOKEN else _PERSON if role == "user" else 1.0
        for row, role, meta in dbs.select(query, (row for row, _ in best))
    }
    shown = [(row, score * weights[row]) for row, score in best]
    if len(found) <= _WEIGHED:
        return shown
    lowest = min(score for _, score in shown)
    above = max(least / lowest, 1.0) if lowest else 1.0
    rest = [hit for hit in needed if hit[0] not in weights]
    return [(row, score * above) for row, score in shown] + rest


def grouped(dbs: Databases, rows: list[int]) -> dict[int, int]:
    """Return the first message of each session, and how many others of its session there are.

    Args:
        dbs: the projection.
        rows: rowids of messages.

    Raises:
        apsw.Error: the database refuses.
    """
    sessions: dict[int, int] = dict(sessions_of(dbs, rows))
    counts = Counter(sessions[row] for row in rows)
    first = {sessions[row]: row for row in reversed(rows)}
    return {row: counts[sessions[row]] - 1 for row in rows if first[sessions[row]] == row}


def sessions_of(dbs: Databases, rows: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield messages, each with a number of its session, in the order of their numbers.

    Raises:
        apsw.Error: the database refuses.
    """
    query = "SELECT id, session FROM _events WHERE id IN (SELECT value FROM json_each(?))"
    for row, session in dbs.select(query, rows):
        yield row, dbs.name(session, row % len(dbs.all))


def best_first(dbs: Databases, found: list[Scored], count: int) -> list[Scored]:
    """Return the messages with the highest scores; of equal scores, the newest first.

    Args:
        dbs: the projection.
        found: rowids and scores.
        count: how many to return; more if several have the same score as the last of them.

    Raises:
        apsw.Error: the database refuses.
    """
    if len(found) > count:
        least = nlargest(count, [score for _, score in found])[-1]
        found = [hit for hit in found if hit[1] >= least]
    tied = Counter(score for _, score in found)
    places = _places(dbs, [row for row, score in found if tied[score] > 1])
    names = _names(dbs, places)
    return sorted(
        found, key=lambda hit: (-hit[1], -places.get(hit[0], 0), names.get(hit[0], _FIRST))
    )


def _places(dbs: Databases, rows: list[int]) -> dict[int, int]:
    """Return the dates of messages."""
    query = (
        "SELECT id, coalesce(timestamp, time) FROM _events"
        " WHERE id IN (SELECT value FROM json_each(?))"
    )
    return dict(dbs.select(query, rows))


_Name = tuple[int, int, str, str]
_FIRST: _Name = (0, 0, "", "")


def _names(dbs: Databases, times: dict[int, int]) -> dict[int, _Name]:
    """Return the sort keys of rows with the same time: a rowid depends on the order of applying."""
    at = Counter(times.values())
    tied = [row for row, time in times.items() if at[time] > 1]
    query = (
        "SELECT e.id, order_time, order_depth, s.session, event_id FROM _events e"
        " JOIN _sessions s ON s.id = e.session WHERE e.id IN (SELECT value FROM json_each(?))"
    )
    found = dbs.select(query, tied)
    return {row: (time, depth, session, id) for row, time, depth, session, id in found}
