"""Write events back to the journal that only the projection still has.

A journal can lose events that were projected: by a disk that did not sync, a restored backup or a
deleted segment. The next rebuild would drop them from the projection, too.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import apsw
import orjson

from journal.erasure.requests import Forgotten, read_requests
from journal.format.event import Event
from journal.fs.key_file import read_keys
from journal.lanes.restore import Lost, restore
from projector.db.connections import open_reader
from projector.db.generations import generations
from projector.db.quiet import quiet
from projector.db.rows import STORED, stored, to_redacted
from projector.errors import ProjectionError
from projector.run.build import building, put_into_use, rebuild
from projector.run.hiding import recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from journal.erasure.request import Request
    from journal.fs.directory import Directory


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was written back.

    Attributes:
        events: how many events; each content of a conflict counts.
        sessions: how many sessions they belong to.
        lane: name of the lane's folder they were written to; empty if there was nothing to write.
        generation: number of the generation in use now.
        forgotten: how many records were not written back, since a request forgets them.
    """

    events: int
    sessions: int
    lane: str
    generation: int
    forgotten: int = 0


def salvage(journal: Directory) -> Salvaged:
    """Write back the events that the projection in use has and the journal lacks.

    A new generation is built from the lanes and compared with the one in use. Missing events are
    written to a new lane folder with their times, and the new generation is put into use. What a
    request in either of them forgets is not written.

    Raises:
        ProjectionError: there is no projection to save from, it cannot be read, or the journal is
            read-only.
        ProjectorBusy: a build runs.
        AppendError: the journal cannot be written.
    """
    kept = generations(journal.path)
    current = kept.current()
    if current is None:
        raise ProjectionError(f"{kept.folder} has no projection to save anything from")
    if not os.access(kept.folder, os.W_OK):
        raise ProjectionError(
            f"cannot write to {kept.folder}: it is read-only, and what is saved is written to the"
            " journal; copy the journal to a place that can be written, and salvage it there"
        )
    known = open_reader(kept.path(current), journal.uuid)
    requests: tuple[Request, ...] = ()
    try:
        with quiet:
            requests = tuple(request for request, _ in recorded(known))
        forgotten = Forgotten(
            (*read_requests(journal).requests, *requests), read_keys(journal.path)
        )
        with building(journal) as number:
            built = open_reader(kept.path(number), journal.uuid)
            with quiet:
                try:
                    missing = _arranged(_missing(known, built))
                finally:
                    built.close()
            lost = list(_remembered(missing, forgotten))
            name, events = "", 0
            if lost:
                lane, events = restore(journal, lost)
                name = lane.name
            requests = put_into_use(journal, number)
        if requests:  # they were among what was written back
            number = rebuild(journal)
    except apsw.Error as error:
        raise ProjectionError(f"cannot read the projection in {kept.folder}: {error}") from error
    finally:
        with quiet:
            known.close()
    sessions = {record.event.session for record in lost}
    return Salvaged(events, len(sessions), name, number, len(missing) - len(lost))


def _remembered(missing: Iterable[Lost], forgotten: Forgotten) -> Iterator[Lost]:
    """Yield the records that no request forgets, without their forgotten parts."""
    for record in missing:
        event, _ = forgotten.apply(record.event, record.lane, record.seq)
        if event is not None:
            yield record._replace(event=event)


def _arranged(lost: Iterable[Lost]) -> list[Lost]:
    """Sort by lane and number, the lane with the highest order last.

    A writer that looks for the highest order in a folder reads only its last record.
    """
    found = list(lost)
    highest: dict[str, int] = {}
    for record in found:
        highest[record.lane] = max(highest.get(record.lane, 0), record.event.order)
    return sorted(found, key=lambda record: (highest[record.lane], record.lane, record.seq))


def _missing(known: apsw.Connection, found: apsw.Connection) -> Iterator[Lost]:
    """Yield the records that `known` has and `found` lacks.

    Every record of a key is compared, not the content alone: a sweep may have read one of them and
    not the others, and the lowest order decides which content is in force.
    """
    names: list[tuple[Any, ...]] = known.execute("SELECT session FROM _sessions").fetchall()
    for (session,) in names:
        there = _records(found, session).keys()
        for place, record in _records(known, session).items():
            if place not in there:
                yield record


def _records(db: apsw.Connection, session: str) -> dict[tuple[str, str, int], Lost]:
    """Return every record of a session's keys, by key, lane and number."""
    records: dict[tuple[str, str, int], Lost] = {}
    contents: dict[str, Event] = {}
    for record in _contents(db, session):
        records[record.event.id, record.lane, record.seq] = record
        contents.setdefault(record.event.id, record.event)
    copies = db.execute(
        "SELECT event_id, _lanes.uuid, seq, ord FROM _copies JOIN _lanes ON _lanes.id = lane_row"
        " WHERE session = (SELECT id FROM _sessions WHERE session = ?)",
        (session,),
    )
    for key, lane, seq, ord in copies:
        if key in contents:
            again = replace(contents[key], order=ord)
            records.setdefault((key, lane, seq), Lost(lane, seq, again))
    return records


def _contents(db: apsw.Connection, session: str) -> Iterator[Lost]:
    """Yield every content of a session, also those that are not in force."""
    in_force = db.execute(
        f"SELECT event_id, _kinds.type, _lanes.uuid, {_STORED} FROM _events e"
        " JOIN _kinds ON _kinds.id = e.kind JOIN _lanes ON _lanes.id = e.lane_row"
        " WHERE e.transcript_index = 0"
        " AND e.session = (SELECT id FROM _sessions WHERE session = ?)",
        (session,),
    )
    for key, type, lane, *columns in in_force:
        row = stored(tuple(columns))
        redacted = to_redacted(row.redacted)
        yield Lost(lane, row.seq, Event(session, key, type, row.time, row.ord, row.data, redacted))
    others = db.execute(
        "SELECT event_id, type, time, ord, _lanes.uuid, seq, data, redacted FROM _other_contents"
        " JOIN _lanes ON _lanes.id = lane_row"
        " WHERE transcript_index = 0 AND session = (SELECT id FROM _sessions WHERE session = ?)",
        (session,),
    )
    for key, type, time, ord, lane, seq, data, text in others:
        redacted = to_redacted(text)
        event = Event(session, key, type, time, ord, orjson.loads(data), redacted)
        yield Lost(lane, seq, event)


_STORED = ", ".join(f"e.{name}" for name in STORED.split(", "))
