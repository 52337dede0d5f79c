"""What an open page of a session compares: where the session ends, and whether messages changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.event_types import (
    MESSAGE_ARCHIVED,
    MESSAGE_REMOVED,
    MESSAGE_RESTORED,
    MESSAGE_REVISED,
    SESSION_CLEARED,
    SESSION_DELETED,
    TRANSCRIPT_REPLACED,
)
from projector.db.kinds import KINDS, MESSAGE
from projector.fold.messages import IN_ARCHIVE
from projector.views.browsing.message_window import OF_SESSION
from projector.views.sessions import ORDER_COLUMNS

if TYPE_CHECKING:
    import apsw

    from projector.views.browsing.message_window import Session

_CHANGING = ", ".join(
    str(KINDS[type])
    for type in (
        MESSAGE_REVISED,
        MESSAGE_REMOVED,
        MESSAGE_ARCHIVED,
        MESSAGE_RESTORED,
        TRANSCRIPT_REPLACED,
        SESSION_CLEARED,
        SESSION_DELETED,
    )
)
"""The numbers of the event types that change messages."""


def end_of(db: apsw.Connection, session: Session) -> tuple[int, str | None]:
    """Return how many messages a session has, and the id of the last one; None if it has none."""
    total = int(db.execute(f"SELECT count(*) {OF_SESSION}", (session.number,)).get)
    return total, last_of(db, session)


def last_of(db: apsw.Connection, session: Session) -> str | None:
    """Return the id of the last message of a session; None if it has none."""
    order = ", ".join(f"{column} DESC" for column in ORDER_COLUMNS)
    query = f"SELECT event_id {OF_SESSION} AND state <= {IN_ARCHIVE} ORDER BY {order} LIMIT 1"
    found = db.execute(query, (session.number,)).get
    return None if found is None else str(found)


def count_changes(db: apsw.Connection, session: Session) -> int:
    """Return a number that differs as soon as messages of a session may have changed.

    It counts what revises, hides, restores or replaces messages of the session, and the requests to
    forget, which can concern any session.
    """
    query = (
        f"SELECT count(*) FROM _events WHERE session = ? AND kind <> {MESSAGE}"
        f" AND kind IN ({_CHANGING})"
    )
    requests = "SELECT count(*) FROM _requests"
    return int(db.execute(f"SELECT ({query}) + ({requests})", (session.number,)).get)
