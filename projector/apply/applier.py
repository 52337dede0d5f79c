"""Apply batches of events to the tables, inside a transaction of the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.event import Event
from journal.format.event_types import MESSAGE_APPENDED, TRANSCRIPT_REPLACED
from journal.format.record import DamagedRecord
from journal.format.transcript_order import place_after
from projector.apply.arrival import Arrival
from projector.apply.conflicts import collide
from projector.apply.facts import refold, take_in
from projector.apply.message_changes import is_changed
from projector.apply.places import replace_all
from projector.apply.state import State
from projector.db.rows import INSERT_EVENT, INSERT_TEXT, indexed, spread
from projector.db.schema import MESSAGE
from projector.fold.messages import IN_TRANSCRIPT, OUT, new_messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from projector.apply.portion import Portion
    from projector.db.columns import Columns

_RECENT = 50_000
"""Places kept in memory: parents are mostly near."""

_ADD_MESSAGES = """
UPDATE _sessions SET messages = messages + ?, message_total = message_total + ?,
  first = min(coalesce(first, ?), ?), last = max(coalesce(last, ?), ?) WHERE id = ?
"""

Row = tuple[int | str | None, ...]
Prepared = tuple[Arrival, "Columns"]
"""An event and what its row holds but for id and place."""
_SAID = 12
"""Index of the own timestamp in a row of `events`."""


class Applier:
    """Turns events into rows. What it holds in memory is only ever a copy of the tables."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self.reset()

    def reset(self) -> None:
        """Read the state from the tables again, as after a rollback."""
        self.state = State(self._db)
        self._recent: dict[tuple[int, str], tuple[int, int]] = {}

    def arrivals(self, lane: int, seq: int, event: Event) -> list[Prepared]:
        """Prepare one event, and the messages that it brings.

        Raises:
            DamagedRecord: it holds what no writer of ours would have let in.
        """
        try:
            if event.type != TRANSCRIPT_REPLACED:
                return [self._arrival(lane, seq, 0, event)]
            brought = [
                (part, Event(event.session, id, MESSAGE_APPENDED, event.time, event.order, data))
                for part, id, data in new_messages(event.data)
            ]
            return [self._arrival(lane, seq, part, said) for part, said in [(0, event), *brought]]
        except TypeError as error:  # nested deeper than can be encoded again
            raise DamagedRecord(f"checksum holds but the data cannot be stored: {error}") from error

    def _arrival(self, lane: int, seq: int, part: int, event: Event) -> Prepared:
        # first what can fail: an event that is set aside leaves no name behind
        columns = spread(event.type, event.data)
        kind = self.state.kind(event.type)
        return Arrival(self.state.session(event.session), kind, lane, seq, part, event), columns

    def apply(self, prepared: Sequence[Prepared]) -> None:
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

    def finish(self, portion: Portion) -> None:
        """Fold anew what events changed, before the transaction is committed.

        What goes beyond the portion is noted, and folded when this is called again; no other
        events may be applied before.
        """
        dirty = self.state.dirty
        refold(self._db, self.state, portion)
        if dirty.places and not (dirty.transcripts or dirty.changed):
            self._recent.clear()
            replace_all(self._db, self.state, portion)
        self.state.save_unfolded()
        self.state.save_counters()

    def _row(self, number: int, arrival: Arrival, columns: Columns) -> Row:
        session, kind, lane, seq, part, event = arrival
        place: tuple[int | None, int | None] = (None, None)
        if kind == MESSAGE:
            place = self._place(session, event, columns.timestamp, columns.parent)
            self.state.note_ahead(session, columns.timestamp, event.order)
        reached = OUT if part else IN_TRANSCRIPT
        at = event.time, event.order, lane, seq
        return (number, session, event.id, kind, *at, part, reached, *place, *columns)

    def _place(
        self, session: int, event: Event, said: int | None, parent: str | None
    ) -> tuple[int, int]:
        state = self.state
        if session in state.missing and event.id in state.missing[session]:
            state.dirty.places.add(session)
        above = None
        if parent is not None and parent != event.id:
            above = self._parent_place(session, parent)
        place = place_after(event.order if said is None else said, above)
        if len(self._recent) >= _RECENT:
            self._recent.clear()
        self._recent[session, event.id] = place
        return place

    def _parent_place(self, session: int, parent: str) -> tuple[int, int] | None:
        place = self._recent.get((session, parent))
        if place is not None:
            return place
        found = self._db.execute(
            "SELECT order_time, order_depth FROM _events"
            " WHERE session = ? AND event_id = ? AND kind = ?",
            (session, parent, MESSAGE),
        ).fetchone()
        if found is not None:
            return int(found[0]), int(found[1])
        if parent not in self.state.missing[session]:
            self.state.missing[session].add(parent)
            query = "INSERT INTO _missing_parents(session, parent) VALUES(?, ?)"
            self._db.execute(query, (session, parent))
        return None

    def _sort_out(self, prepared: Sequence[Prepared], first: int) -> tuple[list[int], list[int]]:
        """Tell the events that were inserted from those whose keys were taken, by index."""
        query = "SELECT id FROM _events WHERE id >= ?"
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
            if (arrival.session, columns.parent) in unsure:
                self.state.dirty.places.add(arrival.session)
        return new, taken

    def _take_in(self, prepared: Sequence[Prepared], rows: list[Row], new: Sequence[int]) -> None:
        """Index and count events that were inserted, and mark what depends on them."""
        state = self.state
        texts: list[tuple[int, str, str]] = []
        spans: dict[int, list[int]] = {}
        first = state.next_row - len(rows)
        brought = 0
        for index in new:
            arrival = prepared[index][0]
            session, kind, _, _, part, event = arrival
            if kind != MESSAGE:
                self._take_in_fact(first + index, arrival)
                continue
            if part or (session in state.changing and is_changed(self._db, state, arrival)):
                state.dirty.changed.add((session, event.id))
            if part:  # only a transcript that stands brings it in
                brought += 1
                continue
            texts.append(indexed(first + index, session, state.tagged(session), event.data))
            row = rows[index]
            said = row[_SAID]
            moment: int = event.time if said is None else said  # type: ignore[assignment] # an int
            span = spans.get(session)
            if span is None:
                spans[session] = [1, moment, moment]
            else:
                span[0] += 1
                if moment < span[1]:
                    span[1] = moment
                elif moment > span[2]:
                    span[2] = moment
        state.counters["events"] += len(new) - brought
        self._db.executemany(INSERT_TEXT, texts)
        state.counters["messages"] += len(texts)
        counts = [
            (n, n, low, low, high, high, session) for session, (n, low, high) in spans.items()
        ]
        self._db.executemany(_ADD_MESSAGES, counts)

    def _take_in_fact(self, row: int, arrival: Arrival) -> None:
        if self.state.is_known(arrival.kind):
            take_in(self._db, self.state, row, arrival)
        else:
            self.state.counters["unknown"] += 1
