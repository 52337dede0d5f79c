"""The messages of a session in pages, each of a snapshot of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.db.kinds import MESSAGE
from projector.fold.messages import IN_TRANSCRIPT
from projector.views.messages import VIEWED, MessageView, make_view
from projector.views.session_names import EXISTS
from projector.views.sessions import ORDER, ORDER_COLUMNS

if TYPE_CHECKING:
    import apsw

Place = tuple[int, int, int, str, int, int]
"""The place of a message in its session: the values of `ORDER_COLUMNS`, the same in every
generation."""

_PAGE = (
    f"SELECT {ORDER}, {VIEWED} FROM _events WHERE kind = {MESSAGE} AND session = ?"
    f" AND state <= {IN_TRANSCRIPT}{{}} ORDER BY {ORDER} LIMIT ?"
)
_BEHIND = f" AND ({ORDER}) > ({', '.join('?' * len(ORDER_COLUMNS))})"
_SIZED = (-3, -1)
"""The columns of a row that hold its texts: content, and all other fields."""


def page(
    db: apsw.Connection, name: str, after: Place | None, *, most: int, size: int
) -> list[tuple[Place, MessageView]]:
    """Return some messages of the transcript of a session, in order, each with its place.

    A result of a tool has a name only if it is its own (`projector.views.messages.with_tool_name`).

    Args:
        db: the projection.
        name: the session's id.
        after: the place of the message before the first; None for the beginning.
        most: how many messages to return.
        size: characters of text after which no other message is returned.

    Returns:
        The messages; none if there are no more, or no session has this id.
    """
    query = f"SELECT id, source FROM _sessions WHERE session = ? AND {EXISTS}"
    found = db.execute(query, (name,)).fetchone()
    if found is None:
        return []
    number, source = found
    query, at = (_PAGE.format(""), ()) if after is None else (_PAGE.format(_BEHIND), after)
    views, texts = list[tuple[Place, MessageView]](), 0
    for row in db.execute(query, (number, *at, most)):
        place, viewed = row[: len(ORDER_COLUMNS)], row[len(ORDER_COLUMNS) :]
        views.append((place, make_view(name, source, viewed)))
        texts += sum(len(row[column] or "") for column in _SIZED)
        if texts >= size:
            break
    return views
