"""What an applier keeps in memory between two commits."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from projector.db.schema import COUNTERS, KINDS
from projector.db.tags import inherited

if TYPE_CHECKING:
    import apsw

    from projector.fold.sweeps import Order, Reach

_MOST_SESSIONS = 20_000


@dataclass(slots=True)
class Dirty:
    """What must be folded anew before the next commit, by session number (and message id)."""

    places: set[int] = field(default_factory=set)
    sessions: set[int] = field(default_factory=set)
    changed: set[tuple[int, str]] = field(default_factory=set)
    transcripts: set[int] = field(default_factory=set)
    usage: set[int] = field(default_factory=set)
    keys: set[int] = field(default_factory=set)
    reached: dict[int, str] = field(default_factory=dict)
    """Of sessions in `transcripts` whose fold goes on: the last message id that is folded."""

    def rows(self) -> set[tuple[str, int, str]]:
        """Return what is left when a transaction had changed enough, as rows of `unfolded`."""
        found = {
            ("transcript", session, self.reached.get(session, "")) for session in self.transcripts
        }
        found |= {("changed", session, key) for session, key in self.changed}
        return found | {("places", session, "") for session in self.places}

    def take(self, what: str, session: int, message: str) -> None:
        """Take in a row of `unfolded`."""
        if what == "transcript":
            self.transcripts.add(session)
            self.reached[session] = message
        elif what == "changed":
            self.changed.add((session, message))
        else:
            self.places.add(session)


class State:
    """Numbers of names, and what the next events must be checked against.

    Everything here can be read from the database again, which happens after a rollback.

    Attributes:
        dirty: what is folded anew before the next commit.
        kinds, lanes, counters: copies of the tables.
        next_row: rowid of the next event.
        missing: of each session the parents that are not there.
        changing: sessions in which events change messages that stand.
        sweeps: of some of these what the events reach that act on every message.
        used: of each session what `usage.added` brought since the last commit.
        only_adds: of some sessions, whether totals are plain sums.
        named: of some sessions the source that this transaction's events say, not folded yet.
    """

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self.dirty = Dirty()
        self._unfolded: set[tuple[str, int, str]] = set()
        for row in db.execute("SELECT what, session, message FROM _unfolded"):
            self._unfolded.add(row)
            self.dirty.take(*row)
        self.kinds: dict[str, int] = dict(db.execute("SELECT type, id FROM _kinds"))
        self.lanes: dict[int, str] = dict(db.execute("SELECT id, uuid FROM _lanes"))
        self.counters: dict[str, int] = {
            name: db.execute("SELECT value FROM _meta WHERE key = ?", (name,)).get
            for name in COUNTERS
        }
        self.next_row: int = db.execute("SELECT coalesce(max(id), 0) + 1 FROM _events").get
        self.missing: defaultdict[int, set[str]] = defaultdict(set)
        for session, parent in db.execute("SELECT session, parent FROM _missing_parents"):
            self.missing[session].add(parent)
        self.changing: set[int] = {
            session for (session,) in db.execute("SELECT DISTINCT session FROM _changes")
        }
        self.sweeps: dict[int, Reach] = {}
        self.used: dict[int, Counter[str]] = {}
        self.only_adds: dict[int, bool] = {}
        self.named: dict[int, str] = {}
        self._sessions: dict[str, int] = {}
        self._tagged: dict[int, str] = {}
        self._ahead: dict[int, int] = {}
        self._lane_numbers = {uuid: number for number, uuid in self.lanes.items()}

    def session(self, name: str) -> int:
        """Return a session's number, giving it one if it is new."""
        number = self._sessions.get(name)
        if number is None:
            if len(self._sessions) >= _MOST_SESSIONS:  # memory stays flat with a million sessions
                self._sessions.clear()
            query = "SELECT id FROM _sessions WHERE session = ?"
            number = self._db.execute(query, (name,)).get
            if number is None:
                self._db.execute("INSERT INTO _sessions(session) VALUES(?)", (name,))
                number = self._db.last_insert_rowid()
            self._sessions[name] = number
        return number

    def tagged(self, session: int) -> str:
        """Return what a session's messages are tagged with for its source.

        The first of them settles it: a text is taken out of the index by the words that were put
        in, so it never changes.
        """
        found = self._tagged.get(session)
        if found is None:
            if len(self._tagged) >= _MOST_SESSIONS:
                self._tagged.clear()
            query = "SELECT source, tagged FROM _sessions WHERE id = ?"
            source, found = cast(
                "tuple[str | None, str | None]", self._db.execute(query, (session,)).fetchone()
            )
            if found is None:
                found = inherited(self.named.get(session, source))
                self._db.execute("UPDATE _sessions SET tagged = ? WHERE id = ?", (found, session))
            self._tagged[session] = found
        return found

    def kind(self, type: str) -> int:
        """Return an event type's number, giving it one if it is new."""
        number = self.kinds.get(type)
        if number is None:
            self._db.execute("INSERT INTO _kinds(type) VALUES(?)", (type,))
            number = self.kinds[type] = self._db.last_insert_rowid()
        return number

    def lane(self, uuid: str) -> int:
        """Return a lane's number, giving it one if it is new."""
        number = self._lane_numbers.get(uuid)
        if number is None:
            self._db.execute("INSERT INTO _lanes(uuid) VALUES(?)", (uuid,))
            number = self._lane_numbers[uuid] = self._db.last_insert_rowid()
            self.lanes[number] = uuid
        return number

    def order(self, ord: int, lane: int, seq: int) -> Order:
        """Return what orders an event, free of the numbers that this projection gave."""
        return ord, self.lanes[lane], seq

    def note_ahead(self, session: int, said: int | None, order: int) -> None:
        """Note a message that is dated behind its own order, and what that moves.

        What its lane adds to the session without a date of its own comes behind it.
        """
        if said is not None and said <= order:
            return
        ahead = self._ahead.get(session, -1)
        if ahead == -1:
            if len(self._ahead) >= _MOST_SESSIONS:
                self._ahead.clear()
            query = "SELECT ahead FROM _sessions WHERE id = ?"
            ahead = self._ahead[session] = self._db.execute(query, (session,)).get or 0
        if said is not None:
            self._ahead[session] = max(ahead, said)
            self._db.execute(
                "UPDATE _sessions SET ahead = max(coalesce(ahead, 0), ?) WHERE id = ?",
                (said, session),
            )
            self.dirty.places.add(session)
        elif order < ahead:
            self.dirty.places.add(session)

    def is_known(self, kind: int) -> bool:
        """Say whether this version knows what events of a kind mean."""
        return kind <= len(KINDS)

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
        """Write the counters into the current transaction."""
        rows = [(value, name) for name, value in self.counters.items()]
        self._db.executemany("UPDATE _meta SET value = ? WHERE key = ?", rows)
