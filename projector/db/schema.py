"""The tables of a projection, and the connections to them.

The full-text table is contentless: the text stands once, in `events`, and what the index is fed
(`projector.text.normalize.index_form`) can always be computed from it again. Only features that
SQLite has had since 3.24 are used, so the stock `sqlite3` and Datasette read the file.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import unidata_version
from urllib.parse import quote

import apsw

from journal.fs.ownership import check_file
from projector.db.checksums import RESERVED, vfs
from projector.db.connections import connect
from projector.db.kinds import KINDS, MESSAGE
from projector.db.public_views import CREATE as CREATE_VIEWS
from projector.db.quiet import quiet
from projector.db.tags import MOVED
from projector.errors import ProjectionDamaged, ProjectionError, QueryError
from projector.fold.sessions import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUSY_MS = 5_000
"""Milliseconds for which SQLite waits where a moment's lock is in its way."""

PAGE = 4096
"""Bytes of a database page."""

_INDEX_PAGE = 4040
"""Bytes of a page of the full-text index: it fits into a database page that ends with a checksum,
where one of the usual 4,050 would take two."""

_INDEX_HASH = 32 * 1024 * 1024
"""Bytes of the full-text index that a writer collects in memory before they become pages."""

SCHEMA = 7
"""Version of tables, fold and text cutting; a projection of another version is rebuilt."""

SUFFIXES = ("", "-wal", "-shm", "-journal")
"""What the names of a database's files end in."""

_APPLICATION = 0x414A4E4C  # "AJNL", shown by file(1) and checked at opening

_SQL_TYPES = {str: "TEXT", dict: "TEXT", int: "INTEGER"}
"""Types of columns for fields of a session; an object is JSON text."""

_TABLES = f"""
CREATE TABLE _meta(key TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;
CREATE TABLE _lanes(
  id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, applied INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE _superseded(uuid TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE _segments(
  lane_folder TEXT, number INTEGER, uuid TEXT NOT NULL, lane_row INTEGER NOT NULL,
  offset INTEGER NOT NULL, prefix_crc INTEGER NOT NULL, restored INTEGER NOT NULL,
  PRIMARY KEY(lane_folder, number)
) WITHOUT ROWID;
CREATE TABLE _kinds(id INTEGER PRIMARY KEY, type TEXT NOT NULL UNIQUE);
CREATE TABLE _sessions(
  id INTEGER PRIMARY KEY, session TEXT NOT NULL UNIQUE,
  {", ".join(f"{name} {_SQL_TYPES[kind]}" for name, kind in FIELDS.items())},
  ended INTEGER, end_reason TEXT, extra TEXT,
  known INTEGER NOT NULL DEFAULT 0, message_total INTEGER NOT NULL DEFAULT 0,
  messages INTEGER NOT NULL DEFAULT 0, first INTEGER, last INTEGER, ahead INTEGER, tagged TEXT
);
CREATE INDEX sessions_last ON _sessions(last DESC);
CREATE INDEX sessions_moved ON _sessions(source, tagged) WHERE {MOVED};
CREATE INDEX sessions_parent ON _sessions(parent) WHERE parent IS NOT NULL;
CREATE TABLE _events(
  id INTEGER PRIMARY KEY, session INTEGER NOT NULL, event_id TEXT NOT NULL,
  kind INTEGER NOT NULL, time INTEGER NOT NULL, ord INTEGER NOT NULL,
  lane_row INTEGER NOT NULL, seq INTEGER NOT NULL, transcript_index INTEGER NOT NULL,
  state INTEGER NOT NULL, order_time INTEGER, order_depth INTEGER, timestamp INTEGER,
  parent TEXT, role TEXT, source TEXT, content TEXT, content_is_json INTEGER,
  other_fields TEXT, original TEXT,
  UNIQUE(session, event_id)
);
CREATE INDEX events_order ON _events(session, order_time, order_depth, ord) WHERE kind = {MESSAGE};
CREATE INDEX events_other ON _events(session, kind) WHERE kind <> {MESSAGE};
CREATE TABLE _changes(
  session INTEGER, message TEXT, event INTEGER, PRIMARY KEY(session, message, event)
) WITHOUT ROWID;
CREATE TABLE _copies(
  session INTEGER, event_id TEXT, lane_row INTEGER, seq INTEGER NOT NULL, ord INTEGER NOT NULL,
  PRIMARY KEY(session, event_id, lane_row)
) WITHOUT ROWID;
CREATE TABLE _usage(
  session INTEGER, name TEXT, total INTEGER NOT NULL, exact TEXT, PRIMARY KEY(session, name)
) WITHOUT ROWID;
CREATE TABLE _keys(
  session INTEGER, key TEXT, value TEXT,
  ord INTEGER NOT NULL, lane_row INTEGER NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY(session, key)
) WITHOUT ROWID;
CREATE TABLE _missing_parents(
  session INTEGER, parent TEXT, PRIMARY KEY(session, parent)
) WITHOUT ROWID;
CREATE TABLE _unfolded(
  what TEXT, session INTEGER, message TEXT, PRIMARY KEY(what, session, message)
) WITHOUT ROWID;
CREATE TABLE _conflicts(
  id INTEGER PRIMARY KEY, session INTEGER NOT NULL, event_id TEXT NOT NULL, type TEXT NOT NULL,
  time INTEGER NOT NULL, ord INTEGER NOT NULL, lane_row INTEGER NOT NULL, seq INTEGER NOT NULL,
  transcript_index INTEGER NOT NULL, data TEXT NOT NULL
);
CREATE INDEX conflicts_key ON _conflicts(session, event_id);
CREATE TABLE _quarantine(
  lane_folder TEXT, number INTEGER, offset INTEGER, length INTEGER NOT NULL,
  lane TEXT NOT NULL, segment TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY(lane_folder, number, offset)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE fts USING fts5(
  text, tags, content='', tokenize='unicode61 remove_diacritics 2'
);
"""

