"""The order of the messages in a session, computed again where a message was added out of order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.format.bounds import is_moment
from projector.apply.inherited import note_order
from projector.apply.portion import ROW
from projector.db.kinds import MESSAGE
from projector.db.schema import is_foreign
from projector.fold.messages import GONE, IN_TRANSCRIPT
from projector.fold.order import Dates, Linked, effective_dates, place_all

if TYPE_CHECKING:
    import apsw

    from projector.apply.portion import Portion
    from projector.apply.state import State


APPENDED = """
CASE WHEN original IS NULL THEN timestamp ELSE json_extract(original, '$.timestamp') END
"""
"""The date with which a message was appended."""


def recompute_order(db: apsw.Connection, state: State, portion: Portion) -> None:
    """Order the messages of every marked session again, as far as the portion goes."""
    # the messages of another part's sessions are not shown here
    state.dirty.order -= {session for session in state.dirty.order if is_foreign(session)}
    for session in sorted(state.dirty.order):
        if portion.is_spent():
            return
        if _recompute(db, state, session, portion):
            state.dirty.order.discard(session)


def _recompute(db: apsw.Connection, state: State, session: int, portion: Portion) -> bool:
    """Order the messages of a session; return whether the portion was enough for all of them."""
    found: list[tuple[Any, ...]] = db.execute(
        f"SELECT id, event_id, timestamp, {APPENDED}, time, ord, lane_row, parent,"
        " order_time, order_depth, state FROM _events"
        f" WHERE session = ? AND kind = {MESSAGE} ORDER BY lane_row, seq, transcript_index",
        (session,),
    ).fetchall()
    dates = [
        Dates(own, appended if is_moment(appended) else None, ord, lane_row)
        for _, _, own, appended, _, ord, lane_row, *_ in found
    ]
    linked = [
        Linked(id, date, None if parent == id else parent)
        for (_, id, *_, parent, _, _, _), date in zip(found, effective_dates(dates), strict=True)
    ]
    placed = place_all(linked)
    moved = [
        (*placed[id], row) for row, id, *_, time, depth, _ in found if placed[id] != (time, depth)
    ]
    now = moved[: portion.rows]
    portion.spend(ROW * (1 + len(now)))
    db.executemany("UPDATE _events SET order_time = ?, order_depth = ? WHERE id = ?", now)
    if len(now) < len(moved):
        return False
    missing = {m.parent for m in linked if m.parent is not None and m.parent not in placed}
    if missing != state.missing[session]:
        db.execute("DELETE FROM _missing_parents WHERE session = ?", (session,))
        rows = [(session, parent) for parent in missing]
        db.executemany("INSERT INTO _missing_parents(session, parent) VALUES(?, ?)", rows)
        state.missing[session] = missing
    total = sum(reached < GONE for *_, reached in found)
    shown = [
        appended if own is None else own
        for _, _, own, _, appended, *_, reached in found
        if reached == IN_TRANSCRIPT
    ]
    ahead = max((date.appended or 0 for date in dates if date.is_ahead), default=None)
    db.execute(
        "UPDATE _sessions SET messages = ?, message_total = ?, first = ?, last = ?, ahead = ?"
        " WHERE id = ?",
        (len(shown), total, min(shown, default=None), max(shown, default=None), ahead, session),
    )
    state.set_ahead(session, ahead)
    note_order(state, session)
    return True
