"""One event as its row and its entry in the full-text index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.bounds import is_moment
from journal.format.event_types import MESSAGE_APPENDED
from journal.format.redacted import Redacted
from projector.db.columns import Columns, decode, encode, from_columns, to_columns
from projector.db.tags import tags
from projector.text.document import LONGEST, document, document_and_keys
from projector.text.normalize import index_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

    from projector.db.tags import Inherited
    from projector.fold.facets import Facets

INSERT_EVENT = """
INSERT INTO _events(id, session, event_id, kind, time, ord, lane_row, seq, transcript_index, state,
  order_time, order_depth, timestamp, parent, role, source, content, content_is_json, other_fields,
  redacted)
VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(session, event_id) DO NOTHING
"""
IndexRow = tuple[int, str, str, str]
"""A row of the full-text index: its rowid, text, tags, and keys of arguments."""
INSERT_TEXT = "INSERT INTO fts(rowid, text, tags, keys) VALUES(?, ?, ?, ?)"
DELETE_TEXT = "INSERT INTO fts(fts, rowid, text, tags, keys) VALUES('delete', ?, ?, ?, ?)"
COLUMNS = (
    "timestamp = ?, parent = ?, role = ?, source = ?, content = ?, content_is_json = ?,"
    " other_fields = ?"
)
"""Assignments for the values of `Columns`, in their order."""
STORED = (
    "id, kind, time, ord, lane_row, seq, transcript_index, state, original, redacted,"
    " timestamp, parent, role, source, content, content_is_json, other_fields"
)
"""Columns that make a `Stored`, in its order."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as the projection holds it.

    Attributes:
        row: its rowid in `events` and in the full-text table.
        kind: number of its type.
        time: when it was appended, microseconds since 1970.
        ord: with the lane's uuid and `seq`, what orders it.
        lane_row: rowid of its lane in `_lanes`.
        seq: its number in the lane.
        transcript_index: its place in the transcript that brought it, from 1; 0 if it is a record
            of its own.
        state: of a message, `projector.fold.messages.IN_TRANSCRIPT` and so on.
        original: JSON of the data before revisions; None if none is in force.
        redacted: JSON of what was redacted in the data; None if nothing was.
        columns: the data in force.
    """

    row: int
    kind: int
    time: int
    ord: int
    lane_row: int
    seq: int
    transcript_index: int
    state: int
    original: str | None
    redacted: str | None
    columns: Columns

    @property
    def data(self) -> dict[str, Any]:
        """The data as it was appended."""
        return self.in_force if self.original is None else decode(self.original)

    @property
    def in_force(self) -> dict[str, Any]:
        """The data with its revisions."""
        return from_columns(self.columns)


def stored(row: tuple[Any, ...]) -> Stored:
    """Make a `Stored` of a row of the columns `STORED`."""
    timestamp, parent, role, source, content, is_json, other = row[10:]
    columns = Columns(timestamp, parent, role, source, content, bool(is_json), other)
    id, kind, time, ord, lane_row, seq, index, state, original, redacted = row[:10]
    return Stored(id, kind, time, ord, lane_row, seq, index, state, original, redacted, columns)


def to_redacted(text: str | None) -> Redacted | None:
    """Return what was redacted in an event, of the value of its column."""
    return None if text is None else Redacted.of(decode(text))


def from_redacted(redacted: Redacted | None) -> str | None:
    """Return the value of the column `redacted`: equal text for equal content."""
    if redacted is None:
        return None
    return orjson.dumps(redacted.fields(), option=orjson.OPT_SORT_KEYS).decode()


def fetch(db: apsw.Connection, session: int, key: str) -> Stored | None:
    """Return the event in force under a key; None if there is none."""
    query = f"SELECT {STORED} FROM _events WHERE session = ? AND event_id = ?"
    row = db.execute(query, (session, key)).fetchone()
    return None if row is None else stored(row)


def spread(type: str, data: Mapping[str, Any]) -> Columns:
    """Spread data over columns: a message's over its own, anything else's into `other_fields`."""
    if type == MESSAGE_APPENDED:
        return to_columns(data)
    return Columns(None, None, None, None, None, content_is_json=False, other_fields=encode(data))


def index_text(data: Mapping[str, Any]) -> str:
    """Return the text by which a message is found; of a large one the beginning."""
    # pairs of characters take three times the room of their text
    return index_form(document(data))[:LONGEST]


def indexed(
    row: int, session: int, inherited: Inherited, data: Mapping[str, Any], about: Facets
) -> IndexRow:
    """Return the row of the full-text index for a message.

    Args:
        row: its rowid.
        session: rowid of its session.
        inherited: what the messages of its session are tagged with.
        data: the message's data.
        about: its facets.
    """
    role, timestamp = data.get("role"), data.get("timestamp")
    tagged = tags(
        session,
        inherited,
        role if isinstance(role, str) else None,
        timestamp if is_moment(timestamp) else None,
        about,
        machine=isinstance(data.get("meta"), str),
    )
    text, keys = document_and_keys(data)
    # pairs of characters take three times the room of their text
    return row, index_form(text)[:LONGEST], tagged, index_form(keys)
