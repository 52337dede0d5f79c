"""The status of a journal and its projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.fs.key_file import read_keys
from journal.segments.gone import repeat_if_gone
from journal.segments.listing import list_segments
from journal.segments.machines import Mirrored, mirrored, retired_lanes
from projector.db.schema import COUNTERS, KEYS
from projector.run.watermark import lag, load_marks
from projector.views.session_names import EXISTS

if TYPE_CHECKING:
    from pathlib import Path

    import apsw

    from projector.reading.reader import Reader
    from projector.run.open_segments import Place
    from projector.run.watermark import Mark


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a journal and its projection.

    Attributes:
        lanes, segments: in the journal.
        events, messages, sessions: in the projection; a message that forks repeat counts once.
        replays: messages of transcripts that repeat one of another session.
        duplicates: records of events that the projection already had, with another content too if
            that is the same event before or after it was redacted.
        conflicts: contents that are not in force, since another event has their key.
        quarantined: stretches of bytes that are no valid record.
        unknown: events of types that this version does not know.
        reread: segments that were found cut off or replaced, and read again.
        unprojected: records that are not applied yet.
        lag_bytes: bytes that are not applied yet.
        generation: number of the one in use, 0 if there is none.
        projector_running: whether a process holds the projector's lock.
        wal_bytes, database_bytes: sizes of the files.
        unknown_keys: ids of keys that requests to forget or redacted events name and the journal
            lacks, sorted: what these requests forget is shown.
        retired: names of lane folders that no writer continues.
        machines: the other machines whose lanes are mirrored here, or which reported themselves.
    """

    lanes: int
    segments: int
    events: int
    messages: int
    sessions: int
    replays: int
    duplicates: int
    conflicts: int
    quarantined: int
    unknown: int
    reread: int
    unprojected: int
    lag_bytes: int
    generation: int
    projector_running: bool
    wal_bytes: int
    database_bytes: int
    unknown_keys: tuple[str, ...]
    retired: tuple[str, ...]
    machines: tuple[Mirrored, ...]


def status(reader: Reader) -> Status:
    """Read the status of a journal and its projection; nothing is changed.

    Raises:
        ProjectionError: the projection cannot be read.
        ReadError: a lane cannot be read.
    """
    return repeat_if_gone(lambda: _status(reader))


def _status(reader: Reader) -> Status:
    refs = list_segments(reader.journal.lanes)
    generation = reader.generations.current() or 0
    path = reader.generations.path(generation)
    counters, sessions, marks, keys = reader.look(_look)
    behind = lag(marks, refs)
    del counters["latest"]
    counters["messages"] -= counters["replays"]
    return Status(
        lanes=len({ref.lane for ref in refs}),
        segments=len(refs),
        sessions=sessions,
        unprojected=behind.records,
        lag_bytes=behind.bytes,
        generation=generation,
        projector_running=reader.projector_lock.is_locked(),
        wal_bytes=_size(path.with_name(f"{path.name}-wal")),
        database_bytes=_size(path),
        unknown_keys=tuple(sorted(keys - {key.id for key in read_keys(reader.journal.path)})),
        retired=retired_lanes(reader.journal.lanes),
        machines=mirrored(reader.journal, refs),
        **counters,
    )


def _look(
    db: apsw.Connection | None,
) -> tuple[dict[str, int], int, dict[Place, Mark], set[str]]:
    if db is None:
        return dict.fromkeys(COUNTERS, 0), 0, {}, set()
    stored = dict(db.execute("SELECT key, value FROM _meta"))
    counters = {name: stored[name] for name in COUNTERS}
    query = f"SELECT count(*) FROM _sessions WHERE {EXISTS}"
    keys = {str(key) for (key,) in db.execute(KEYS)}
    return counters, db.execute(query).get, load_marks(db), keys


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