UNFOLDED = "SELECT 1 FROM _unfolded LIMIT 1"
"""Gives a row where events are applied whose effects on messages are not all in force yet."""

COUNTERS = (
    "events",
    "messages",
    "duplicates",
    "conflicts",
    "quarantined",
    "unknown",
    "reread",
    "latest",
)
"""Names of the counters kept in `meta`; `latest` is the highest order of an event."""


APPLIED = "applied"
"""Key in `meta` of the time of the last commit, microseconds by the wall clock; 0 if none."""


def create(path: Path, journal_uuid: str) -> apsw.Connection:
    """Make an empty projection for building: nobody else reads it until it is published.

    Raises:
        ProjectionError: the file cannot be made.
    """
    db = create_empty(path)
    try:
        # nobody reads a generation that is being built, and a crash throws it away
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
            db.pragma(*pragma.split(" = "))
        db.pragma("page_size", PAGE)
        if vfs() is not None:
            db.reserve_bytes("main", RESERVED)
        db.pragma("application_id", _APPLICATION)
        db.pragma("user_version", SCHEMA)
        _make_tables(db, journal_uuid)
        tune_writer(db)
    except apsw.Error as error:
        raise ProjectionError(f"cannot make the projection {path}: {error}") from error
    return db


def create_in_memory() -> apsw.Connection:
    """Make an empty projection that is gone when it is closed."""
    db = connect(":memory:", apsw.SQLITE_OPEN_READWRITE, None)
    _make_tables(db, "")
    return db


def _make_tables(db: apsw.Connection, journal_uuid: str) -> None:
    with db:
        db.execute(_TABLES)
        db.execute(CREATE_VIEWS)
        # the index remembers both: a connection that set them again would write at each opening
        options = [("pgsz", _INDEX_PAGE), ("hashsize", _INDEX_HASH)]
        db.executemany("INSERT INTO fts(fts, rank) VALUES(?, ?)", options)
        db.executemany("INSERT INTO _kinds(type, id) VALUES(?, ?)", KINDS.items())
        meta: dict[str, str | int] = {"journal": journal_uuid, "unicode": unidata_version}
        meta[APPLIED] = 0
        meta |= dict.fromkeys(COUNTERS, 0)
        db.executemany("INSERT INTO _meta(key, value) VALUES(?, ?)", meta.items())


