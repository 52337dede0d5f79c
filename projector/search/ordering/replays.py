"""Replays of messages that were found: their texts are not in the index."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from projector.search.conditions.narrowing import Narrowing

_REPLAYS = """
SELECT y.event, x.event FROM json_each(?) f CROSS JOIN _shared x ON x.event = f.value
  JOIN _shared y ON y.line = x.line AND y.words = x.words AND y.home = x.session
"""
_MEETING = """
SELECT e.id FROM json_each(?) f CROSS JOIN _events e ON e.id = f.value
  LEFT JOIN _sessions s ON s.id = e.session WHERE true
"""
"""Selects the messages that meet the conditions that follow; sessions are joined if these ask."""


def with_replays(db: apsw.Connection, rows: Iterable[int], asked: Narrowing) -> dict[int, int]:
    """Return messages that were found and their replays, as far as these meet the conditions.

    Args:
        db: the projection.
        rows: rowids of messages that match.
        asked: the conditions, of which the tags are met.

    Returns:
        For each message its rowid, and that of the message which it repeats, or itself.
    """
    found = sorted(rows)
    pairs = [(row, row) for row in found]
    replays = [(int(row), int(home)) for row, home in db.execute(_REPLAYS, (json.dumps(found),))]
    if replays:
        pairs = sorted({*pairs, *replays}, key=lambda pair: (pair[1], pair[0]))
    homes = dict(pairs)
    if asked.where:
        sure = {row for row, home in homes.items() if row == home} if asked.implied else set()
        unsure = json.dumps([row for row in homes if row not in sure])
        meeting = db.execute(f"{_MEETING}{asked.where}", (unsure, *asked.values))
        sure.update(int(row) for (row,) in meeting)
        homes = {row: home for row, home in homes.items() if row in sure}
    return homes
