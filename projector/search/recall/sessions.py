"""What the sessions of messages have of a question, and which messages are side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from projector.db.kinds import MESSAGE
from projector.db.tags import of_session
from projector.search.recall.scoring import session_score

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import apsw

    from projector.search.recall.wanted import Word

_COUNTED = 2_000
"""Most messages with a word that are counted in all these sessions."""
_SAMPLED = 64
"""Messages by whose lengths the length of a session is estimated."""


def side_by_side(db: apsw.Connection, rows: Collection[int]) -> dict[int, list[int]]:
    """Return for each message which of the others is directly before or after it."""
    query = (
        "SELECT e.id, (SELECT n.id FROM _events n WHERE n.session = e.session"
        f" AND n.kind = {MESSAGE} AND (n.order_time, n.order_depth, n.ord) >"
        " (e.order_time, e.order_depth, e.ord)"
        " ORDER BY n.order_time, n.order_depth, n.ord LIMIT 1)"
        " FROM _events e WHERE e.id IN (SELECT value FROM json_each(?))"
    )
    beside: dict[int, list[int]] = {row: [] for row in rows}
    for row, after in db.execute(query, (json.dumps(list(rows)),)):
        if after in beside:
            beside[row].append(after)
            beside[after].append(row)
    return beside


def counted(
    db: apsw.Connection,
    words: Sequence[Word],
    sessions: Sequence[int],
    titles: Mapping[int, int],
) -> dict[int, tuple[int, ...]]:
    """Return for each session how many of its messages have each word; its title counts as one.

    Args:
        db: the projection.
        words: with forms.
        sessions: their rowids.
        titles: for a session a bit for each word that its title has.
    """
    query = (
        "SELECT e.session, count(*) FROM (SELECT rowid FROM fts WHERE fts MATCH ?"
        f" ORDER BY rowid DESC LIMIT {_COUNTED}) f"
        " CROSS JOIN _events e ON e.id = f.rowid GROUP BY e.session"
    )
    tags = " OR ".join(map(of_session, sessions))
    found = [
        dict(db.execute(query, (f"(tags : ({tags})) AND (text : ({word.match}))",)))
        for word in words
    ]
    return {
        session: tuple(
            each.get(session, 0) + (titles.get(session, 0) >> at & 1)
            for at, each in enumerate(found)
        )
        for session in sessions
    }


def session_scores(
    db: apsw.Connection, weights: Sequence[float], counts: Mapping[int, tuple[int, ...]]
) -> dict[int, float]:
    """Return the scores of sessions.

    Args:
        db: the projection.
        weights: of the words.
        counts: as `counted` returns them.
    """
    query = (
        "SELECT id, indexed * (SELECT avg(octet_length(content)) FROM (SELECT content"
        f" FROM _events e WHERE e.session = s.id AND e.kind = {MESSAGE} LIMIT {_SAMPLED}))"
        " FROM _sessions s WHERE id IN (SELECT value FROM json_each(?))"
    )
    found = db.execute(query, (json.dumps(list(counts)),))
    sizes = {int(session): float(size or 1) for session, size in found}
    average = sum(sizes.values()) / max(len(sizes), 1)
    return {
        session: session_score(weights, messages, sizes[session], average)
        for session, messages in counts.items()
    }
