"""What sessions have used, as totals."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from journal.vocabulary import SESSION_DELETED, USAGE_ADDED, USAGE_SET
from projector.fold import amounts, fold_usage, since_deletion
from projector.schema import KINDS
from projector.told import told

if TYPE_CHECKING:
    import apsw

    from projector.state import State

_ADD = """
INSERT INTO usage(session, name, total) VALUES(?, ?, ?)
ON CONFLICT(session, name) DO UPDATE SET total = total + excluded.total
"""


def add_usage(db: apsw.Connection, state: State, session: int, data: dict[str, Any]) -> None:
    """Count a `usage.added` that has just come in."""
    if session in state.dirty.usage:
        return
    if _only_adds(db, state, session):
        # a sum needs no look at what it was the sum of
        state.used.setdefault(session, Counter()).update(amounts(data))
    else:
        state.dirty.usage.add(session)


def _only_adds(db: apsw.Connection, state: State, session: int) -> bool:
    found = state.only_adds.get(session)
    if found is None:
        query = "SELECT 1 FROM events WHERE session = ? AND kind <> 1 AND kind IN (?, ?)"
        bound = (session, KINDS[USAGE_SET], KINDS[SESSION_DELETED])
        found = state.only_adds[session] = db.execute(query, bound).fetchone() is None
    return found


def refold_usage(db: apsw.Connection, state: State) -> None:
    """Bring the totals up to date: add what came in, and fold marked sessions anew."""
    for session, added in state.used.items():
        if session not in state.dirty.usage:
            db.executemany(_ADD, [(session, name, amount) for name, amount in added.items()])
    state.used.clear()
    for session in sorted(state.dirty.usage):
        events = told(db, state, session, (USAGE_ADDED, USAGE_SET, SESSION_DELETED))
        totals = fold_usage(since_deletion(events))
        db.execute("DELETE FROM usage WHERE session = ?", (session,))
        db.executemany(_ADD, [(session, name, total) for name, total in totals.items()])
    state.dirty.usage.clear()
    state.only_adds.clear()
