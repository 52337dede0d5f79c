"""Blocks of sessions: what is counted of all messages is counted block by block.

A block is short to read, so no snapshot is held for long; and after a change only the blocks of the
sessions with new events are counted again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.db.kinds import MESSAGE
from projector.fold.messages import IN_TRANSCRIPT

if TYPE_CHECKING:
    import apsw

SIZE = 64
"""Sessions of a block, by their rowids: block 0 has the rowids 0 to 63."""

COUNTED = (
    f"e.kind = {MESSAGE} AND e.session BETWEEN ?1 AND ?2 AND e.state = {IN_TRANSCRIPT}"
    " AND NOT EXISTS (SELECT 1 FROM _shared x WHERE x.event = e.id AND x.home IS NOT NULL)"
)
"""Condition on a row `e` of `_events`: a message of a transcript in a block, whose first and last
rowids are bound; what forks repeat counts once."""
DATE = "coalesce(e.timestamp, e.time)"
"""The date of a message, for a row `e` of `_events`; microseconds since 1970."""


def bounds(block: int) -> tuple[int, int]:
    """Return the first and the last rowid of a block's sessions."""
    return block * SIZE, block * SIZE + SIZE - 1


def all_blocks(db: apsw.Connection) -> range:
    """Return the numbers of the blocks."""
    last = db.execute("SELECT max(id) FROM _sessions").get
    return range(0 if last is None else int(last) // SIZE + 1)


def last_event(db: apsw.Connection) -> int:
    """Return the rowid of the event that was applied last; 0 if there is none."""
    return int(db.execute("SELECT max(id) FROM _events").get or 0)


def changed_blocks(db: apsw.Connection, after: int) -> set[int]:
    """Return the blocks of the sessions with events behind a rowid."""
    query = f"SELECT DISTINCT session / {SIZE} FROM _events WHERE id > ?"
    return {int(block) for (block,) in db.execute(query, (after,))}
