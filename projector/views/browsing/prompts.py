"""What persons wrote in a session, and what was answered: its outline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.fold.messages import IN_ARCHIVE
from projector.views.browsing.message_window import OF_SESSION, bound
from projector.views.sessions import ORDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from projector.views.browsing.message_window import Key, Session, Side

_SCANNED = 4_000
"""Most messages that are looked at for prompts or answers."""
_BEGINNING = 200
"""Characters of a prompt in an outline."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a person wrote, in an outline.

    Attributes:
        id: of the message.
        text: its beginning.
        time: microseconds since 1970.
    """

    id: str
    text: str
    time: int


_TEXT = (
    f"CASE WHEN content_is_json THEN (SELECT substr(json_extract(value, '$.text'), 1, {_BEGINNING})"
    " FROM json_each(content) WHERE type = 'object' AND json_extract(value, '$.text') IS NOT NULL"
    f" LIMIT 1) ELSE substr(content, 1, {_BEGINNING}) END"
)
_PROMPT = "role IN ('user', 'usr', 'human') AND meta IS NULL"
"""Condition on a row: a person wrote it."""
_META = "json_extract(other_fields, '$.meta') AS meta"


def prompts(
    db: apsw.Connection, session: Session, key: Key | None, limit: int, side: Side
) -> list[Prompt]:
    """Return what a person wrote from a key on, or before it, in order.

    Only the nearest messages are looked at, some thousands.
    """
    where, values, order = bound(key, side)
    rows = f"SELECT id, role, {_META} {OF_SESSION} AND state <= {IN_ARCHIVE}{where}"
    query = (
        f"SELECT event_id, {_TEXT}, coalesce(timestamp, time) FROM _events WHERE id IN"
        f" (SELECT id FROM ({rows} ORDER BY {order} LIMIT {_SCANNED}) WHERE {_PROMPT} LIMIT ?)"
        f" ORDER BY {ORDER}"
    )
    found = db.execute(query, (session.number, *values, limit))
    return [Prompt(str(id), str(text or ""), int(time)) for id, text, time in found]


@dataclass(frozen=True, slots=True)
class Focus:
    """Prompts and the answers to them.

    Attributes:
        messages: ids, in order.
        next: id of the message with which the next part begins; None if this is the last one.
    """

    messages: tuple[str, ...]
    next: str | None


def focus(db: apsw.Connection, session: Session, start: Key | None, limit: int) -> Focus:
    """Return what persons wrote, and the last thing that was answered to each.

    Args:
        db: the projection.
        session: whose messages.
        start: the key of the first message to look at; None for the first of the session.
        limit: most messages to return.
    """
    where, values, order = bound(start, "from")
    query = (
        f"SELECT event_id, role, {_META},"
        " CASE WHEN content_is_json THEN instr(content, '\"text\"') > 0"
        " ELSE trim(coalesce(content, '')) <> '' END"
        f" {OF_SESSION} AND state <= {IN_ARCHIVE}{where} ORDER BY {order} LIMIT {_SCANNED + 1}"
    )
    rows = [
        (str(id), role in _PERSONS and meta is None, role == "assistant" and bool(says))
        for id, role, meta, says in db.execute(query, (session.number, *values))
    ]
    return _focus(rows, limit)


_PERSONS = frozenset({"user", "usr", "human"})


def _focus(rows: Sequence[tuple[str, bool, bool]], limit: int) -> Focus:
    """Choose of rows: an id, whether a person wrote it, whether it can be an answer."""
    found: list[str] = []
    answer: str | None = None
    for id, is_prompt, is_answer in rows[:_SCANNED]:
        if is_prompt:
            found += [] if answer is None else [answer]
            answer = None
            if len(found) >= limit:
                return Focus(tuple(found), id)
            found.append(id)
        elif is_answer:
            answer = id
    found += [] if answer is None else [answer]
    return Focus(tuple(found), rows[_SCANNED][0] if len(rows) > _SCANNED else None)
