"""Replays of messages that were found: their texts are not in the index."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from projector.search.filters import Narrowing

_WITH_REPLAYS = """
SELECT e.id, f.home FROM (
  SELECT value AS id, value AS home FROM json_each(?)
  UNION SELECT y.event, x.event FROM _shared x
    JOIN _shared y ON y.line = x.line AND y.words = x.words AND y.home = x.session
    WHERE x.event IN (SELECT value FROM json_each(?))
) f JOIN _events e ON e.id = f.id JOIN _sessions s ON s.id = e.session WHERE true
"""


def with_replays(db: apsw.Connection, rows: Iterable[int], asked: Narrowing) -> dict[int, int]:
    """Return messages that were found and their replays, as far as these meet the conditions.

    Args:
        db: the projection.
        rows: rowids of messages that match.
        asked: the conditions, of which the tags are met.

    Returns:
        For each message its rowid, and that of the message which it repeats, or itself.
    """
    found = json.dumps(list(rows))
    query = f"{_WITH_REPLAYS}{asked.where} ORDER BY f.home, e.id"
    return dict(db.execute(query, (found, found, *asked.values)))
