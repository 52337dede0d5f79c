"""When messages were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.db.kinds import MESSAGE
from projector.fold.messages import IN_TRANSCRIPT

if TYPE_CHECKING:
    import apsw

HOUR = 3_600_000_000
"""Microseconds of an hour."""


def messages_by_hour(db: apsw.Connection, since: int | None = None) -> dict[int, int]:
    """Return how many messages of transcripts have a date in each hour since 1970.

    It reads all messages. One that forks repeat counts once.

    Args:
        db: the projection.
        since: only messages of this time or later; microseconds since 1970.
    """
    date = "coalesce(e.timestamp, e.time)"
    query = (
        f"SELECT {date} / {HOUR}, count(*) FROM _events e WHERE e.kind = {MESSAGE}"
        f" AND e.state = {IN_TRANSCRIPT} AND (?1 IS NULL OR {date} >= ?1)"
        " AND NOT EXISTS (SELECT 1 FROM _shared x WHERE x.event = e.id AND x.home IS NOT NULL)"
        " GROUP BY 1"
    )
    return {int(hour): int(count) for hour, count in db.execute(query, (since,))}
