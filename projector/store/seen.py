"""The field `seen` of a sweep: how far its author had read each lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

_HOLDING = """
SELECT l.uuid, max(found.seq) FROM (
  SELECT lane_row, seq FROM _events WHERE session = (SELECT id FROM _sessions WHERE session = :name)
  UNION ALL
  SELECT lane_row, seq FROM _copies WHERE session = (SELECT id FROM _sessions WHERE session = :name)
) found JOIN _lanes l ON l.id = found.lane_row GROUP BY l.uuid
"""


def seen_in(db: apsw.Connection, session: str) -> dict[str, int]:
    """Return the last sequence number of a session in each lane, in a snapshot."""
    return {str(lane): int(seq) for lane, seq in db.execute(_HOLDING, {"name": session})}


def seen_by_now(
    db: apsw.Connection | None, session: str, ends: Mapping[str, int]
) -> dict[str, int]:
    """Return the last sequence number of a session in each lane, applied or not.

    A lane without events of the session is not named: else each sweep would name all lanes that
    the journal ever had.

    Args:
        db: the projection; None if there is none.
        session: its id.
        ends: the last sequence number of every lane, read before the projection is asked.
    """
    if db is None:
        return dict(ends)
    holding = seen_in(db, session)
    applied = {str(uuid): int(seq) for uuid, seq in db.execute("SELECT uuid, applied FROM _lanes")}
    waiting = {lane: end for lane, end in ends.items() if end > applied.get(lane, 0)}
    # events that the journal lost and the projection still has are swept, too
    return waiting | {lane: max(last, ends.get(lane, 0)) for lane, last in holding.items()}
