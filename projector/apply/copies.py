"""The lanes that hold an event which was appended more than once: rows of the table `_copies`.

A sweep that has seen any copy of an event reaches it, so the lowest sequence number in each lane is
kept. An event that was appended once has no row here: its own row holds its lane and number.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import apsw

    from projector.apply.state import State
    from projector.fold.sweeps import Copies


class Spot(NamedTuple):
    """One record of an event: rowid of its lane, its sequence number and its order."""

    lane_row: int
    seq: int
    ord: int


_ADD = """
INSERT INTO _copies(session, event_id, lane_row, seq, ord) VALUES(?, ?, ?, ?, ?)
ON CONFLICT(session, event_id, lane_row) DO UPDATE SET seq = excluded.seq, ord = excluded.ord
  WHERE (excluded.seq, excluded.ord) < (seq, ord)
"""


def add_copies(db: apsw.Connection, session: int, id: str, spots: tuple[Spot, Spot]) -> bool:
    """Add two records of one event; return whether a row was added or changed."""
    one, other = spots
    if (one.lane_row, one.seq) == (other.lane_row, other.seq):
        return False
    before = db.total_changes()
    db.executemany(_ADD, [(session, id, *spot) for spot in spots])
    return db.total_changes() > before


def copies_of(db: apsw.Connection, state: State, session: int, id: str) -> Copies:
    """Return the copies of one event."""
    query = "SELECT lane_row, seq FROM _copies WHERE session = ? AND event_id = ?"
    return {state.uuids[lane]: seq for lane, seq in db.execute(query, (session, id))}


def copies_in(db: apsw.Connection, state: State, session: int) -> defaultdict[str, Copies]:
    """Return the copies of every event of a session, by id."""
    found: defaultdict[str, Copies] = defaultdict(dict)
    query = "SELECT event_id, lane_row, seq FROM _copies WHERE session = ?"
    for id, lane, seq in db.execute(query, (session,)):
        found[id][state.uuids[lane]] = seq
    return found


def with_own(copies: Copies, lane: str, seq: int) -> Copies:
    """Return the copies of an event, with that in force, which is in a lane under a number."""
    return copies | {lane: min(seq, copies.get(lane, seq))}