def finish(path: Path) -> None:
    """Give a database that was built its WAL mode: from now on others may read it.

    Raises:
        ProjectionError: the file system refuses.
    """
    try:
        with quiet:
            db = _connect(path, apsw.SQLITE_OPEN_READWRITE)
            db.pragma("journal_mode", "wal")
            db.close()
    except apsw.Error as error:
        raise ProjectionError(f"cannot finish the projection {path}: {error}") from error


def create_empty(path: Path) -> apsw.Connection:
    """Make a database without a table, which only its owner can read.

    Raises:
        ProjectionError: the file exists, or cannot be made.
    """
    try:
        # SQLite gives the WAL and its index the mode of the database
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.fchmod(fd, 0o600)
        os.close(fd)
        return _connect(path, apsw.SQLITE_OPEN_READWRITE)
    except (OSError, apsw.Error) as error:
        raise ProjectionError(f"cannot make the projection {path}: {error}") from error


def _connect(path: Path, flags: int) -> apsw.Connection:
    name = str(path)
    if flags & apsw.SQLITE_OPEN_URI:
        name = f"file:{quote(name)}?immutable=1"
    with quiet:  # no fork may come while a VFS is made
        db = connect(name, flags, vfs())
    # else statements, FTS5's own among them, are compiled anew whenever a bound value changes: a
    # plan depends on the text alone now, and a partial index needs its condition spelled out
    db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    return db


def tune_writer(db: apsw.Connection) -> None:
    """Give a writing connection its memory for pages."""
    # four times as much was not faster, over a million messages: the kernel keeps pages too
    db.pragma("cache_size", -16 * 1024)
    db.pragma("temp_store", "MEMORY")


def open_writer(path: Path, journal_uuid: str) -> apsw.Connection:
    """Open a published projection for the one projector.

    Raises:
        ProjectionError: it cannot be opened, or is of another version or another journal.
    """
    # a text is taken out of the index by the words that were put in, and which characters make
    # words is Python's Unicode's to say: another version's would leave words behind
    made_for = {"journal": journal_uuid, "unicode": unidata_version}
    return _open(path, apsw.SQLITE_OPEN_READWRITE, made_for, _prepare_writer)


def _prepare_writer(db: apsw.Connection) -> None:
    db.pragma("synchronous", "NORMAL")
    db.pragma("journal_size_limit", 16 * 1024 * 1024)
    db.pragma("wal_autocheckpoint", 0)  # the projector checkpoints between its batches
    tune_writer(db)


def open_reader(path: Path, journal_uuid: str) -> apsw.Connection:
    """Open a projection for reading.

    Raises:
        ProjectionError: it cannot be opened, or is of another version or another journal.
    """
    return _open(path, apsw.SQLITE_OPEN_READONLY, {"journal": journal_uuid}, _prepare_reader)


def open_unchanging(path: Path, journal_uuid: str) -> apsw.Connection:
    """Open a projection that nobody writes to and that has no WAL; no file is made beside it.

    Raises:
        ProjectionError: it cannot be opened, or is of another version or another journal.
    """
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    return _open(path, flags, {"journal": journal_uuid}, _prepare_reader)


@contextmanager
def snapshot(db: apsw.Connection) -> Iterator[None]:
    """Let everything that is asked meanwhile see one state, under one lock.

    Raises:
        apsw.Error: the database refuses.
        QueryError: a text that is asked for is none.
    """
    if db.in_transaction:  # an interrupt came between the end of one and what is to follow it
        db.set_progress_handler(None)
        db.execute("ROLLBACK")
    db.execute("BEGIN")
    try:
        yield
    except UnicodeEncodeError as error:
        raise QueryError(
            f"{error.object!r:.60} has a lone surrogate at character {error.start},"
            " so it is no text, and nothing that is stored has it"
        ) from error
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _prepare_reader(db: apsw.Connection) -> None:
    db.pragma("cache_size", -16 * 1024)
    # a file that is cut short under a mapping kills the process; reading it is an error
    db.pragma("mmap_size", 0)


