"""What an applier keeps in memory: copies of tables, and what must be folded before the commit."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from projector.apply.dirty import Dirty
from projector.db.schema import APPLIED, COUNTERS, LOWEST, OUTBOX, is_foreign, part_of
from projector.db.tags import AT, FIRST, FOUND, GIVEN, INHERITED, Inherited
from projector.fold.part import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import apsw

    from journal.format.event import Event
    from projector.fold.facets import Own
    from projector.fold.sweeps import Order, Reach

Key = TypeVar("Key")
Value = TypeVar("Value")

_MOST = 20_000
"""Entries of a cache."""


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


class Cache(dict[Key, Value]):
    """Values that are loaded from the tables when they are asked for first.

    It is emptied when it is full: memory does not grow with a million sessions.
    """

    def __init__(self, load: Callable[[Key], Value]) -> None:
        self._load = load

    def __missing__(self, key: Key) -> Value:
        value = self[key] = self._load(key)
        return value

    def __setitem__(self, key: Key, value: Value) -> None:
        if len(self) >= _MOST:
            self.clear()
        super().__setitem__(key, value)


class State:
    """Row numbers of names, and what the next events must be compared with.

    All of it can be read from the database again, which happens after a rollback.

    Attributes:
        dirty: what must be folded again before the next commit.
        sessions, kinds, lanes: rowids by session id, event type and lane uuid. A name that has no
            row gets one when it is asked for.
        types, uuids: event types and lane uuids by rowid.
        counters: the numbers of `_meta`.
        part: which sessions the database holds; None if it holds all.
        next_row: rowid of the next event.
        next_foreign: rowid of the next event of another part's session.
        missing: of each session the parents that no message has.
        changing: of each session whether events change its messages.
        sharing: of each session whether others have messages of it.
        tagged: of each session what its messages are tagged with (`projector.db.tags`). The first
            of them decides: a text is taken out of the index by the words that were put in.
        firsts: of each session the values that the columns `projector.db.tags.FIRST` have.
        facets: how many messages with a kind and name of facet, of a session, were put into the
            index since the last commit, less those that were taken out.
        indexed: how many messages of a session were put into the index by themselves, likewise.
        sweeps: of some sessions the events that its sweeps reach.
        used: of each session the sums of `usage.added` events since the last commit.
        only_adds: of some sessions whether totals are plain sums.
        named: of some sessions the fields in events of this transaction that are not folded yet.
        regiven: sessions that may give their messages something else since these got their tags.
        has_sink: whether messages that change go into the outbox.
        outgoing: rowids of the messages that go there with the next commit.
        met: of some sessions the values of those messages of this transaction that came first.
    """

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self.dirty = Dirty()
        self._unfolded: set[tuple[str, int, str]] = set()
        for row in db.execute("SELECT what, session, message FROM _unfolded"):
            self._unfolded.add(row)
            self.dirty.add_row(*row)
        meta: dict[str, int] = dict(db.execute("SELECT key, value FROM _meta"))
        self.counters = {name: meta[name] for name in (*COUNTERS, APPLIED)}
        self._saved = dict(self.counters)
        own, foreign = "SELECT max(id) FROM _events", "SELECT max(id) FROM _events WHERE id < 0"
        self.next_row: int = max(db.execute(own).get or 0, 0) + 1
        self.next_foreign: int = (db.execute(foreign).get or LOWEST) + 1
        part = part_of(db)
        self.part = None if part is None else Part.parse(part)
        self.sessions = Cache(self._session_row)
        self.kinds = Cache(partial(self._row, "_kinds", "type"))
        self.lanes = Cache(partial(self._row, "_lanes", "uuid"))
        self.types = Cache(partial(self._name, "_kinds", "type"))
        self.uuids = Cache(partial(self._name, "_lanes", "uuid"))
        # by session: together they are as much as was ever revised, at each opening
        self.missing = Cache(self._load_missing)
        self.changing = Cache(self._load_changing)
        self.sharing = Cache(self._load_sharing)
        self.tagged: Cache[int, Inherited] = Cache(self._load_tagged)
        self.firsts = Cache(self._load_firsts)
        self.facets: Counter[tuple[str, str, int]] = Counter()
        self.indexed: Counter[int] = Counter()
        self._ahead = Cache(self._load_ahead)
        self.sweeps: dict[int, Reach] = {}
        self.used: dict[int, Counter[str]] = {}
        self.only_adds: dict[int, bool] = {}
        self.named: dict[int, dict[str, str]] = {}
        self.met: dict[int, dict[str, str]] = {}
        self.regiven: set[int] = set()
        self.has_sink = OUTBOX in meta
        self.outgoing: set[int] = set()

    def _row(self, table: str, column: str, name: str) -> int:
        query = f"SELECT id FROM {table} WHERE {column} = ?"
        found: int | None = self._db.execute(query, (name,)).get
        if found is None:
            self._db.execute(f"INSERT INTO {table}({column}) VALUES(?)", (name,))
            return self._db.last_insert_rowid()
        return found

    def _name(self, table: str, column: str, row: int) -> str:
        return str(self._db.execute(f"SELECT {column} FROM {table} WHERE id = ?", (row,)).get)

    def _session_row(self, name: str) -> int:
        query = "SELECT id, ahead FROM _sessions WHERE session = ?"
        found = self._db.execute(query, (name,)).fetchone()
        if found is None:
            row = self._new_session(name)
            # no other row can name it yet
            self.missing[row], self.changing[row], self.sharing[row] = set(), False, False
            self._ahead[row] = 0
            return row
        row, ahead = cast("tuple[int, int | None]", found)
        self._ahead[row] = ahead or 0
        return row

    def _new_session(self, name: str) -> int:
        """Insert a session; return its rowid, which is below 0 if it is of another part."""
        if self.part is None:
            self._db.execute("INSERT INTO _sessions(session) VALUES(?)", (name,))
            return self._db.last_insert_rowid()
        # SQLite would give the first one of this part, behind those of others, the rowid 0
        end, step = ("max", 1) if self.part.has(name) else ("min", -1)
        query = f"SELECT {end}(coalesce({end}(id), 0), 0) FROM _sessions"
        row: int = self._db.execute(query).get + step
        self._db.execute("INSERT INTO _sessions(id, session) VALUES(?, ?)", (row, name))
        return row

    def count(self, name: str, session: int, number: int) -> None:
        """Add to a counter, for a session of this part."""
        if not is_foreign(session):
            self.counters[name] += number

    def note_outgoing(self, rows: Iterable[int]) -> None:
        """Note messages of which a sink must get what they are now."""
        if self.has_sink:
            self.outgoing.update(rows)

    def _load_missing(self, session: int) -> set[str]:
        query = "SELECT parent FROM _missing_parents WHERE session = ?"
        return {str(parent) for (parent,) in self._db.execute(query, (session,))}

    def _load_changing(self, session: int) -> bool:
        query = "SELECT 1 FROM _changes WHERE session = ? LIMIT 1"
        return self._db.execute(query, (session,)).get is not None

    def _load_sharing(self, session: int) -> bool:
        # usage (its words begin with u) that its session alone repeats concerns no message
        query = "SELECT 1 FROM _shared WHERE session = ? AND (copied OR words < 'u') LIMIT 1"
        return self._db.execute(query, (session,)).get is not None

    def _load_tagged(self, session: int) -> Inherited:
        query = f"SELECT tagged, {', '.join(AT)}, {GIVEN} FROM _sessions WHERE id = ?"
        row: tuple[Any, ...] = self._db.execute(query, (session,)).fetchone() or (0,)
        values = row[1:]
        if row[0]:
            return Inherited(*values[: len(AT)])
        given = dict(zip(INHERITED, values[len(AT) :], strict=False))
        known = {name: value for name, value in given.items() if value is not None}
        met, named = self.met.get(session, {}), self.named.get(session, {})
        inherited = Inherited(**(met | known | named))
        self.put_tagged(session, inherited)
        return inherited

    def _load_firsts(self, session: int) -> tuple[str | None, ...]:
        query = f"SELECT {', '.join(FIRST)} FROM _sessions WHERE id = ?"
        return self._db.execute(query, (session,)).fetchone() or (None,) * len(FIRST)

    def put_tagged(self, session: int, inherited: Inherited) -> None:
        """Store what the messages of a session are tagged with from now on."""
        self.tagged[session] = inherited
        columns = ", ".join(f"{column} = ?" for column in AT)
        query = f"UPDATE _sessions SET tagged = 1, {columns} WHERE id = ?"
        self._db.execute(query, (*inherited, session))

    def note_fields(self, session: int, data: Mapping[str, Any]) -> None:
        """Note the fields of a session in an event that is not folded yet.

        Messages of the same batch are tagged with them at once, and need not be moved later.
        """
        found = {name: value for name in INHERITED if isinstance(value := data.get(name), str)}
        if found:
            self.named[session] = self.named.get(session, {}) | found

    def note_met(self, session: int, own: Own) -> None:
        """Note the values of a message, which its session may have from it, as `note_fields`."""
        _, *values = own
        found = {n: v for n, v in zip(FOUND, values, strict=True) if v is not None}
        self.met[session] = found | self.met.get(session, {})

    def _load_ahead(self, session: int) -> int:
        query = "SELECT ahead FROM _sessions WHERE id = ?"
        return self._db.execute(query, (session,)).get or 0

    def order(self, ord: int, lane_row: int, seq: int) -> Order:
        """Return the sort key of an event, which does not depend on this projection's rowids."""
        return ord, self.uuids[lane_row], seq

    def note_ahead(self, session: int, timestamp: int | None, order: int) -> None:
        """Mark a session for a new order if a message is dated later than its own order.

        Messages of the same lane without a date of their own come after it.
        """
        if (timestamp is not None and timestamp <= order) or is_foreign(session):
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

    def set_ahead(self, session: int, ahead: int | None) -> None:
        """Replace what `note_ahead` compares with: the latest such date of all messages."""
        self._ahead[session] = ahead or 0

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
        changed = [row for row in self.counters.items() if row[1] != self._saved[row[0]]]
        if changed:
            marks = ", ".join(["(?, ?)"] * len(changed))
            query = f"INSERT OR REPLACE INTO _meta(key, value) VALUES {marks}"
            self._db.execute(query, tuple(chain.from_iterable(changed)))
        self._saved = dict(self.counters)
