"""Sessions folded from their own events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from journal.event import SESSION_CREATED, SESSION_ENDED, SESSION_TITLED
from projector.fold import canonical, fold_session
from projector.schema import KINDS

if TYPE_CHECKING:
    import apsw

    from projector.state import State

_OWN = {KINDS[type]: type for type in (SESSION_CREATED, SESSION_TITLED, SESSION_ENDED)}
"""Kinds of events that say something of the session itself."""


def refold_sessions(db: apsw.Connection, state: State) -> None:
    """Fold every marked session anew."""
    for session in sorted(state.dirty.sessions):
        found = db.execute(
            "SELECT kind, time, lane, seq, rest FROM events"
            " WHERE session = ? AND kind <> 1 AND kind IN (?, ?, ?)",
            (session, *_OWN),
        )
        folded = fold_session(
            (state.order(time, lane, seq), _OWN[kind], orjson.loads(rest))
            for kind, time, lane, seq, rest in found
        )
        db.execute(
            "UPDATE sessions SET title = ?, source = ?, model = ?, cwd = ?, parent = ?,"
            " started = ?, ended = ?, end_reason = ?, extra = ? WHERE id = ?",
            (
                folded.title,
                folded.source,
                folded.model,
                folded.cwd,
                folded.parent,
                folded.started,
                folded.ended,
                folded.end_reason,
                canonical(folded.extra).decode() if folded.extra else None,
                session,
            ),
        )
    state.dirty.sessions.clear()