def _open(
    path: Path, flags: int, made_for: dict[str, str], prepare: Callable[[apsw.Connection], None]
) -> apsw.Connection:
    db = None
    try:
        _check_files(path)
        with quiet:
            db = _connect(path, flags)
            db.set_busy_timeout(BUSY_MS)
            _check(db, path, made_for)
            prepare(db)
    except (apsw.Error, ProjectionError) as error:
        if db is not None:
            db.close()
        if isinstance(error, ProjectionError):
            raise
        raise failure("open", path, error) from error
    return db


def _check_files(path: Path) -> None:
    """Refuse what SQLite would wait for or follow: it opens whatever has the name.

    Raises:
        ProjectionError: one of a database's files is not this user's own, or no regular file.
    """
    for suffix in SUFFIXES:
        file = path.with_name(path.name + suffix)
        try:
            check_file(file, file.lstat())
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ProjectionError(
                f"cannot open the projection: {error.strerror}, then run `projector rebuild`"
            ) from error


_DAMAGED = frozenset(
    [
        apsw.SQLITE_IOERR_DATA,  # a page does not have its checksum
        apsw.SQLITE_IOERR_READ,  # the disk cannot give a page any more
        apsw.SQLITE_IOERR_SHORT_READ,
        apsw.SQLITE_IOERR_CORRUPTFS,
    ]
)
"""Extended codes of errors of which only another file is a remedy."""
_DAMAGE = (
    *(apsw.CorruptError, apsw.NotADBError, apsw.SQLError),
    # our statements bind what their columns take, and our keys are found before they are written
    *(apsw.ConstraintError, apsw.MismatchError, apsw.FormatError, apsw.RangeError),
)
"""Errors in SQL too: a table that is not there. Our statements have none of their own."""


def failure(what: str, path: Path | str, error: apsw.Error) -> ProjectionError:
    """Return the error that says what could not be done, and whether only a rebuild helps."""
    message = f"cannot {what} the projection {path}: {error}"
    gone = isinstance(error, apsw.CantOpenError) and not Path(path).exists()
    damaged = getattr(error, "extendedresult", 0) in _DAMAGED
    if gone or damaged or isinstance(error, _DAMAGE):
        return ProjectionDamaged(f"{message}; run `projector rebuild`")
    return ProjectionError(message)


_MOVED = frozenset(
    [
        apsw.SQLITE_READONLY_DBMOVED,
        apsw.SQLITE_IOERR_VNODE,
        apsw.SQLITE_IOERR_SHMOPEN,
        apsw.SQLITE_IOERR_SHMMAP,
        apsw.SQLITE_IOERR_DELETE_NOENT,
        apsw.SQLITE_IOERR_FSTAT,
    ]
)
"""Extended codes of errors that a file makes which has lost its name."""


def was_taken_away(error: BaseException | None) -> bool:
    """Say whether an error looks as if the files were removed while they were in use.

    Who removes the folder of a projection that others read and write to leaves them with files
    that are not there, or not where they were; to begin again is all that it takes.
    """
    while error is not None:
        if isinstance(error, (FileNotFoundError, apsw.CantOpenError, apsw.BusyError)):
            return True
        if isinstance(error, (apsw.IOError, apsw.ReadOnlyError)):
            return getattr(error, "extendedresult", 0) in _MOVED
        error = error.__cause__
    return False


def _check(db: apsw.Connection, path: Path, made_for: dict[str, str]) -> None:
    """Refuse a database that is no projection of this version, made for this."""
    application, version = db.pragma("application_id"), db.pragma("user_version")
    if (application, version) != (_APPLICATION, SCHEMA):
        raise ProjectionDamaged(
            f"{path} is no projection of version {SCHEMA} (it says {version});"
            " run `projector rebuild`"
        )
    if vfs() is not None and db.reserve_bytes("main") != RESERVED:
        raise ProjectionDamaged(f"{path} has no checksums; run `projector rebuild`")
    for key, value in made_for.items():
        found = db.execute("SELECT value FROM _meta WHERE key = ?", (key,)).get
        if found != value:
            raise ProjectionDamaged(
                f"{path} was made for {key} {found}, not {value}; run `projector rebuild`"
            )
