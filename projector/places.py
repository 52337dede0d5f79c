"""Places of messages in their conversations, computed anew for sessions where they moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projector.effects import GONE, IN_TRANSCRIPT
from projector.placing import Said, place_all
from projector.schema import MESSAGE

if TYPE_CHECKING:
    import apsw

    from projector.state import State


def replace_all(db: apsw.Connection, state: State) -> None:
    """Place every message of every marked session anew."""
    for session in sorted(state.dirty.places):
        _replace(db, state, session)
    state.dirty.places.clear()


def _replace(db: apsw.Connection, state: State, session: int) -> None:
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
    db.executemany("UPDATE events SET place = ?, depth = ? WHERE id = ?", moved)
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
