"""opencode's `opencode.db`: the tables `session`, `message` and `part`.

Rows of messages and parts are rewritten while a model answers. A session's own row is touched less
often, so the times of the rows count, too. The first versions had no `part.session_id` and no
`time_updated`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal.importers.opencode.message import message_items, session_items, session_of
from journal.importers.parsing.parser import Repaired
from journal.importers.parsing.source_time import micros
from journal.importers.sqlite.cells import json_of
from journal.importers.sqlite.conversations import Growth, Head, Probe
from journal.importers.sqlite.snapshot import Program

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json
    from journal.importers.sqlite.snapshot import Row, Snapshot

_STAMP = ("title", "directory", "parent_id", "time_created", "time_updated")


_PROGRAM = Program(
    "opencode",
    "its opencode.db, such as ~/.local/share/opencode/opencode.db",
    {
        "session": frozenset(("id", "directory")),
        "message": frozenset(("id", "session_id", "data")),
        "part": frozenset(("id", "message_id", "data")),
    },
)


@dataclass(frozen=True, slots=True)
class OpencodeDatabase:
    """Reads the sessions of an `opencode.db`."""

    program: Program = _PROGRAM

    def heads(self, snapshot: Snapshot) -> Iterator[Head]:
        """List all sessions."""
        there = [name for name in _STAMP if snapshot.has("session", name)]
        columns = ", ".join(("id", *there))
        for row in snapshot.rows(f"SELECT {columns} FROM session ORDER BY id"):  # noqa: S608
            yield Head(str(row.values["id"]), row.values)

    def growth(self, snapshot: Snapshot) -> Sequence[Growth]:
        """Return the tables of messages and of parts."""
        part = "m.session_id FROM part t JOIN message m ON m.id = t.message_id"
        if snapshot.has("part", "session_id"):
            part = "t.session_id FROM part t"
        return Growth("message", "id", "t.session_id FROM message t"), Growth("part", "id", part)

    def probe(self, snapshot: Snapshot, id: str) -> Probe:
        """Count the rows of a session, and find their latest time."""
        found: list[Json] = []
        newest: list[int] = []
        for table in ("message", "part"):
            time = "time_updated" if snapshot.has(table, "time_updated") else "rowid"
            query = f"SELECT count(*) AS n, max(t.{time}) AS u FROM {_rows_of(snapshot, table)}"  # noqa: S608
            for row in snapshot.all(query, (id,)):
                found += row.values["n"], row.values["u"]
                if time != "rowid" and (moment := micros(row.values["u"])) is not None:
                    newest.append(moment)
        return Probe(found, max(newest, default=0))

    def items(self, snapshot: Snapshot, id: str) -> Iterator[Item]:
        """Read one session."""
        session = snapshot.all("SELECT * FROM session WHERE id = ?", (id,))
        time = "t.time_created, " if snapshot.has("message", "time_created") else ""
        of = _rows_of(snapshot, "message")
        rows = snapshot.all(f"SELECT t.* FROM {of} ORDER BY {time}t.id", (id,))  # noqa: S608
        of = _rows_of(snapshot, "part")
        parts = snapshot.all(f"SELECT t.* FROM {of} ORDER BY t.id", (id,))  # noqa: S608
        return _items(id, session[0] if session else None, rows, parts)


def _rows_of(snapshot: Snapshot, table: str) -> str:
    """Return SQL after FROM for the rows of one session."""
    if snapshot.has(table, "session_id"):
        return f"{table} t WHERE t.session_id = ?"
    return f"message m JOIN {table} t ON t.message_id = m.id WHERE m.session_id = ?"


def _items(id: str, head: Row | None, rows: list[Row], parts: list[Row]) -> Iterator[Item]:
    session = session_of(id)
    if head is not None:
        yield from (Repaired(1, repair) for repair in head.repairs)
        yield from session_items(1, session.talk, _facts(head.values))
    of: dict[str, list[Row]] = {}
    for part in parts:
        of.setdefault(str(part.values["message_id"]), []).append(part)
    for line, row in enumerate(rows, 1):
        own = str(row.values["id"])
        info = yield from json_of(line, row, "data", dict)
        if info is None:
            continue
        found: list[Json] = []
        for part in of.get(own, []):
            value = yield from json_of(line, part, "data", dict)
            if value is not None:
                found.append({"id": part.values["id"], **value})
        time = info.get("time") or {"created": row.values.get("time_created")}
        yield from message_items(line, session, {**info, "id": own, "time": time}, found)


def _facts(values: dict[str, Any]) -> dict[str, Json]:
    """Return a session's row as the object that opencode makes of it."""
    return {
        "directory": values.get("directory"),
        "parentID": values.get("parent_id"),
        "title": values.get("title"),
        "version": values.get("version"),
        "projectID": values.get("project_id"),
        "slug": values.get("slug"),
        "share": {"url": values.get("share_url")},
        "time": {"created": values.get("time_created")},
    }
