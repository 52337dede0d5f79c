"""A checksum of what a projection holds: equal for equal sets of events."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import orjson

from projector.db.rows import STORED, stored
from projector.fold.sessions import COLUMNS, canonical

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw


def digest(db: apsw.Connection) -> str:
    """Return the SHA-256, in hexadecimal, of the logical content in canonical order.

    It covers sessions as folded, their totals and keys, every event with its data and what was
    redacted in it, every message with its state and its revisions in force, of a replay where it is
    at home, the other contents of each key (those that are the same event, and conflicts), and how
    many messages of each session have each facet. It holds dates that events give, and no times of
    appending, rowids or lanes: the same events give the same digest on every machine.
    """
    sha = hashlib.sha256()
    with db:  # one snapshot, however long it takes
        for line in _lines(db):
            sha.update(line)
            sha.update(b"\n")
    return sha.hexdigest()


def _lines(db: apsw.Connection) -> Iterator[bytes]:
    types = dict(db.execute("SELECT id, type FROM _kinds"))
    sessions = db.execute(
        f"SELECT id, session, {', '.join(COLUMNS)}, ended IS NOT NULL, end_reason, extra, known,"
        " message_total, messages, indexed FROM _sessions ORDER BY session"
    ).fetchall()
    home = "(SELECT h.session FROM _shared x JOIN _sessions h ON h.id = x.home WHERE event = e.id)"
    events = f"SELECT {STORED}, event_id, {home} FROM _events e WHERE session = ? ORDER BY event_id"
    totals = "SELECT name, coalesce(exact, total) FROM _usage WHERE session = ? ORDER BY name"
    keys = "SELECT key, value FROM _keys WHERE session = ? ORDER BY key"
    conflicts = (
        "SELECT same, event_id, type, data, redacted FROM _other_contents WHERE session = ?"
        " ORDER BY event_id, type, data, redacted"
    )
    for number, *folded in sessions:
        yield canonical(["session", *folded])
        for *columns, id, home in db.execute(events, (number,)):
            event = stored(tuple(columns))
            line = ["event", id, types[event.kind], event.data]
            line += [bool(event.transcript_index), event.state]
            if event.original is not None:
                line.append(event.in_force)
            yield canonical(line)
            if home is not None:
                yield canonical(["replay", id, home])
            if event.redacted is not None:
                yield canonical(["redacted", id, orjson.loads(event.redacted)])
        for kind, query in (("total", totals), ("key", keys)):
            for found in db.execute(query, (number,)):
                yield canonical([kind, *found])
        for same, id, type, data, redacted in db.execute(conflicts, (number,)):
            line = ["same" if same else "conflict", id, type, orjson.loads(data)]
            yield canonical(line if redacted is None else [*line, orjson.loads(redacted)])
    facets = (
        "SELECT s.session, v.kind, v.name, f.messages FROM _facets f"
        " JOIN _facet_values v ON v.id = f.value JOIN _sessions s ON s.id = f.session"
        " ORDER BY s.session, v.kind, v.name"
    )
    for found in db.execute(facets):
        yield canonical(["facet", *found])
