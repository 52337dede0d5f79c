"""Key-values, the last writer's in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from journal.format.event_types import KEY_DELETED, KEY_SET, SESSION_DELETED
from projector.apply.told import told
from projector.fold.sessions import MISSING, Told, fold_keys, since_deletion

if TYPE_CHECKING:
    import apsw

    from projector.apply.arrival import Arrival
    from projector.apply.state import State
    from projector.fold.sweeps import Order

_PUT = """
INSERT OR REPLACE INTO _keys(session, key, value, ord, lane_row, seq) VALUES(?, ?, ?, ?, ?, ?)
"""


def put_key(db: apsw.Connection, state: State, new: Arrival) -> None:
    """Bring a key's event into force that has just come in, if it is the last."""
    session, event = new.session, new.event
    if session in state.changing:  # a deletion of the session may be later
        state.dirty.keys.add(session)
        return
    order = state.order(event.order, new.lane_row, new.seq)
    folded = fold_keys([Told(order, event.type, event.data, event.time, {})])
    for key, (order, value) in folded.items():
        query = "SELECT ord, lane_row, seq FROM _keys WHERE session = ? AND key = ?"
        old = db.execute(query, (session, key)).fetchone()
        if old is not None and state.order(*old) == order:
            state.dirty.keys.add(session)  # one number given twice: both events are looked at
        elif old is None or state.order(*old) < order:
            db.execute(_PUT, _row(state, session, key, order, value))


def refold_keys(db: apsw.Connection, state: State) -> None:
    """Fold the keys of every marked session anew."""
    for session in sorted(state.dirty.keys):
        events = told(db, state, session, (KEY_SET, KEY_DELETED, SESSION_DELETED))
        folded = fold_keys(since_deletion(events))
        db.execute("DELETE FROM _keys WHERE session = ?", (session,))
        rows = [_row(state, session, key, *last) for key, last in folded.items()]
        db.executemany(_PUT, rows)
    state.dirty.keys.clear()


def _row(
    state: State,
    session: int,
    key: str,
    order: Order,
    value: object,
) -> tuple[int | str | None, ...]:
    ord, lane, seq = order
    encoded = None if value is MISSING else orjson.dumps(value).decode()
    return session, key, encoded, ord, state.lane(lane), seq
