"""Records that one generation has and the lanes lack: find them, and write them back.

A journal can lose events that were projected: by a damaged block, a disk that did not sync, a
restored backup or a deleted segment. A generation that is built from the lanes lacks them, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import apsw
import orjson

from journal.erasure.requests import Forgotten, read_requests
from journal.format.event import Event
from journal.format.event_types import TRANSCRIPT_REPLACED
from journal.fs.key_file import read_keys
from journal.lanes.restore import Lost, restore
from projector.db.connections import open_reader
from projector.db.quiet import quiet
from projector.db.rows import STORED, stored, to_redacted
from projector.db.sqlite_errors import failure
from projector.run.hiding import recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from journal.erasure.request import Request
    from journal.fs.directory import Directory


@dataclass(frozen=True, slots=True)
class WrittenBack:
    """What was written back to the lanes.

    Attributes:
        events: how many records; each content of a conflict counts.
        sessions: how many sessions they belong to.
        lane: name of the lane's folder they were written to; empty if there was nothing to write.
        forgotten: how many records were not written back, since a request forgets them.
    """

    events: int = 0
    sessions: int = 0
    lane: str = ""
    forgotten: int = 0


def write_back(journal: Directory, known: Path, built: Path) -> WrittenBack:
    """Write the records back that a generation has, and one that was built from the lanes lacks.

    They are written to a lane folder of their own, with their lane, number, order and time. What a
    request in the lanes or in either generation forgets is not written.

    Args:
        journal: the opened journal.
        known: path of the generation that has them.
        built: path of the one that was built from the lanes; no process writes to it.

    Raises:
        ProjectionError: a generation cannot be read; ProjectionDamaged if a rebuild helps.
        AppendError: the journal cannot be written.
        ReadError, JournalOpenError: a lane or the file `key` cannot be read.
    """
    try:
        missing, requests = _read(journal, known, built)
    except apsw.Error as error:
        raise failure("read", known, error) from error
    if not missing:
        return WrittenBack()
    forgotten = Forgotten((*read_requests(journal).requests, *requests), read_keys(journal.path))
    lost = list(_remembered(missing, forgotten))
    lane, events = "", 0
    if lost:
        folder, events = restore(journal, lost)
        lane = folder.name
    sessions = {record.event.session for record in lost}
    return WrittenBack(events, len(sessions), lane, len(missing) - len(lost))


def _read(journal: Directory, known: Path, built: Path) -> tuple[list[Lost], list[Request]]:
    """Return the records that `known` has and `built` lacks, and the requests of `known`."""
    with quiet:
        there = open_reader(known, journal.uuid)
        try:
            found = open_reader(built, journal.uuid)
            try:
                missing = _arranged(_missing(there, found, known))
                requests = [request for request, _ in recorded(there)] if missing else []
            finally:
                found.close()
        finally:
            there.close()
    return missing, requests


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


def _missing(known: apsw.Connection, found: apsw.Connection, path: Path) -> Iterator[Lost]:
    """Yield the records that `known`, at `path`, has and `found` lacks.

    Every record of a key is compared, not the content alone: a sweep may have read one of them and
    not the others, and the lowest order decides which content is in force.
    """
    found.execute("ATTACH ? AS known", (str(path),))
    names = [session for (session,) in found.execute(_DIFFERENT)]
    found.execute("DETACH known")
    for session in names:
        there = _records(found, session).keys()
        for place, record in _records(known, session).items():
            if place not in there:
                yield record


def _records(db: apsw.Connection, session: str) -> dict[tuple[str, str, int], Lost]:
    """Return every record of a session's keys, by key, lane and number.

    The messages within a `transcript.replaced` are no records, also where they stand beside others
    of their keys: what is written back under the number of that record would count as seen by what
    has seen the record.
    """
    found: list[Lost] = []
    contents: dict[str, Event] = {}
    for record, is_within in _contents(db, session):
        contents.setdefault(record.event.id, record.event)
        if not is_within:
            found.append(record)
    copies = db.execute(
        "SELECT event_id, _lanes.uuid, seq, ord FROM _copies JOIN _lanes ON _lanes.id = lane_row"
        " WHERE session = (SELECT id FROM _sessions WHERE session = ?)",
        (session,),
    )
    found += [
        Lost(lane, seq, replace(contents[key], order=ord))
        for key, lane, seq, ord in copies
        if key in contents
    ]
    replacing: dict[tuple[str, int], str] = {}
    for record in found:
        if record.event.type == TRANSCRIPT_REPLACED:
            replacing.setdefault((record.lane, record.seq), record.event.id)
    records: dict[tuple[str, str, int], Lost] = {}
    for record in found:
        lane, seq, id = record.lane, record.seq, record.event.id
        if replacing.get((lane, seq), id) == id:
            records.setdefault((id, lane, seq), record)
    return records


def _contents(db: apsw.Connection, session: str) -> Iterator[tuple[Lost, bool]]:
    """Yield every content of a session, and whether it is only within a `transcript.replaced`."""
    in_force = db.execute(
        f"SELECT event_id, _kinds.type, _lanes.uuid, {_STORED} FROM _events e"
        " JOIN _kinds ON _kinds.id = e.kind JOIN _lanes ON _lanes.id = e.lane_row"
        " WHERE e.session = (SELECT id FROM _sessions WHERE session = ?)",
        (session,),
    )
    for key, type, lane, *columns in in_force:
        row = stored(tuple(columns))
        redacted = to_redacted(row.redacted)
        event = Event(session, key, type, row.time, row.ord, row.data, redacted)
        yield Lost(lane, row.seq, event), bool(row.transcript_index)
    others = db.execute(
        "SELECT event_id, type, time, ord, _lanes.uuid, seq, transcript_index, data, redacted"
        " FROM _other_contents JOIN _lanes ON _lanes.id = lane_row"
        " WHERE session = (SELECT id FROM _sessions WHERE session = ?)",
        (session,),
    )
    for key, type, time, ord, lane, seq, index, data, text in others:
        redacted = to_redacted(text)
        event = Event(session, key, type, time, ord, orjson.loads(data), redacted)
        yield Lost(lane, seq, event), bool(index)


_STORED = ", ".join(f"e.{name}" for name in STORED.split(", "))

_SAME_RECORD = (
    "found.session = (SELECT id FROM main._sessions s WHERE s.session = names.session)"
    " AND found.event_id = had.event_id AND found.seq = had.seq"
    " AND found.lane_row = (SELECT id FROM main._lanes l WHERE l.uuid = lanes.uuid)"
)
_DIFFERENT = " UNION ".join(
    f"SELECT names.session FROM known.{table} had"
    " JOIN known._sessions names ON names.id = had.session"
    " JOIN known._lanes lanes ON lanes.id = had.lane_row"
    f" WHERE {condition} AND NOT EXISTS (SELECT 1 FROM main.{table} found WHERE {_SAME_RECORD})"
    for table, condition in (
        ("_events", "had.transcript_index = 0"),
        ("_copies", "true"),
        ("_other_contents", "had.transcript_index = 0"),
    )
)
"""Selects the sessions of which the attached generation may have a record that the other lacks.

Only these are read: a generation of a million events differs in few sessions. A record can be in
another table, where another content of its key is in force, so their records are compared.
"""
