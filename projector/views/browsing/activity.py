"""When messages were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.views.browsing.block import COUNTED, DATE, bounds
from projector.views.browsing.local_time import QUARTER, local_hours

if TYPE_CHECKING:
    from collections import Counter

    import apsw


def messages_by_hour(db: apsw.Connection, block: int) -> Counter[int]:
    """Return how many messages of transcripts have a date in each local hour.

    One that forks repeat counts once. Hours are counted as `local_time.local_hour` says.

    Args:
        db: the projection.
        block: of sessions.
    """
    query = f"SELECT {DATE} / {QUARTER}, count(*) FROM _events e WHERE {COUNTED} GROUP BY 1"
    return local_hours(db.execute(query, bounds(block)))
