"""What an applier keeps in memory: copies of tables, and what must be folded before the commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from projector.db.schema import COUNTERS
from projector.db.tags import inherited

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    import apsw

    from journal.format.event import Event
    from projector.fold.sweeps import Order, Reach

Value = TypeVar("Value")

_MOST = 20_000
"""Entries of a cache: memory does not grow with a million sessions."""


class Arrival(NamedTuple):
    """An event that is to be applied, its names replaced by row numbers.

    Attributes:
        session, kind, lane_row: rowids of its session, its type and its lane.
        seq: its number in the lane.
        transcript_index: its index, from 1, in the `transcript.replaced` that holds it; 0 if it is
            a record of its own.
        event: the event.
    """

    session: int
    kind: int
    lane_row: int
    seq: int
    transcript_index: int
    event: Event


@dataclass(slots=True)
class Dirty:
    """What must be folded again before the next commit, by rowid of the session (and message id).

    Attributes:
        order: sessions whose messages must be ordered again.
        sessions, usage, keys: sessions whose fields, totals, keys must be folded again.
        messages: messages to which changes must be applied again.
        transcripts: sessions to all of whose messages changes must be applied again.
        done: of sessions in `transcripts` that are half done: the last message id that is folded.
    """

    order: set[int] = field(default_factory=set)
    sessions: set[int] = field(default_factory=set)
    usage: set[int] = field(default_factory=set)
    keys: set[int] = field(default_factory=set)
    messages: set[tuple[int, str]] = field(default_factory=set)
    transcripts: set[int] = field(default_factory=set)
    done: dict[int, str] = field(default_factory=dict)

    def rows(self) -> set[tuple[str, int, str]]:
        """Return what the next transaction must fold, as rows of `_unfolded`."""
        found = {
            ("transcript", session, self.done.get(session, "")) for session in self.transcripts
        }
        found |= {("message", session, id) for session, id in self.messages}
        return found | {("order", session, "") for session in self.order}

    def add_row(self, what: str, session: int, message: str) -> None:
        """Add a row of `_unfolded`."""
        if what == "transcript":
            self.transcripts.add(session)
            self.done[session] = message
        elif what == "message":
            self.messages.add((session, message))
        else:
            self.order.add(session)


class RowIds(dict[str, int]):
    """The rowids of names, from a table that gives each name a row.

    A name is looked up when it is asked for, and inserted if it is new.
    """

    def __init__(
        self, db: apsw.Connection, table: str, column: str, on_new: Callable[[int], None]
    ) -> None:
        self._db = db
        self._on_new = on_new
        self._insert = f"INSERT INTO {table}({column}) VALUES(?)"
        self._find = f"SELECT id FROM {table} WHERE {column} = ?"
        self._find_name = f"SELECT {column} FROM {table} WHERE id = ?"
        self._names: dict[int, str] = {}

    def __missing__(self, name: str) -> int:
        if len(self) >= _MOST:
            self.clear()
        row: int | None = self._db.execute(self._find, (name,)).get
        if row is None:
            self._db.execute(self._insert, (name,))
            row = self._db.last_insert_rowid()
            self._on_new(row)
        self[name] = row
        return row

    def name(self, row: int) -> str:
        """Return the name with a rowid, which must be there."""
        name = self._names.get(row)
        if name is None:
            if len(self._names) >= _MOST:
                self._names.clear()
            name = self._names[row] = str(self._db.execute(self._find_name, (row,)).get)
        return name


class SessionCache(dict[int, Value]):
    """A value for each session, by its rowid, read from the tables when it is asked for."""

    def __init__(self, load: Callable[[int], Value]) -> None:
        self._load = load

    def __missing__(self, session: int) -> Value:
        if len(self) >= _MOST:
            self.clear()
        value = self[session] = self._load(session)
        return value


class State:
    """Row numbers of names, and what the next events must be compared with.

    All of it can be read from the database again, which happens after a rollback.

    Attributes:
        dirty: what must be folded again before the next commit.
        sessions, kinds, lanes: rowids by session id, event type and lane uuid.
        counters: the counters of `_meta`.
        next_row: rowid of the next event.
        missing: of each session the parents that no message has.
        changing: of each session whether events change its messages.
        tagged: of each session what its messages are tagged with for its source. The first of them
            decides: a text is taken out of the index by the words that were put in, so it never
            changes.
        sweeps: of some sessions the events that its sweeps reach.
        used: of each session the sums of `usage.added` events since the last commit.
        only_adds: of some sessions whether totals are plain sums.
        named: of some sessions the source in events of this transaction that are not folded yet.
    """

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self.dirty = Dirty()
        self._unfolded: set[tuple[str, int, str]] = set()
        for row in db.execute("SELECT what, session, message FROM _unfolded"):
            self._unfolded.add(row)
            self.dirty.add_row(*row)
        meta: dict[str, int] = dict(db.execute("SELECT key, value FROM _meta"))
        self.counters = {name: meta[name] for name in COUNTERS}
        self._saved = dict(self.counters)
        self.next_row: int = db.execute("SELECT coalesce(max(id), 0) + 1 FROM _events").get
        # loaded by session: whole, they are as much as was ever revised, at each opening
        self.missing = SessionCache(self._load_missing)
        self.changing = SessionCache(self._load_changing)
        self.tagged = SessionCache(self._load_tagged)
        self._ahead = SessionCache(self._load_ahead)
        self.sessions = RowIds(db, "_sessions", "session", self._begin_session)
        self.kinds = RowIds(db, "_kinds", "type", lambda _: None)
        self.lanes = RowIds(db, "_lanes", "uuid", lambda _: None)
        self.sweeps: dict[int, Reach] = {}
        self.used: dict[int, Counter[str]] = {}
        self.only_adds: dict[int, bool] = {}
        self.named: dict[int, str] = {}

    def _begin_session(self, session: int) -> None:
        self.missing[session], self.changing[session] = set(), False

    def _load_missing(self, session: int) -> set[str]:
        query = "SELECT parent FROM _missing_parents WHERE session = ?"
        return {str(parent) for (parent,) in self._db.execute(query, (session,))}

    def _load_changing(self, session: int) -> bool:
        query = "SELECT 1 FROM _changes WHERE session = ? LIMIT 1"
        return self._db.execute(query, (session,)).get is not None

    def _load_tagged(self, session: int) -> str:
        query = "SELECT source, tagged FROM _sessions WHERE id = ?"
        row = self._db.execute(query, (session,)).fetchone()
        source, tagged = cast("tuple[str | None, str | None]", row)
        if tagged is None:
            tagged = inherited(self.named.get(session, source))
            self._db.execute("UPDATE _sessions SET tagged = ? WHERE id = ?", (tagged, session))
        return tagged

    def _load_ahead(self, session: int) -> int:
        query = "SELECT ahead FROM _sessions WHERE id = ?"
        return self._db.execute(query, (session,)).get or 0

    def order(self, ord: int, lane_row: int, seq: int) -> Order:
        """Return the sort key of an event, which does not depend on this projection's rowids."""
        return ord, self.lanes.name(lane_row), seq

    def note_ahead(self, session: int, timestamp: int | None, order: int) -> None:
        """Mark a session for a new order if a message is dated later than its own order.

        Messages of the same lane without a date of their own come after it.
        """
        if timestamp is not None and timestamp <= order:
            return
        ahead = self._ahead[session]
        if timestamp is not None:
            self._ahead[session] = max(ahead, timestamp)
            self._db.execute(
                "UPDATE _sessions SET ahead = max(coalesce(ahead, 0), ?) WHERE id = ?",
                (timestamp, session),
            )
            self.dirty.order.add(session)
        elif order < ahead:
            self.dirty.order.add(session)

    def save_unfolded(self) -> None:
        """Write what is left to be folded into the current transaction."""
        rows = self.dirty.rows()
        if rows != self._unfolded:
            self._db.executemany(
                "DELETE FROM _unfolded WHERE what = ? AND session = ? AND message = ?",
                self._unfolded - rows,
            )
            self._db.executemany("INSERT INTO _unfolded VALUES(?, ?, ?)", rows - self._unfolded)
        self._unfolded = rows

    @property
    def is_unfolded(self) -> bool:
        """Whether the last commit left something to be folded."""
        return bool(self._unfolded)

    def save_counters(self) -> None:
        """Write the counters that changed into the current transaction."""
        changed = [(n, name) for name, n in self.counters.items() if n != self._saved[name]]
        self._db.executemany("UPDATE _meta SET value = ? WHERE key = ?", changed)
        self._saved = dict(self.counters)
