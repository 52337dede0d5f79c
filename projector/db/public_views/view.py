"""A view of the database as it is declared: its columns, their meaning, and its SQL."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a view.

    Attributes:
        name: its name.
        type: what it holds, with the unit: `text`, `JSON`, `integer`, `µs` and so on.
        sql: the expression that gives it.
        meaning: its meaning, for docs/sql.md.
    """

    name: str
    type: str
    sql: str
    meaning: str


@dataclass(frozen=True, slots=True)
class View:
    """A view.

    Attributes:
        name: its name.
        meaning: what one row is, for docs/sql.md.
        columns: its columns, in their order.
        rows: the SQL from `FROM` on.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    rows: str

    @property
    def create(self) -> str:
        """The statement that makes it."""
        # quoted: `commit` is a keyword
        columns = ",\n  ".join(f'{column.sql} AS "{column.name}"' for column in self.columns)
        return f"CREATE VIEW {self.name} AS SELECT\n  {columns}\n{self.rows};\n"


def lane_uuid(alias: str) -> str:
    """Return the SQL of the lane's uuid for rows `alias` that have a `lane_row`."""
    return f"(SELECT l.uuid FROM _lanes l WHERE l.id = {alias}.lane_row)"


def sort_key(alias: str) -> tuple[Column, ...]:
    """Return the columns that order events, for rows `alias` that each hold one."""
    return (
        Column("event_order", "integer", f"{alias}.ord", "its `order`: first sort key of events"),
        Column("lane", "text", lane_uuid(alias), "uuid of its lane: second sort key"),
        Column("seq", "integer", f"{alias}.seq", "number of its record in the lane: the third"),
    )


def redacted(alias: str) -> Column:
    """Return the column of what was redacted, for rows `alias` that each hold an event."""
    meaning = (
        "what was redacted in its data before it was appended (see [format.md](format.md)); NULL if"
        " nothing was"
    )
    return Column("redacted", "JSON object", f"{alias}.redacted", meaning)


OWN = "s.id > 0"
"""Condition on a row `s` of `_sessions`: a database that holds a part holds its messages."""
EVENT_TYPE = "(SELECT k.type FROM _kinds k WHERE k.id = e.kind)"
"""The SQL of the type of an event `e`."""
