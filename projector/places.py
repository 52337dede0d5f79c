"""Places of messages in their conversations, computed anew for sessions where they moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projector.effects import GONE, IN_TRANSCRIPT
from projector.placing import Said, place_all
from projector.portion import ROW
from projector.schema import MESSAGE

if TYPE_CHECKING:
    import apsw

    from projector.portion import Portion
    from projector.state import State


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
        "SELECT id, key, said, time, parent, place, depth, state FROM events"  # noqa: S608 - a constant
        f" WHERE session = ? AND kind = {MESSAGE}",
        (session,),
    ).fetchall()
    said = [
        Said(key, time if moment is None else moment, None if parent == key else parent)
        for _, key, moment, time, parent, *_ in found
    ]
    placed = place_all(said)
    moved = [
        (*placed[key], row)
        for row, key, _, _, _, place, depth, _ in found
        if placed[key] != (place, depth)
    ]
    now = moved[: portion.rows]
    portion.spend(ROW * (1 + len(now)))
    db.executemany("UPDATE events SET place = ?, depth = ? WHERE id = ?", now)
    if len(now) < len(moved):
        return False
    missing = {m.parent for m in said if m.parent is not None and m.parent not in placed}
    if missing != state.missing.get(session, set()):
        db.execute("DELETE FROM missing_parents WHERE session = ?", (session,))
        rows = [(session, parent) for parent in missing]
        db.executemany("INSERT INTO missing_parents(session, parent) VALUES(?, ?)", rows)
        state.missing[session] = missing
    there = sum(reached < GONE for *_, reached in found)
    shown = [placed[key][0] for _, key, *_, reached in found if reached == IN_TRANSCRIPT]
    db.execute(
        "UPDATE sessions SET messages = ?, said = ?, first = ?, last = ? WHERE id = ?",
        (len(shown), there, min(shown, default=None), max(shown, default=None), session),
    )
    return True
