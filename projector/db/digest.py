"""A checksum of what a projection holds: equal for equal sets of events."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import orjson

from projector.db.rows import STORED, stored
from projector.fold.sessions import COLUMNS, canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import apsw


def digest(db: apsw.Connection) -> str:
    """Return the SHA-256, in hexadecimal, of the logical content in canonical order.

    It covers sessions as folded, their totals and keys, every event with its data and what was
    redacted in it, every message with its state and its revisions in force, of a replay where it is
    at home, the other contents of each key (those that are the same event, and conflicts), and how
    many messages of each session have each facet. It holds dates that events give, and no times of
    appending, rowids or lanes: the same events give the same digest on every machine.
    """
    return digest_of_parts([db])


def digest_of_parts(dbs: Sequence[apsw.Connection]) -> str:
    """Return the digest of what several parts hold together: that of one database with all of it.

    The lines are those of all sessions in the order of their ids, of whatever part; then those of
    their facets.
    """
    sha = hashlib.sha256()
    with ExitStack() as stack:
        for db in dbs:
            stack.enter_context(db)  # one snapshot, however long it takes
        for lines in (_sessions, _facets):
            blocks = merge(*(groupby(lines(db), itemgetter(0)) for db in dbs), key=itemgetter(0))
            for _, block in blocks:
                for _, line in block:
                    sha.update(line)
                    sha.update(b"\n")
    return sha.hexdigest()


def _sessions(db: apsw.Connection) -> Iterator[tuple[str, bytes]]:
    """Yield the lines of each session, with its id, by id."""
    types = dict(db.execute("SELECT id, type FROM _kinds"))
    sessions = db.execute(
        f"SELECT id, session, {', '.join(COLUMNS)}, ended IS NOT NULL, end_reason, extra, known,"
        " message_total, messages, indexed FROM _sessions WHERE id > 0 ORDER BY session"
    ).fetchall()
    home = (
        "(SELECT h.session FROM _shared x JOIN main._sessions h ON h.id = x.home"
        " WHERE event = e.id)"
    )
    events = f"SELECT {STORED}, event_id, {home} FROM _events e WHERE session = ? ORDER BY event_id"
    totals = "SELECT name, coalesce(exact, total) FROM _usage WHERE session = ? ORDER BY name"
    keys = "SELECT key, value FROM _keys WHERE session = ? ORDER BY key"
    conflicts = (
        "SELECT same, event_id, type, data, redacted FROM _other_contents WHERE session = ?"
        " ORDER BY event_id, type, data, redacted"
    )
    for number, *folded in sessions:
        name: str = folded[0]  # type: ignore[assignment] # the first column
        yield name, canonical(["session", *folded])
        for *columns, id, home in db.execute(events, (number,)):
            event = stored(tuple(columns))
            line = ["event", id, types[event.kind], event.data]
            line += [bool(event.transcript_index), event.state]
            if event.original is not None:
                line.append(event.in_force)
            yield name, canonical(line)
            if home is not None:
                yield name, canonical(["replay", id, home])
            if event.redacted is not None:
                yield name, canonical(["redacted", id, orjson.loads(event.redacted)])
        for kind, query in (("total", totals), ("key", keys)):
            for found in db.execute(query, (number,)):
                yield name, canonical([kind, *found])
        for same, id, type, data, redacted in db.execute(conflicts, (number,)):
            line = ["same" if same else "conflict", id, type, orjson.loads(data)]
            yield name, canonical(line if redacted is None else [*line, orjson.loads(redacted)])


def _facets(db: apsw.Connection) -> Iterator[tuple[str, bytes]]:
    """Yield the lines of the facets of each session, with its id, by id."""
    facets = (
        "SELECT s.session, v.kind, v.name, f.messages FROM _facets f"
        " JOIN _facet_values v ON v.id = f.value JOIN _sessions s ON s.id = f.session"
        " ORDER BY s.session, v.kind, v.name"
    )
    for found in db.execute(facets):
        yield str(found[0]), canonical(["facet", *found])
