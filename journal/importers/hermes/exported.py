"""Sessions as `hermes sessions export` writes them: the rows of a session, one session a line.

A row gives the events that it gives in the database, with the same ids. So a database and an export
of it are one, whichever is imported first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import orjson

from journal.importers.hermes.change_writer import ChangeWriter
from journal.importers.hermes.messages import Messages
from journal.importers.hermes.rows import DEFAULTS, STRUCTURED
from journal.importers.hermes.sessions import write_session
from journal.importers.parsing.events import placeholder
from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.source_time import micros
from journal.importers.sqlite.snapshot import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json

_COMPUTED = ("messages", "last_active", "preview")
"""Keys that the export adds to the columns of a session."""


@dataclass(slots=True)
class _Items:
    """The items of one session."""

    found: list[Item] = field(default_factory=list)

    def take(self, items: Iterator[Item], raw: bytes | None, *, known: int = 0) -> None:
        """Add items."""
        del raw, known
        self.found += items

    def flush(self) -> None:
        """Do nothing: a session is written as a whole."""


@dataclass(slots=True)
class HermesExport:
    """The parser of one export.

    Attributes:
        location: the file.
    """

    equal_is_same: ClassVar[bool] = True
    location: Location

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:
        """Handle one session."""
        del raw
        rows = value.get("messages") if isinstance(value, dict) else None
        id = value.get("id") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(rows, list) or not isinstance(id, str):
            yield Skipped(line, "no session: it has no id or no messages")
            return
        items = _Items()
        changes = ChangeWriter(items, 0, first=True)
        own = {name: item for name, item in value.items() if name not in _COMPUTED}
        session = _stored("sessions", own)
        write_session(changes, id, session, None)
        began = micros(session.values.get("started_at"))
        messages = Messages(changes, {id: began}, None, iter(()))
        for row in sorted(rows, key=_number):
            messages.take(_stored("messages", row if isinstance(row, dict) else {}))
        messages.end()
        yield from items.found

    def left_out(self, line: int, size: int, id: str) -> Iterator[Item]:
        """Yield a message in place of a session that is too long to be read."""
        return placeholder(line, self.location.name, id, size, "hermes")

    def end(self) -> Iterator[Item]:
        """Yield nothing: no item waits for a later line."""
        return iter(())


def _number(row: Json) -> int:
    id = row.get("id") if isinstance(row, dict) else None
    return id if isinstance(id, int) else 0


def _stored(table: str, values: dict[str, Json]) -> Row:
    """Return a row as the database has it: without defaults, and with JSON as text."""
    found: dict[str, Json] = {}
    for name, value in values.items():
        if value is None or value == DEFAULTS[table].get(name):
            continue
        if isinstance(value, list | dict):
            text = orjson.dumps(value).decode()
            found[name] = f"{STRUCTURED}{text}" if name == "content" else text
        else:
            found[name] = value
    return Row(found)
