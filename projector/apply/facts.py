"""Events that are no messages: what each of them changes, and what is folded anew for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.event_types import (
    KEY_DELETED,
    KEY_SET,
    SESSION_DELETED,
    SWEEPING,
    USAGE_ADDED,
    USAGE_SET,
)
from projector.apply.keys import put_key, refold_keys
from projector.apply.message_changes import link, mark_changed, refold_changed, unlink
from projector.apply.sessions import OWN, refold_sessions
from projector.apply.totals import add_usage, refold_usage
from projector.db.schema import TYPES
from projector.fold.sweeps import joined, reach

if TYPE_CHECKING:
    from typing import Any

    import apsw

    from projector.apply.arrival import Arrival
    from projector.apply.portion import Portion
    from projector.apply.state import State


def take_in(db: apsw.Connection, state: State, row: int, new: Arrival) -> None:
    """Note what an event changes that has just come in."""
    event, session = new.event, new.session
    if event.type == USAGE_ADDED:
        add_usage(db, state, session, event.data)
    elif event.type in (KEY_SET, KEY_DELETED):
        put_key(db, state, new)
    else:
        swept = state.sweeps.get(session)
        link(db, state, session, row, event.type, event.data)
        touch(state, session, new.kind, event.data)
        if swept is not None and event.type in SWEEPING:
            # to join all sweeps anew for each one that comes would cost the square of their number
            order = state.order(event.order, new.lane_row, new.seq)
            state.sweeps[session] = joined([swept, reach(order, event.data)])
        source = event.data.get("source")
        if event.type in OWN and isinstance(source, str):
            state.named[session] = source  # the messages that come with it need not move later


def touch(state: State, session: int, kind: int, data: dict[str, Any]) -> None:
    """Mark what depends on an event whose order or content changed."""
    type = TYPES.get(kind)
    dirty = state.dirty
    if type is None:
        return
    mark_changed(state, session, type, data)
    if type in OWN:
        dirty.sessions.add(session)
    if type in (USAGE_ADDED, USAGE_SET, SESSION_DELETED):
        dirty.usage.add(session)
    if type in (KEY_SET, KEY_DELETED, SESSION_DELETED):
        dirty.keys.add(session)


def take_back(
    db: apsw.Connection, state: State, session: int, row: int, kind: int, data: dict[str, Any]
) -> None:
    """Undo what an event changed that no longer stands."""
    unlink(db, session, row)
    touch(state, session, kind, data)


def refold(db: apsw.Connection, state: State, portion: Portion) -> None:
    """Fold anew what is marked; of messages as many as the portion lets."""
    refold_changed(db, state, portion)
    refold_sessions(db, state)
    refold_usage(db, state)
    refold_keys(db, state)
