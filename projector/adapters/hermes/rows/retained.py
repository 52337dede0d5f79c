"""The messages that Hermes would still have: the transcript, compacted ones and rewound ones.

A journal keeps every message. One that was removed is rewound (Hermes keeps it as inactive), or its
transcript was replaced or cleared (Hermes has deleted it): the events that removed it tell which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.adapters.hermes.rows.messages import load_row
from projector.adapters.hermes.rows.order import ORDER
from projector.views.removals import Removal, removals

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from projector.adapters.hermes.rows.sessions import Row

REWOUND = "rewound"
REPLACED = "replaced"
"""Reasons of removals: the user rewound the transcript, or it was replaced."""


@dataclass(frozen=True, slots=True)
class Retained:
    """A message that Hermes would still have: its rowid, id, state, and the order of its event."""

    row: int
    id: str
    state: str
    order: int

    @property
    def is_active(self) -> bool:
        """Whether it is in the transcript."""
        return self.state == "transcript"


def retained(db: apsw.Connection, session: str, *, inactive: bool = True) -> list[Retained]:
    """Return the messages that Hermes would have of a session, in order.

    Args:
        db: the projection.
        session: id of the session; one that does not exist has none.
        inactive: compacted and rewound messages too.
    """
    view = "all_messages" if inactive else "messages"
    query = (
        f"SELECT rowid, id, state, event_order FROM {view}"
        f" WHERE session = ? AND state <> 'deleted' ORDER BY {ORDER}"
    )
    found = [Retained(*row) for row in db.execute(query, (session,))]
    if all(message.state != "removed" for message in found):
        return found
    rewound = _rewound(db, session)
    return [message for message in found if message.state != "removed" or message.id in rewound]


def load_rows(db: apsw.Connection, session: str, messages: Iterable[Retained]) -> list[Row]:
    """Return messages as Hermes's rows."""
    return [load_row(db, session, message.row) for message in messages]


def is_any_inactive(db: apsw.Connection, session: str) -> bool:
    """Return whether Hermes would have compacted or rewound messages of a session."""
    query = "SELECT 1 FROM all_messages WHERE session = ? AND state = ? LIMIT 1"
    if db.execute(query, (session, "archived")).get is not None:
        return True
    is_any_removed = db.execute(query, (session, "removed")).get is not None
    return is_any_removed and bool(_rewound(db, session))


def _rewound(db: apsw.Connection, session: str) -> set[str]:
    """Return the ids of the removed messages that Hermes would have kept as inactive."""
    return {id for id, events in removals(db, session).items() if all(map(_is_rewind, events))}


def _is_rewind(removal: Removal) -> bool:
    # an import names no reason: Hermes's columns do not say why a message is inactive
    return removal.type == "message.removed" and removal.reason in (None, REWOUND)
