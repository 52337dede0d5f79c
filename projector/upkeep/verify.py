"""Check a projection: the database, the full-text index, and both against the journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw

from journal.errors import ReadError
from journal.segments.blocks import read_chunk
from journal.segments.gone import repeat_if_gone
from journal.segments.listing import list_segments
from journal.segments.segment import open_segment
from projector.db.generations import find_generations
from projector.db.kinds import MESSAGE
from projector.db.quiet import quiet
from projector.db.read_only import open_on_any_medium
from projector.db.schema import COUNTERS
from projector.errors import ProjectionError
from projector.fold.messages import IN_TRANSCRIPT, OUT
from projector.run.superseded import Superseded, known_numbers
from projector.run.watermark import is_unchanged, load_marks, place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

    from journal.fs.directory import Directory
    from journal.segments.listing import SegmentRef
    from projector.run.watermark import Mark

_MOST = 100
"""Faults of a database that SQLite lists."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a projection, or between it and the journal.

    Attributes:
        kind: `database`, `index`, `count` or `log`.
        what: where, and what is wrong.
        remedy: the command that repairs it.
    """

    kind: str
    what: str
    remedy: str


def verify(journal: Directory) -> list[Fault]:
    """Check the generation in use; change nothing, and let readers and the projector work.

    - SQLite's integrity check of every table and index, the full-text index among them.
    - Counters, rows and indexed texts agree.
    - Every segment still begins with what was applied of it. If one is gone, shorter or
      another, the projection may have events that the journal has lost.

    Raises:
        ReadError: the lanes cannot be listed.
        ProjectionError: CURRENT cannot be read.
    """
    kept = find_generations(journal.path)
    while (number := kept.current()) is not None:
        path = kept.path(number)
        try:
            db, _ = open_on_any_medium(path, journal.uuid)
        except ProjectionError as error:
            if kept.current() == number:  # else another one is in use by now, and this one is gone
                return [Fault("database", str(error), "projector rebuild")]
        else:
            return _faults(db, path, journal)
    return [Fault("database", "no projection was built yet", "projector sync")]


def _faults(db: apsw.Connection, path: Path, journal: Directory) -> list[Fault]:
    """Check a generation, and close its connection."""
    try:
        with quiet, db:  # one snapshot: a projector may write meanwhile
            # the journal is read after the watermark, so it can only be ahead of it
            db.execute("SELECT 1 FROM _meta").get  # noqa: B018 - begins the snapshot
            faults = list(_database_faults(db))
            faults += repeat_if_gone(lambda: list(_all_log_faults(db, journal)))
    except apsw.Error as error:
        return [Fault("database", f"{path}: {error}", "projector rebuild")]
    finally:
        with quiet:
            db.close()
    return faults


def _all_log_faults(db: apsw.Connection, journal: Directory) -> Iterator[Fault]:
    """Compare the watermark with the segments.

    Raises:
        ReadError: a segment was removed since it was listed, or the lanes cannot be listed.
    """
    refs = {place(ref): ref for ref in list_segments(journal.lanes)}
    superseded = Superseded(db)
    for at, mark in sorted(load_marks(db).items()):
        there = (ref for ref in refs.values() if ref.lane == at[0])
        if at not in refs and superseded.explains(mark.uuid, there):
            continue
        yield from _log_faults(at, mark, refs.get(at))


def _database_faults(db: apsw.Connection) -> Iterator[Fault]:
    for (line,) in db.execute(f"PRAGMA integrity_check({_MOST})"):
        if line != "ok":
            kind = "index" if "fts" in str(line).lower() else "database"
            yield Fault(kind, str(line), "projector rebuild")
    counted = {name: _count(db, query) for name, query in _COUNTS.items()}
    stored = dict(db.execute("SELECT key, value FROM _meta"))
    for name in COUNTERS:
        if name in counted and counted[name] != stored[name]:
            what = f"{stored[name]} {name} are counted, {counted[name]} are there"
            yield Fault("count", what, "projector rebuild")
    if stored["reread"]:
        what = (
            "segments were found cut off or replaced, and read again, so the projection may have"
            f" events that the journal no longer contains: {stored['reread']}"
        )
        yield Fault("log", what, _SALVAGE)
    texts = _count(db, "SELECT count(*) FROM fts_docsize")
    found = _count(
        db,
        f"SELECT count(*) FROM _events e WHERE kind = {MESSAGE} AND state < {OUT}"
        " AND NOT EXISTS (SELECT 1 FROM _shared WHERE event = e.id AND home IS NOT NULL)",
    )
    if texts != found:
        what = f"{found} messages that are found, {texts} texts in the full-text index"
        yield Fault("index", what, "projector rebuild")


_COUNTS = {
    "events": "SELECT count(*) FROM _events WHERE transcript_index = 0",
    "messages": f"SELECT count(*) FROM _events WHERE kind = {MESSAGE} AND state = {IN_TRANSCRIPT}",
    "replays": (
        "SELECT count(*) FROM _shared x JOIN _events e ON e.id = x.event"
        f" WHERE x.home > 0 AND e.kind = {MESSAGE} AND e.state = {IN_TRANSCRIPT}"
    ),
    "conflicts": "SELECT count(*) FROM _other_contents WHERE NOT same",
    "quarantined": "SELECT count(*) FROM _quarantine",
}


def _count(db: apsw.Connection, query: str) -> int:
    count: int = db.execute(query).get
    return count


def _log_faults(at: tuple[str, int], mark: Mark, ref: SegmentRef | None) -> Iterator[Fault]:
    folder, number = at
    name = f"lane {folder} segment {number}"
    if ref is None:
        yield Fault("log", f"{name} is gone: {mark.offset:,} bytes were applied", _SALVAGE)
    else:
        try:
            with open_segment(ref.path) as file:
                same = is_unchanged(file, mark) or _supersedes(file, mark)
        except FileNotFoundError as error:
            raise ReadError(f"cannot open {ref.path}: it was removed") from error
        except (OSError, ReadError) as error:
            yield Fault("log", f"{name} cannot be read: {error}", "journal verify")
        else:
            if not same and ref.size < mark.offset:
                what = f"{name} has {ref.size:,} bytes, and {mark.offset:,} were applied"
                yield Fault("log", what, _SALVAGE)
            elif not same:
                yield Fault("log", f"{name} is not the one that was applied", _SALVAGE)


def _supersedes(file: FileIO, mark: Mark) -> bool:
    """Return whether a segment replaces the one that was applied: the projector reads it again."""
    return known_numbers(mark, read_chunk(file, 0, final=True)) is not None


_SALVAGE = "projector salvage"
