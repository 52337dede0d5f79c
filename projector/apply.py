"""Apply batches of events to the tables, inside a transaction of the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.record import DamagedRecord
from projector.collide import Arrival, collide
from projector.fold import place_after
from projector.places import replace_all
from projector.revisions import note_revision, refold_revised
from projector.rows import INSERT_EVENT, INSERT_TEXT, index_text, spread, values
from projector.schema import MESSAGE, REVISION
from projector.sessions import refold_sessions
from projector.state import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from journal.event import Event

_SEQ_END = 2**63
"""Sequence numbers are smaller: SQLite has no larger integers."""
_RECENT = 50_000
"""Places kept in memory: parents are mostly near."""

_ADD_MESSAGES = """
UPDATE sessions SET messages = messages + ?, first = min(coalesce(first, ?), ?),
  last = max(coalesce(last, ?), ?) WHERE id = ?
"""

Row = tuple[int | str | None, ...]
_PLACE = 7
"""Index of the place in a row of `events`."""
_PARENT = 1
"""Index of the parent in the values of columns."""


class Applier:
    """Turns events into rows. What it holds in memory is only ever a copy of the tables."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self.reset()

    def reset(self) -> None:
        """Read the state from the tables again, as after a rollback."""
        self.state = State(self._db)
        self._recent: dict[tuple[int, str], tuple[int, int]] = {}

    def arrival(self, lane: int, seq: int, event: Event) -> tuple[Arrival, Row]:
        """Prepare one event: its names as numbers, and its row but for id and place.

        Raises:
            DamagedRecord: it holds what no writer of ours would have let in.
        """
        if not 0 <= seq < _SEQ_END:
            raise DamagedRecord(f"checksum holds but the sequence number {seq} cannot be")
        kind = self.state.kind(event.type)
        try:
            columns = values(spread(kind, event.data))
        except TypeError as error:  # nested deeper than can be encoded again
            raise DamagedRecord(f"checksum holds but the data cannot be stored: {error}") from error
        return Arrival(self.state.session(event.session), kind, lane, seq, event), columns

    def apply(self, prepared: Sequence[tuple[Arrival, Row]]) -> None:
        """Apply prepared events, in any order, any number of times."""
        if not prepared:
            return
        first = self.state.next_row
        rows = [
            self._row(number, arrival, columns)
            for number, (arrival, columns) in enumerate(prepared, first)
        ]
        self.state.next_row += len(rows)
        before = self._db.total_changes()
        self._db.executemany(INSERT_EVENT, rows)
        taken: list[int] = []
        new: Sequence[int] = range(len(rows))
        if self._db.total_changes() - before < len(rows):
            new, taken = self._sort_out(prepared, first)
        self._take_in(prepared, rows, new)
        for index in taken:
            collide(self._db, self.state, prepared[index][0])

    def finish(self) -> None:
        """Fold anew what this transaction's events changed, before it is committed."""
        refold_revised(self._db, self.state)
        refold_sessions(self._db, self.state)
        if self.state.dirty.places:
            self._recent.clear()
            replace_all(self._db, self.state)
        self.state.save_counters()

    def _row(self, number: int, arrival: Arrival, columns: Row) -> Row:
        event = arrival.event
        place: tuple[int | None, int | None] = (None, None)
        if arrival.kind == MESSAGE:
            place = self._place(arrival.session, event, columns[0], columns[1])
        return (
            number,
            arrival.session,
            event.id,
            arrival.kind,
            event.time,
            arrival.lane,
            arrival.seq,
            *place,
            *columns,
        )

    def _place(self, session: int, event: Event, said: object, parent: object) -> tuple[int, int]:
        state = self.state
        if session in state.missing and event.id in state.missing[session]:
            state.dirty.places.add(session)
        above = None
        if isinstance(parent, str) and parent != event.id:
            above = self._parent_place(session, parent)
        place = place_after(said if isinstance(said, int) else event.time, above)
        if len(self._recent) >= _RECENT:
            self._recent.clear()
        self._recent[session, event.id] = place
        return place

    def _parent_place(self, session: int, parent: str) -> tuple[int, int] | None:
        place = self._recent.get((session, parent))
        if place is not None:
            return place
        found = self._db.execute(
            "SELECT place, depth FROM events WHERE session = ? AND key = ? AND kind = ?",
            (session, parent, MESSAGE),
        ).fetchone()
        if found is not None:
            return int(found[0]), int(found[1])
        if parent not in self.state.missing[session]:
            self.state.missing[session].add(parent)
            query = "INSERT INTO missing_parents(session, parent) VALUES(?, ?)"
            self._db.execute(query, (session, parent))
        return None

    def _sort_out(
        self, prepared: Sequence[tuple[Arrival, Row]], first: int
    ) -> tuple[list[int], list[int]]:
        """Tell the events that were inserted from those whose keys were taken, by index."""
        query = "SELECT id FROM events WHERE id >= ?"
        inserted = {row - first for (row,) in self._db.execute(query, (first,))}
        new: list[int] = []
        taken: list[int] = []
        for index in range(len(prepared)):
            (new if index in inserted else taken).append(index)
        unsure = {(prepared[i][0].session, prepared[i][0].event.id) for i in taken}
        for key in unsure:  # places worked out from an event that came second
            self._recent.pop(key, None)
        for index in new:
            arrival, columns = prepared[index]
            if (arrival.session, columns[_PARENT]) in unsure:
                self.state.dirty.places.add(arrival.session)
        return new, taken

    def _take_in(
        self, prepared: Sequence[tuple[Arrival, Row]], rows: list[Row], new: Sequence[int]
    ) -> None:
        """Index and count events that were inserted, and mark what depends on them."""
        state = self.state
        texts: list[tuple[int, str]] = []
        spans: dict[int, list[int]] = {}
        first = self.state.next_row - len(rows)
        for index in new:
            arrival = prepared[index][0]
            if arrival.kind == MESSAGE:
                texts.append((first + index, index_text(arrival.event.data)))
                place: int = rows[index][_PLACE]  # type: ignore[assignment] # set by _place
                span = spans.get(arrival.session)
                if span is None:
                    spans[arrival.session] = [1, place, place]
                else:
                    span[:] = span[0] + 1, min(span[1], place), max(span[2], place)
                if arrival.session in state.revising:
                    state.dirty.revised.add((arrival.session, arrival.event.id))
            elif arrival.kind == REVISION:
                note_revision(self._db, state, arrival.session, first + index, arrival.event)
            elif state.is_known(arrival.kind):
                state.dirty.sessions.add(arrival.session)
            else:
                state.counters["unknown"] += 1
        self._db.executemany(INSERT_TEXT, texts)
        state.counters["events"] += len(new)
        state.counters["messages"] += len(texts)
        counts = [(n, low, low, high, high, session) for session, (n, low, high) in spans.items()]
        self._db.executemany(_ADD_MESSAGES, counts)
