"""Where a key was appended, when that was more than once: rows of the table `copies`.

A sweep that has seen any copy of a key reaches it, so the lowest number in each lane is kept. A key
that was appended once has no row: its event says where it is.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import apsw

    from projector.apply.state import State
    from projector.fold.sweeps import Copies


class Spot(NamedTuple):
    """One record of a key: number of its lane, its sequence number and its order."""

    lane_row: int
    seq: int
    ord: int


_NOTE = """
INSERT INTO _copies(session, event_id, lane_row, seq, ord) VALUES(?, ?, ?, ?, ?)
ON CONFLICT(session, event_id, lane_row) DO UPDATE SET seq = excluded.seq, ord = excluded.ord
  WHERE (excluded.seq, excluded.ord) < (seq, ord)
"""


def note_copies(db: apsw.Connection, session: int, key: str, spots: tuple[Spot, Spot]) -> bool:
    """Note two records of one key; say whether there is a row that was not there before."""
    one, other = spots
    if (one.lane_row, one.seq) == (other.lane_row, other.seq):
        return False
    before = db.total_changes()
    db.executemany(_NOTE, [(session, key, *spot) for spot in spots])
    return db.total_changes() > before


def copies_of(db: apsw.Connection, state: State, session: int, key: str) -> Copies:
    """Return the rows of one key."""
    query = "SELECT lane_row, seq FROM _copies WHERE session = ? AND event_id = ?"
    return {state.lanes[lane]: seq for lane, seq in db.execute(query, (session, key))}


def copies_in(db: apsw.Connection, state: State, session: int) -> defaultdict[str, Copies]:
    """Return the rows of every key of a session."""
    found: defaultdict[str, Copies] = defaultdict(dict)
    query = "SELECT event_id, lane_row, seq FROM _copies WHERE session = ?"
    for key, lane, seq in db.execute(query, (session,)):
        found[key][state.lanes[lane]] = seq
    return found


def with_own(copies: Copies, lane: str, seq: int) -> Copies:
    """Return where a key was appended, the event that counts for it among them."""
    return copies | {lane: min(seq, copies.get(lane, seq))}
