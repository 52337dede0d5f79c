"""The tables of a projection.

The full-text table is contentless: the text is stored once, in `_events`, and the row of the index
(`projector.text.normalize.index_form`) can always be computed from it again. Only features that
SQLite has had since 3.24 are used, so the stock `sqlite3` and Datasette read the file.

A database holds all of a journal, or the sessions of one part. The sessions of other parts, of
which a part has skeletons only (`projector.fold.skeleton`), have rowids below 0 in `_sessions`, and
their events in `_events`. What reads the database sees only rows above 0 (`hide_foreign`), and so
do the documented views.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import unidata_version

from journal.process.fork import no_fork
from journal.process.ids import uuid7
from projector.db.kinds import KINDS, MESSAGE
from projector.db.tags import AT, FIRST, MOVED, given
from projector.fold.sessions import FIELDS

if TYPE_CHECKING:
    import apsw

_INDEX_PAGE = 4040
"""Bytes of a page of the full-text index: it fits into a database page that ends with a checksum,
where one of the usual 4,050 would take two."""

_INDEX_HASH = 32 * 1024 * 1024
"""Bytes of the full-text index that a writer collects in memory before they become pages."""

SCHEMA = 22
"""Version of tables, fold and text cutting; a projection of another version is rebuilt."""

_SQL_TYPES = {str: "TEXT", dict: "TEXT", int: "INTEGER"}
"""Types of columns for fields of a session; an object is JSON text."""

ABOVE = "coalesce(parent, origin)"
"""Of a row of `_sessions`: what it continues or belongs to, by its events or by its replays."""

_PROJECT = given("cwd")
_KEY = "json_extract(redacted, '$.key')"

TOKENIZER = "unicode61 remove_diacritics 2"
"""How the full-text index cuts words."""

_TABLES = f"""
CREATE TABLE _meta(key TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;
CREATE TABLE _lanes(
  id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, applied INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE _superseded(uuid TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE _requests(
  number INTEGER PRIMARY KEY, id TEXT NOT NULL, time INTEGER NOT NULL, key TEXT NOT NULL,
  understood INTEGER NOT NULL, data TEXT NOT NULL
);
CREATE TABLE _segments(
  lane_folder TEXT, number INTEGER, uuid TEXT NOT NULL, lane_row INTEGER NOT NULL,
  offset INTEGER NOT NULL, prefix_crc INTEGER NOT NULL, restored INTEGER NOT NULL,
  numbers INTEGER NOT NULL, known INTEGER NOT NULL,
  inode INTEGER NOT NULL, changed INTEGER NOT NULL,
  PRIMARY KEY(lane_folder, number)
) WITHOUT ROWID;
CREATE TABLE _kinds(id INTEGER PRIMARY KEY, type TEXT NOT NULL UNIQUE);
CREATE TABLE _sessions(
  id INTEGER PRIMARY KEY, session TEXT NOT NULL UNIQUE,
  {", ".join(f'"{name}" {_SQL_TYPES[kind]}' for name, kind in FIELDS.items())},
  ended INTEGER, end_reason TEXT, extra TEXT,
  known INTEGER NOT NULL DEFAULT 0, message_total INTEGER NOT NULL DEFAULT 0,
  messages INTEGER NOT NULL DEFAULT 0, first INTEGER, last INTEGER, ahead INTEGER,
  replays INTEGER NOT NULL DEFAULT 0, own_first INTEGER, origin TEXT,
  {", ".join(f"{column} TEXT" for column in FIRST)},
  indexed INTEGER NOT NULL DEFAULT 0, tagged INTEGER NOT NULL DEFAULT 0,
  {", ".join(f"{column} TEXT" for column in AT)}
);
CREATE INDEX sessions_last ON _sessions(last DESC);
CREATE INDEX sessions_moved ON _sessions(id) WHERE {MOVED};
CREATE INDEX sessions_project ON _sessions({_PROJECT}) WHERE {_PROJECT} IS NOT NULL;
CREATE INDEX sessions_parent ON _sessions(parent) WHERE parent IS NOT NULL;
CREATE INDEX sessions_above ON _sessions({ABOVE}) WHERE {ABOVE} IS NOT NULL;
CREATE TABLE _events(
  id INTEGER PRIMARY KEY, session INTEGER NOT NULL, event_id TEXT NOT NULL,
  kind INTEGER NOT NULL, time INTEGER NOT NULL, ord INTEGER NOT NULL,
  lane_row INTEGER NOT NULL, seq INTEGER NOT NULL, transcript_index INTEGER NOT NULL,
  state INTEGER NOT NULL, order_time INTEGER, order_depth INTEGER, timestamp INTEGER,
  parent TEXT, role TEXT, source TEXT, content TEXT, content_is_json INTEGER,
  other_fields TEXT, original TEXT, redacted TEXT,
  UNIQUE(session, event_id)
);
CREATE INDEX events_order ON _events(session, order_time, order_depth, ord) WHERE kind = {MESSAGE};
CREATE INDEX events_other ON _events(session, kind) WHERE kind <> {MESSAGE};
CREATE INDEX events_redacted ON _events({_KEY}) WHERE redacted IS NOT NULL;
CREATE TABLE _changes(
  session INTEGER, message TEXT, event INTEGER, PRIMARY KEY(session, message, event)
) WITHOUT ROWID;
CREATE TABLE _copies(
  session INTEGER, event_id TEXT, lane_row INTEGER, seq INTEGER NOT NULL, ord INTEGER NOT NULL,
  PRIMARY KEY(session, event_id, lane_row)
) WITHOUT ROWID;
CREATE TABLE _lines(line TEXT PRIMARY KEY, event INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE _shared(
  event INTEGER PRIMARY KEY, line TEXT NOT NULL, words TEXT NOT NULL, session INTEGER NOT NULL,
  copied INTEGER NOT NULL, home INTEGER
);
CREATE INDEX shared_line ON _shared(line, words);
CREATE INDEX shared_session ON _shared(session);
CREATE TABLE _facet_values(
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, reversed TEXT,
  UNIQUE(kind, name)
);
CREATE INDEX facet_values_reversed ON _facet_values(reversed) WHERE reversed IS NOT NULL;
CREATE TABLE _facets(
  value INTEGER, session INTEGER, messages INTEGER NOT NULL, PRIMARY KEY(value, session)
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
CREATE TABLE _other_contents(
  id INTEGER PRIMARY KEY, session INTEGER NOT NULL, event_id TEXT NOT NULL, type TEXT NOT NULL,
  time INTEGER NOT NULL, ord INTEGER NOT NULL, lane_row INTEGER NOT NULL, seq INTEGER NOT NULL,
  transcript_index INTEGER NOT NULL, same INTEGER NOT NULL, crc INTEGER NOT NULL,
  data TEXT NOT NULL, redacted TEXT
);
CREATE INDEX other_contents_key ON _other_contents(session, event_id, crc);
CREATE TABLE _quarantine(
  lane_folder TEXT, number INTEGER, offset INTEGER, length INTEGER NOT NULL,
  lane TEXT NOT NULL, segment TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY(lane_folder, number, offset)
) WITHOUT ROWID;
CREATE TABLE _outbox(
  position INTEGER PRIMARY KEY AUTOINCREMENT, event INTEGER NOT NULL UNIQUE
);
CREATE VIRTUAL TABLE fts USING fts5(
  text, tags, keys, content='', tokenize='{TOKENIZER}'
);
CREATE VIRTUAL TABLE fts_titles USING fts5(title, content='', tokenize='{TOKENIZER}');
"""

UNFOLDED = "SELECT 1 FROM _unfolded LIMIT 1"
"""Selects a row if events are applied whose effects on messages are not all folded yet."""

NOT_UNDERSTOOD = "SELECT 1 FROM _requests WHERE NOT understood LIMIT 1"
"""Selects a row if the journal lacked the key of a request when events were applied."""

KEYS = (
    f"SELECT DISTINCT {_KEY} FROM _events WHERE redacted IS NOT NULL"
    f" UNION SELECT {_KEY} FROM _other_contents WHERE redacted IS NOT NULL"
    " UNION SELECT key FROM _requests"
)
"""Selects the ids of the keys that events and requests name."""

COUNTERS = (
    "events",
    "messages",
    "replays",
    "duplicates",
    "conflicts",
    "quarantined",
    "unknown",
    "reread",
    "latest",
)
"""Names of the counters kept in `_meta`; `latest` is the highest order of an event."""

APPLIED = "applied"
"""Key in `_meta` of the time of the last commit, microseconds by the wall clock; 0 if none."""


LOWEST = -(2**40)
"""The rowid below that of the first event of another part: they grow, as SQLite appends cheaply."""
OUTBOX = "outbox"
"""Key in `_meta` of a database whose outbox is filled; else it is missing."""
PART = "part"
"""Key in `_meta` of the part that a database holds, as text; it is missing if that is all."""

_HIDE = """
CREATE TEMP VIEW _sessions AS SELECT * FROM main._sessions
  WHERE id > 0 OR session >= '@' AND session < 'A';
CREATE TEMP VIEW _events AS SELECT * FROM main._events WHERE id > 0;
CREATE TEMP VIEW _changes AS SELECT * FROM main._changes WHERE session > 0;
CREATE TEMP VIEW _other_contents AS SELECT * FROM main._other_contents WHERE session > 0;
"""


def is_foreign(session: int) -> bool:
    """Return whether a session, by its rowid, belongs to another part."""
    return session < 0


def part_of(db: apsw.Connection) -> str | None:
    """Return the part that a database holds, as text; None if it holds all sessions.

    Raises:
        apsw.Error: the database refuses.
    """
    found: str | None = db.execute("SELECT value FROM _meta WHERE key = ?", (PART,)).get
    return found


def hide_foreign(db: apsw.Connection) -> None:
    """Hide the sessions of other parts on a connection that reads a part.

    The keys of namespaces (`@...`) stay: each part has all of them.

    Raises:
        apsw.Error: the database refuses.
    """
    if part_of(db) is not None:
        db.execute(_HIDE)


def make_tables(db: apsw.Connection, journal_uuid: str, part: str | None = None) -> None:
    """Make the tables and views in an empty database, with a first row for each counter.

    Args:
        db: the database.
        journal_uuid: uuid of the journal.
        part: the part that the database holds, as text; None if it holds all sessions.
    """
    with no_fork.turn:
        from projector.db.public_views import CREATE  # noqa: PLC0415 - a search makes no tables

    with db:
        db.execute(_TABLES)
        db.execute(CREATE)
        # the index remembers both: a connection that set them again would write at each opening
        options = [("pgsz", _INDEX_PAGE), ("hashsize", _INDEX_HASH)]
        db.executemany("INSERT INTO fts(fts, rank) VALUES(?, ?)", options)
        db.executemany("INSERT INTO _kinds(type, id) VALUES(?, ?)", KINDS.items())
        meta: dict[str, str | int] = {"journal": journal_uuid, "unicode": unidata_version}
        meta[APPLIED] = 0
        meta["build"] = uuid7()
        if part is not None:
            meta[PART] = part
        meta |= dict.fromkeys(COUNTERS, 0)
        db.executemany("INSERT INTO _meta(key, value) VALUES(?, ?)", meta.items())
