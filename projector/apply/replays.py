"""Decide again where the messages and the usage that sessions share are at home.

What is marked in `Dirty.replays` is decided for all lines of a session. A message that becomes a
replay leaves the full-text index, and one that becomes at home enters it.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from journal.format.event_types import SESSION_DELETED
from projector.apply.copies import copies_of, with_own
from projector.apply.facets import index, unindex
from projector.apply.lines import UNDECIDED
from projector.apply.portion import ROW
from projector.db.kinds import KINDS, MESSAGE
from projector.db.rows import STORED, stored
from projector.fold.messages import GONE, IN_TRANSCRIPT, OUT
from projector.fold.replays import Rank, home_of
from projector.fold.sweeps import joined, reach

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from projector.apply.portion import Portion
    from projector.apply.state import State
    from projector.fold.sweeps import Reach


_LINES_OF = "(SELECT line FROM _shared WHERE session = ?)"

_COPIED = f"""
SELECT event, session, is_copied FROM (
  SELECT event, session, copied, EXISTS(
    SELECT 1 FROM _shared o
    WHERE o.line = x.line AND o.words = x.words AND o.session <> x.session) AS is_copied
  FROM _shared x WHERE line IN {_LINES_OF})
WHERE copied <> is_copied
"""

_FIRST = f"""
SELECT min(coalesce(timestamp, ord)) FROM _events e
WHERE session = ? AND kind = {MESSAGE} AND state < {OUT}
  AND NOT EXISTS (SELECT 1 FROM _shared x WHERE x.event = e.id AND x.copied)
