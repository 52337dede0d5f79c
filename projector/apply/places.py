"""Places of messages in their conversations, computed anew for sessions where they moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.format.bounds import is_moment
from projector.apply.portion import ROW
from projector.db.schema import MESSAGE
from projector.fold.messages import GONE, IN_TRANSCRIPT
from projector.fold.order import Dated, Said, moments, place_all

if TYPE_CHECKING:
    import apsw

    from projector.apply.portion import Portion
    from projector.apply.state import State


_APPENDED = """
CASE WHEN original IS NULL THEN timestamp ELSE json_extract(original, '$.timestamp') END
"""
"""The date with which a message was appended."""


def replace_all(db: apsw.Connection, state: State, portion: Portion) -> None:
    """Place every message of every marked session anew, as far as the portion goes."""
    for session in sorted(state.dirty.places):
        if portion.is_spent():
            return
        if _replace(db, state, session, portion):
            state.dirty.places.discard(session)


def _replace(db: apsw.Connection, state: State, session: int, portion: Portion) -> bool:
    """Place the messages of a session; say if the portion was enough for all that move."""
    found: list[tuple[Any, ...]] = db.execute(
        f"SELECT id, event_id, timestamp, {_APPENDED}, time, ord, lane_row, parent,"
        " order_time, order_depth, state FROM _events"
        f" WHERE session = ? AND kind = {MESSAGE} ORDER BY lane_row, seq, transcript_index",
        (session,),
    ).fetchall()
    dates = [
        Dated(own, appended if is_moment(appended) else None, ord, lane)
        for _, _, own, appended, _, ord, lane, *_ in found
    ]
    said = [
        Said(key, moment, None if parent == key else parent)
        for (_, key, *_, parent, _, _, _), moment in zip(found, moments(dates), strict=True)
    ]
    placed = place_all(said)
    moved = [
        (*placed[key], row)
        for row, key, *_, place, depth, _ in found
        if placed[key] != (place, depth)
    ]
    now = moved[: portion.rows]
    portion.spend(ROW * (1 + len(now)))
    db.executemany("UPDATE _events SET order_time = ?, order_depth = ? WHERE id = ?", now)
    if len(now) < len(moved):
        return False
    missing = {m.parent for m in said if m.parent is not None and m.parent not in placed}
    if missing != state.missing.get(session, set()):
        db.execute("DELETE FROM _missing_parents WHERE session = ?", (session,))
        rows = [(session, parent) for parent in missing]
        db.executemany("INSERT INTO _missing_parents(session, parent) VALUES(?, ?)", rows)
        state.missing[session] = missing
    there = sum(reached < GONE for *_, reached in found)
    shown = [
        time if moment is None else moment
        for _, _, moment, _, time, *_, reached in found
        if reached == IN_TRANSCRIPT
    ]
    ahead = max((date.appended or 0 for date in dates if date.is_ahead), default=None)
    db.execute(
        "UPDATE _sessions SET messages = ?, message_total = ?, first = ?, last = ?, ahead = ?"
        " WHERE id = ?",
        (len(shown), there, min(shown, default=None), max(shown, default=None), ahead, session),
    )
    return True
