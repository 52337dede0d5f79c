"""When messages were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.views.browsing.block import COUNTED, DATE, bounds

if TYPE_CHECKING:
    import apsw

HOUR = 3_600_000_000
"""Microseconds of an hour."""


def messages_by_hour(db: apsw.Connection, block: int) -> dict[int, int]:
    """Return how many messages of transcripts have a date in each hour since 1970.

    One that forks repeat counts once.

    Args:
        db: the projection.
        block: of sessions.
    """
    query = f"SELECT {DATE} / {HOUR}, count(*) FROM _events e WHERE {COUNTED} GROUP BY 1"
    return {int(hour): int(count) for hour, count in db.execute(query, bounds(block))}
