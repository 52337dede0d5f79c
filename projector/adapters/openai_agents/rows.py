"""Reads the items of a session from the SQL views of a projection (docs/sql.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from projector.adapters.openai_agents.items import SOURCE, Item, item_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


class Batch(NamedTuple):
    """Items that are added at once.

    Attributes:
        name: its name, in the ids of its messages.
        size: how many items it has; 0 if the caller named it, who then adds the same ones again.
    """

    name: str
    size: int = 0

    def message_id(self, at: int) -> str:
        """Return the id of the message of an item, by its place in the batch."""
        return f"{self.name}-{at}.{self.size}" if self.size else f"{self.name}-{at}"


def copy_id(id: str) -> str:
    """Return the id of a copy in another session: its batch is not completed there."""
    batch, at = _parsed(id)
    return Batch(batch.name).message_id(at)


def _parsed(id: str) -> tuple[Batch, int]:
    """Return the batch of a message, and its place in it."""
    name, _, place = id.rpartition("-")
    at, _, size = place.partition(".")
    return Batch(name, _number(size)), _number(at)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def cut_off(
    db: apsw.Connection, session: str, kept: Iterable[Stored], items: Sequence[Item]
) -> tuple[Batch, int] | None:
    """Return the batch of these items of which only the first were written; None if there is none.

    The kernel ends a write(2) in the middle if it kills the process.

    Args:
        db: the projection.
        session: the session.
        kept: its items.
        items: the items that are added again.

    Returns:
        The batch, and how many of its items are there.
    """
    batches: dict[Batch, list[Item]] = {}
    for each in kept:
        batches.setdefault(_parsed(each.id)[0], []).append(each.item)
    for batch, there in batches.items():
        count = len(there)
        if count < batch.size == len(items) and there == list(items[:count]):
            # an item that was popped is no item that was never written
            query = "SELECT 1 FROM all_messages WHERE session = ? AND id = ?"
            if db.execute(query, (session, batch.message_id(count))).get is None:
                return batch, count
    return None


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
        (rowid, *_parsed(id), order) for rowid, id, order in db.execute(_ORDER, (session, SOURCE))
    ]
    begins: dict[Batch, int] = {}
    for _, batch, _, order in rows:
        begins[batch] = min(begins.get(batch, order), order)
    rows.sort(key=lambda row: (begins[row[1]], row[1], row[2]))
    if limit is not None and limit >= 0:
        rows = rows[len(rows) - limit if limit < len(rows) else 0 :]
    return [_read(db, rowid) for rowid, *_ in rows]


def _read(db: apsw.Connection, rowid: int) -> Stored:
    ((id, content, is_json, other, *more),) = db.execute(_ROW, (rowid,))
    fields = orjson.loads(other or b"{}")
    parts = orjson.loads(content) if is_json else content
    return Stored(id, item_of(parts, fields.get("tool_calls"), fields.get("extra", {})), *more)
