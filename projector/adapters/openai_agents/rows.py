"""Reads the items of a session from the SQL views of a projection (docs/sql.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from projector.adapters.openai_agents.items import SOURCE, Item, item_of

if TYPE_CHECKING:
    import apsw

_ORDER = "SELECT rowid, id, event_order FROM messages WHERE session = ? AND own_source = ?"
_ROW = (
    "SELECT id, content, content_is_json, other_fields, coalesce(line, id), time, appended"
    " FROM messages WHERE rowid = ?"
)


class Stored(NamedTuple):
    """An item, and of its message the id, the line, and the times (microseconds since 1970)."""

    id: str
    item: Item
    line: str
    time: int
    appended: int


def message_id(batch: str, at: int) -> str:
    """Return the id of the message of an item, by its batch and its place in it."""
    return f"{batch}-{at}"


def stored(db: apsw.Connection, session: str, limit: int | None = None) -> list[Stored]:
    """Return the items of a session in the order of their batches.

    Items that were added at once stay together, although those of other processes may have been
    written between them.

    Args:
        db: the projection.
        session: the session.
        limit: only so many, the latest; None or a negative number means all.

    Raises:
        EventError: another program wrote into the session as this adapter.
    """
    rows = [
        (rowid, *id.rpartition("-")[::2], at)
        for rowid, id, at in db.execute(_ORDER, (session, SOURCE))
    ]
    begins: dict[str, int] = {}
    for _, batch, _, at in rows:
        begins[batch] = min(begins.get(batch, at), at)
    rows.sort(key=lambda row: (begins[row[1]], row[1], int(row[2]) if row[2].isdecimal() else 0))
    if limit is not None and limit >= 0:
        rows = rows[len(rows) - limit if limit < len(rows) else 0 :]
    return [_read(db, rowid) for rowid, *_ in rows]


def _read(db: apsw.Connection, rowid: int) -> Stored:
    ((id, content, is_json, other, *more),) = db.execute(_ROW, (rowid,))
    fields = orjson.loads(other or b"{}")
    parts = orjson.loads(content) if is_json else content
    return Stored(id, item_of(parts, fields.get("tool_calls"), fields.get("extra", {})), *more)
