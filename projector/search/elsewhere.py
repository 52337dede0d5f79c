"""Words of a query in what a search does not look at.

A search finds messages that are shown, by what was written, called and answered. The same words can
be in a title, in a removed message, in a text that a revision replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import apsw
import orjson

from journal.format.event_types import MESSAGE_REVISED, TRANSCRIPT_REPLACED
from projector.db.columns import decode
from projector.db.fork_safety import close
from projector.db.kinds import MESSAGE, NAMESPACE
from projector.db.rows import STORED, stored
from projector.db.schema import TOKENIZER
from projector.fold.messages import OUT, items
from projector.text.document import LONGEST
from projector.text.normalize import index_form
from projector.text.query import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["session", "removed", "replaced", "conflict", "field", "key", "other"]

_PORTION = 4 * 1024 * 1024
"""Characters that are indexed in memory at a time."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Something with the words of a query that a search does not find.

    Attributes:
        kind: `session`: the id, the title or another field of a session; `removed`: a message that
            was removed or deleted; `replaced`: a text that a revision replaced; `conflict`: a
            content that is not in force; `field`: a field of a message that is no text, such as
            `extra`; `key`: a key-value; `other`: any other event.
        session: id of the session.
        id: of the message or event; empty if it is the id of the session itself.
    """

    kind: Kind
    session: str
    id: str


def find_elsewhere(db: apsw.Connection, query: str) -> tuple[Elsewhere, ...]:
    """Return what has the words of a query and is not found by a search. It reads all such texts.

    Args:
        db: the projection.
        query: what was typed.

    Raises:
        QueryError: it has nothing to search for.
    """
    parsed = parse(query)
    if not parsed.match:
        return tuple(
            dict.fromkeys(
                place for place, texts in unsearched(db) if parsed.holds("\n".join(texts))
            )
        )
    found: dict[Elsewhere, None] = {}
    index = apsw.Connection(":memory:")
    try:
        index.execute(
            f"CREATE VIRTUAL TABLE texts USING fts5(text, content='', tokenize='{TOKENIZER}')"
        )
        for portion in _portions(db):
            rows = ((row, index_form(text)) for row, (_, text) in enumerate(portion))
            with index:
                index.executemany("INSERT INTO texts(rowid, text) VALUES(?, ?)", rows)
            hits = index.execute("SELECT rowid FROM texts WHERE texts MATCH ?", (parsed.match,))
            found |= dict.fromkeys(
                place
                for place, text in (portion[int(row)] for (row,) in hits)
                if parsed.holds(text)
            )
            index.execute("INSERT INTO texts(texts) VALUES('delete-all')")
    finally:
        close(index)
    return tuple(found)


def _portions(db: apsw.Connection) -> Iterator[list[tuple[Elsewhere, str]]]:
    portion: list[tuple[Elsewhere, str]] = []
    size = 0
    for place, strings in unsearched(db):
        text = "\n".join(strings)[:LONGEST]
        portion.append((place, text))
        size += len(text)
        if size > _PORTION:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def unsearched(db: apsw.Connection) -> Iterator[tuple[Elsewhere, list[str]]]:
    """Yield every text that a search does not look at, as its strings, with its place.

    The strings of a session are its id and that of its parent, which its events lack here.
    """
    query = f"SELECT session, parent FROM _sessions s WHERE NOT {NAMESPACE}"
    for session, parent in db.execute(query):
        yield Elsewhere("session", session, ""), [session, parent or ""]
    yield from _messages(db)
    query = (
        "SELECT s.session, e.event_id, k.type, e.other_fields FROM _events e"
        " JOIN _sessions s ON s.id = e.session JOIN _kinds k ON k.id = e.kind"
        f" WHERE e.kind <> {MESSAGE}"
    )
    for session, id, type, data in db.execute(query):
        if not type.startswith("erasure."):
            yield _event(session, id, type, decode(data))
    query = (
        "SELECT s.session, c.event_id, c.data FROM _other_contents c"
        " JOIN _sessions s ON s.id = c.session"
    )
    for session, id, data in db.execute(query):
        yield Elsewhere("conflict", session, id), list(strings(orjson.loads(data)))


def _messages(db: apsw.Connection) -> Iterator[tuple[Elsewhere, list[str]]]:
    columns = ", ".join(f"e.{name}" for name in STORED.split(", "))
    query = (
        f"SELECT s.session, e.event_id, {columns} FROM _events e"
        f" JOIN _sessions s ON s.id = e.session WHERE e.kind = {MESSAGE} AND"
        f" (e.state >= {OUT} OR e.original IS NOT NULL OR instr(e.other_fields, '\"extra\"'))"
    )
    for session, id, *values in db.execute(query):
        row = stored(tuple(values))
        # what is shown, and has the words in a text, is found by a search
        kind: Kind = "removed" if row.state >= OUT else "field"
        shown = row.in_force if row.state >= OUT else {"extra": row.in_force.get("extra")}
        yield Elsewhere(kind, session, id), list(strings(shown))
        if row.original is not None:
            yield Elsewhere("replaced", session, id), list(strings(row.data))


def _event(session: str, id: str, type: str, data: dict[str, Any]) -> tuple[Elsewhere, list[str]]:
    value: Any = data
    if type == MESSAGE_REVISED:
        message = data.get("message")
        place = Elsewhere("replaced", session, message if isinstance(message, str) else id)
    elif type == TRANSCRIPT_REPLACED:
        # its new messages have rows of their own
        place = Elsewhere("replaced", session, id)
        value = [item for item in items(data).values() if "message" in item]
    elif type.startswith("session."):
        place = Elsewhere("session", session, id)
        value = {key: item for key, item in data.items() if key != "parent"}
    elif type.startswith("key.") or session.startswith("@"):
        place = Elsewhere("key", session, id)
    else:
        place = Elsewhere("other", session, id)
    return place, list(strings(value))


def strings(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Yield every string of a JSON value, with the keys of its objects."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
