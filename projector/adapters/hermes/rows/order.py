"""Where messages stand behind each other, whatever is said of when they were said.

Hermes reads a transcript in the order in which it was written. A journal reads it by moments, so a
message that would not stand behind the one before it names that one as its parent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.db.schema import MESSAGE
from projector.fold.messages import GONE
from projector.fold.order import place_after

if TYPE_CHECKING:
    import apsw


@dataclass(frozen=True, slots=True)
class Last:
    """The message that the next one is to stand behind.

    Attributes:
        key: its id.
        place: its moment in the transcript, microseconds.
        depth: its place among those of that moment.
    """

    key: str
    place: int
    depth: int = 0

    def parent_of(self, moment: int) -> str | None:
        """Return what a message of this moment must name as its parent; None if nothing."""
        return None if (moment, 0) >= (self.place, self.depth) else self.key

    def then(self, key: str, moment: int) -> Last:
        """Return the message that stands behind this one."""
        if self.parent_of(moment) is None:
            return Last(key, moment)
        return Last(key, *place_after(moment, (self.place, self.depth)))


def last_message(db: apsw.Connection | None, session: str) -> Last | None:
    """Return the message that stands last in a session, in its transcript or not."""
    if db is None:
        return None
    order = ", ".join(f"{column} DESC" for column in ("place", "depth", "ord"))
    query = (
        f"SELECT key, place, depth FROM events WHERE kind = {MESSAGE} AND state < ?"  # noqa: S608 - constants
        f" AND session = (SELECT id FROM sessions WHERE session = ?) ORDER BY {order} LIMIT 1"
    )
    found = db.execute(query, (GONE, session)).fetchone()
    return None if found is None else Last(*found)
