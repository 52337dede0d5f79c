"""Events read back from their rows, to be folded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from projector.apply.copies import copies_in, with_own
from projector.db.schema import KINDS, TYPES
from projector.fold.sessions import Told

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from projector.apply.state import State


def told(db: apsw.Connection, state: State, session: int, types: Sequence[str]) -> list[Told]:
    """Return a session's events of some types, none of them messages, by their ids.

    Of two that a lane gave one number the id decides then, whichever was applied first.
    """
    marks = ", ".join("?" * len(types))
    copies = copies_in(db, state, session)
    found = db.execute(
        "SELECT event_id, kind, time, ord, lane_row, seq, other_fields FROM _events"
        f" WHERE session = ? AND kind <> 1 AND kind IN ({marks}) ORDER BY event_id",
        (session, *(KINDS[type] for type in types)),
    )
    return [
        Told(
            order := state.order(ord, lane, seq),
            TYPES[kind],
            orjson.loads(rest),
            time,
            with_own(copies.get(key, {}), order[1], seq),
        )
        for key, kind, time, ord, lane, seq, rest in found
    ]
