"""What sessions have used, as totals.

A total is exact however large it grows, so it does not depend on the order in which it was added
up. The column `total` holds it up to `MOST`, and that for every larger one; `exact` holds the
digits of a larger one.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from journal.format.event_types import SESSION_DELETED, USAGE_ADDED, USAGE_SET
from projector.apply.told import told
from projector.db.schema import KINDS
from projector.fold.sessions import amounts, fold_usage, since_deletion

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

    from projector.apply.state import State

MOST = 2**63 - 1
"""The largest total that is shown: SQLite has no larger integers. In nanodollars of a cost."""

_PUT = "INSERT OR REPLACE INTO _usage(session, name, total, exact) VALUES(?, ?, ?, ?)"


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
        query = "SELECT 1 FROM _events WHERE session = ? AND kind <> 1 AND kind IN (?, ?)"
        bound = (session, KINDS[USAGE_SET], KINDS[SESSION_DELETED])
        found = state.only_adds[session] = db.execute(query, bound).fetchone() is None
    return found


def refold_usage(db: apsw.Connection, state: State) -> None:
    """Bring the totals up to date: add what came in, and fold marked sessions anew."""
    for session, added in state.used.items():
        if session not in state.dirty.usage:
            before = _exact(db, session)
            totals = {name: before.get(name, 0) + amount for name, amount in added.items()}
            _put(db, session, totals)
    state.used.clear()
    for session in sorted(state.dirty.usage):
        events = told(db, state, session, (USAGE_ADDED, USAGE_SET, SESSION_DELETED))
        db.execute("DELETE FROM _usage WHERE session = ?", (session,))
        _put(db, session, fold_usage(since_deletion(events)))
    state.dirty.usage.clear()
    state.only_adds.clear()


def _exact(db: apsw.Connection, session: int) -> dict[str, int]:
    query = "SELECT name, coalesce(exact, total) FROM _usage WHERE session = ?"
    return {name: int(total) for name, total in db.execute(query, (session,))}


def _put(db: apsw.Connection, session: int, totals: Mapping[str, int]) -> None:
    # added up here and not by SQLite, which makes a float of what passes 64 bits: then the total
    # would depend on the order of what was added
    rows = [
        (session, name, min(total, MOST), str(total) if total > MOST else None)
        for name, total in totals.items()
    ]
    db.executemany(_PUT, rows)