"""

_COUNT = f"""
SELECT count(*) FROM _shared x JOIN _events e ON e.id = x.event
WHERE x.session = ? AND x.home <> {UNDECIDED} AND e.kind = {MESSAGE} AND e.state = {IN_TRANSCRIPT}
"""

_ORIGIN = f"""
SELECT h.session FROM _shared x JOIN _events e ON e.id = x.event JOIN _sessions h ON h.id = x.home
WHERE x.session = ? AND e.kind = {MESSAGE} AND e.state = {IN_TRANSCRIPT}
ORDER BY coalesce(e.timestamp, e.ord) DESC, h.session LIMIT 1
"""
"""The home of the last replay of a session: what that was forked from, if its events do not say."""


def note_own(db: apsw.Connection, state: State, messages: Iterable[tuple[int, int]]) -> None:
    """Mark sessions in which a message has arrived that may be the first of their own.

    Args:
        db: the database.
        state: the state of the applier.
        messages: session and moment of each message that has arrived in a session that shares some.
    """
    for session, moment in messages:
        first: int | None = db.execute(
            "SELECT own_first FROM _sessions WHERE id = ?", (session,)
        ).get
        if first is None or moment < first:
            state.dirty.replays.add(session)


def note_parent(db: apsw.Connection, state: State, session: int) -> None:
    """Mark what depends on the parent of a session: its own messages, and those of its forks."""
    if db.execute("SELECT 1 FROM _shared LIMIT 1").get is None:
        return
    below = [session]
    for each in below:  # it grows while it is read
        found = db.execute(
            "SELECT id FROM _sessions WHERE parent = (SELECT session FROM _sessions WHERE id = ?)",
            (each,),
        )
        below += [int(child) for (child,) in found if child not in below]
    state.dirty.replays.update(each for each in below if state.sharing[each])


def refold_replays(db: apsw.Connection, state: State, portion: Portion) -> None:
    """Decide where the messages of every marked session are at home, as far as the portion goes."""
    dirty = state.dirty.replays
    if not dirty:
        return
    touched: set[int] = set()
    for session in dirty:
        found: list[tuple[int, int, int]] = db.execute(_COPIED, (session,)).fetchall()  # type: ignore[assignment] # rowids
        rows = [(is_copied, event) for event, _, is_copied in found]
        db.executemany("UPDATE _shared SET copied = ? WHERE event = ?", rows)
        touched.update(each for _, each, _ in found)
    for session in dirty | touched:
        first = db.execute(_FIRST, (session,)).get
        query = "UPDATE _sessions SET own_first = ? WHERE id = ? AND own_first IS NOT ? RETURNING 1"
        if db.execute(query, (first, session, first)).get is not None:
            dirty.add(session)
    kin = _Kin(db)
    changed = set(dirty)
    for session in sorted(dirty):
        if portion.is_spent():
            break
        if _decide(db, state, session, kin, portion, changed):
            dirty.discard(session)
    _count(db, state, changed)


def _count(db: apsw.Connection, state: State, sessions: Iterable[int]) -> None:
    """Count the replays in sessions, and note what these were forked from."""
    for session in sessions:
        count: int = db.execute(_COUNT, (session,)).get
        origin = db.execute(_ORIGIN, (session,)).get if count else None
        before: int = db.execute("SELECT replays FROM _sessions WHERE id = ?", (session,)).get
        state.count("replays", session, count - before)
        query = "UPDATE _sessions SET replays = ?, origin = ? WHERE id = ?"
        db.execute(query, (count, origin, session))


class _Member(NamedTuple):
    """An event of a line: its rowid, its session, the home that is stored, its state and kind."""

    row: int
    session: int
    home: int | None
    state: int
    kind: int


def _decide(
    db: apsw.Connection,
    state: State,
    session: int,
    kin: _Kin,
    portion: Portion,
    changed: set[int],
) -> bool:
    """Decide all lines of a session; return whether the portion was enough."""
    found: list[tuple[Any, ...]] = db.execute(
        "SELECT x.line, x.words, e.id, e.session, x.home, e.state, e.kind FROM _shared x"
        f" JOIN _events e ON e.id = x.event WHERE x.line IN {_LINES_OF} ORDER BY x.line, x.words",
        (session,),
    ).fetchall()
    for _, group in groupby(found, key=lambda row: row[:2]):
        members = [_alive(db, state, _Member(*row[2:])) for row in group]
        home = home_of([(m.session, m.state) for m in members], kin.rank, kin.above)
        for member in members:
            is_here = member.state >= OUT or member.session == home
            wanted = None if is_here else home
            if member.home == wanted:
                continue
            if portion.is_spent():
                return False
            changed.add(member.session)
            portion.spend(ROW + _move(db, state, member, wanted))
    return True


def _alive(db: apsw.Connection, state: State, member: _Member) -> _Member:
    """Return usage that a deletion of its session reaches in the state of a deleted message."""
    if member.kind == MESSAGE:
        return member
    row = db.execute("SELECT event_id, ord, lane_row, seq FROM _events WHERE id = ?", (member.row,))
    id, ord, lane_row, seq = row.fetchone() or ("", 0, 0, 0)
    order = state.order(ord, lane_row, seq)
    copies = with_own(copies_of(db, state, member.session, id), order[1], seq)
    deleted = _deletions(db, state, member.session)
    return member._replace(state=GONE) if deleted.has(order, copies) else member


def _deletions(db: apsw.Connection, state: State, session: int) -> Reach:
    found = db.execute(
        "SELECT ord, lane_row, seq, other_fields FROM _events"
        f" WHERE session = ? AND kind <> {MESSAGE} AND kind = {KINDS[SESSION_DELETED]}",
        (session,),
    )
    return joined(reach(state.order(*at), orjson.loads(data)) for *at, data in found)


def _move(db: apsw.Connection, state: State, member: _Member, home: int | None) -> int:
    """Store where an event is at home; return the size of the text that enters or leaves."""
    row, session = member.row, member.session
    db.execute("UPDATE _shared SET home = ? WHERE event = ?", (home, row))
    if member.kind != MESSAGE:
        state.dirty.usage.add(session)
        return 0
    if member.state >= OUT or (home is not None and member.home is not None):
        return 0
    found = db.execute(f"SELECT {STORED} FROM _events WHERE id = ?", (row,)).fetchone()
    message = stored(found or ())
    change = index if home is None else unindex
    change(db, state, session, row, message.in_force)
    return len(message.columns.content or "") + len(message.columns.other_fields or "")


class _Kin:
    """The ranks of sessions and what they name as parents, read once each."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._ranks: dict[int, Rank] = {}
        self._above: dict[int, frozenset[int]] = {}

    def rank(self, session: int) -> Rank:
        """Return the rank of a session."""
        if session not in self._ranks:
            query = "SELECT session, own_first FROM _sessions WHERE id = ?"
            name, first = self._db.execute(query, (session,)).fetchone() or ("", None)
            self._ranks[session] = Rank(name, first)
        return self._ranks[session]

    def above(self, session: int) -> frozenset[int]:
        """Return the sessions above a session, without itself."""
        if session not in self._above:
            query = (
                "WITH RECURSIVE above(id, parent) AS ("
                " SELECT id, parent FROM _sessions WHERE id = ?1 UNION"
                " SELECT s.id, s.parent FROM above a JOIN _sessions s ON s.session = a.parent)"
                " SELECT id FROM above WHERE id <> ?1"
            )
            found = self._db.execute(query, (session,))
            self._above[session] = frozenset(id for (id,) in found)
        return self._above[session]
