"""Write back to the journal what only the projection still knows.

A journal can lose what was projected: a disk that lied about a sync, a restored backup, a deleted
segment. Its projection then holds events that no lane holds, and the next rebuild would drop them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import apsw
import orjson

from journal.event import Event
from journal.restore import Lost, restore
from projector.build import building, put_into_use
from projector.errors import ProjectionError
from projector.fold import canonical
from projector.generation import generations
from projector.rows import STORED, stored
from projector.schema import open_reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.directory import Directory


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was written back.

    Attributes:
        events: how many, conflicting contents counted one by one.
        sessions: to how many sessions they belong.
        lane: name of the lane's folder they were written to; empty if there was nothing to write.
        generation: number of the generation in use now.
    """

    events: int
    sessions: int
    lane: str
    generation: int


def salvage(journal: Directory) -> Salvaged:
    """Write back what the projection in use knows and the journal does not.

    The lanes are read into a new generation, which is compared with the one in use. What is missing
    goes into a lane of its own with the times that it had, and the new generation is put into use.

    Raises:
        ProjectionError: there is no projection to save from, or it cannot be read.
        ProjectorBusy: a build runs.
        AppendError: the journal cannot be written.
    """
    kept = generations(journal.path)
    current = kept.current()
    if current is None:
        raise ProjectionError(f"{kept.folder} has no projection to save anything from")
    known = open_reader(kept.path(current), journal.uuid)
    try:
        with building(journal) as number:
            built = open_reader(kept.path(number), journal.uuid)
            try:
                lost = sorted(_missing(known, built), key=itemgetter(0, 1))
            finally:
                built.close()
            name, events = "", 0
            if lost:
                lane, events = restore(journal, lost)
                name = lane.name
            put_into_use(journal, number)
    except apsw.Error as error:
        raise ProjectionError(f"cannot read the projection in {kept.folder}: {error}") from error
    finally:
        known.close()
    sessions = {record.event.session for record in lost}
    return Salvaged(events, len(sessions), name, number)


def _missing(known: apsw.Connection, found: apsw.Connection) -> Iterator[Lost]:
    """Yield the records of the contents that `known` has and `found` has not."""
    names: list[tuple[Any, ...]] = known.execute("SELECT session FROM sessions").fetchall()
    for (session,) in names:
        there = {_content(record.event) for record in _contents(found, session)}
        lost = {
            (record.lane, record.seq): record
            for record in _contents(known, session)
            if _content(record.event) not in there
        }
        for record in [*lost.values()]:
            for copy in _copies(known, record):
                lost.setdefault((copy.lane, copy.seq), copy)
        yield from lost.values()


def _content(event: Event) -> tuple[str, str, bytes]:
    return event.id, event.type, canonical(event.data)


def _contents(db: apsw.Connection, session: str) -> Iterator[Lost]:
    """Yield every content of a session, whether it stands or conflicts."""
    standing = db.execute(
        f"SELECT key, kinds.type, lanes.uuid, {_STORED} FROM events e"  # noqa: S608 - constants
        " JOIN kinds ON kinds.id = e.kind JOIN lanes ON lanes.id = e.lane"
        " WHERE e.part = 0 AND e.session = (SELECT id FROM sessions WHERE session = ?)",
        (session,),
    )
    for key, type, lane, *columns in standing:
        row = stored(tuple(columns))
        yield Lost(lane, row.seq, Event(key, type, session, row.time, row.ord, row.data))
    conflicts = db.execute(
        "SELECT key, type, time, ord, lanes.uuid, seq, data FROM conflicts"
        " JOIN lanes ON lanes.id = lane"
        " WHERE part = 0 AND session = (SELECT id FROM sessions WHERE session = ?)",
        (session,),
    )
    for key, type, time, ord, lane, seq, data in conflicts:
        yield Lost(lane, seq, Event(key, type, session, time, ord, orjson.loads(data)))


def _copies(db: apsw.Connection, record: Lost) -> Iterator[Lost]:
    """Yield the other records of a key: a sweep may have seen one of them and not the first."""
    query = (
        "SELECT lanes.uuid, seq, ord FROM copies JOIN lanes ON lanes.id = lane"
        " WHERE session = (SELECT id FROM sessions WHERE session = ?) AND key = ?"
    )
    event = record.event
    for lane, seq, ord in db.execute(query, (event.session, event.id)):
        yield Lost(lane, seq, replace(event, order=ord))


_STORED = ", ".join(f"e.{name}" for name in STORED.split(", "))
