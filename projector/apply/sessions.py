"""Sessions folded from their own events."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from journal.format.event_types import (
    SESSION_CREATED,
    SESSION_DELETED,
    SESSION_ENDED,
    SESSION_ENSURED,
    SESSION_REOPENED,
    SESSION_REVISED,
    SESSION_TITLED,
)
from projector.apply.told import told
from projector.fold.sessions import Session, canonical, fold_session

if TYPE_CHECKING:
    import apsw

    from projector.apply.state import State

OWN = (
    SESSION_CREATED,
    SESSION_ENSURED,
    SESSION_REVISED,
    SESSION_TITLED,
    SESSION_ENDED,
    SESSION_REOPENED,
    SESSION_DELETED,
)
"""Types of events that say something of the session itself."""

_COLUMNS = ", ".join(f"{field.name} = ?" for field in fields(Session))


def refold_sessions(db: apsw.Connection, state: State) -> None:
    """Fold every marked session anew."""
    for session in sorted(state.dirty.sessions):
        folded = fold_session(told(db, state, session, OWN))
        # a session that was never folded has no extra: folded to nothing it must be the same
        said = asdict(folded) | {"extra": folded.extra or None}
        row = [canonical(v).decode() if isinstance(v, dict) else v for v in said.values()]
        db.execute(f"UPDATE _sessions SET {_COLUMNS} WHERE id = ?", (*row, session))
    state.dirty.sessions.clear()
    state.named.clear()
