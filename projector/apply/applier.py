"""Apply batches of events to the tables, within a transaction of the caller."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from journal.format.event import Event
from journal.format.event_types import MESSAGE_APPENDED, TRANSCRIPT_REPLACED
from journal.format.fields.line import line_of
from journal.format.frame import DamagedRecord
from journal.format.transcript_order import place_after
from projector.apply.conflicts import resolve_conflicts
from projector.apply.facets import count_batch, save_facets
from projector.apply.inherited import note_value, refold_firsts, retag_regiven
from projector.apply.lines import add_lines
from projector.apply.message_changes import is_changed
from projector.apply.message_order import recompute_order
from projector.apply.refold import SESSION_TYPES, refold, register_other
from projector.apply.replays import note_own
from projector.apply.skeletons import apply_skeletons, without_text
from projector.apply.state import Arrival, State
from projector.db.kinds import MESSAGE
from projector.db.rows import INSERT_EVENT, INSERT_TEXT, from_redacted, indexed, spread
from projector.db.schema import is_foreign
from projector.fold.facets import NONE, facets
from projector.fold.messages import IN_TRANSCRIPT, OUT, new_messages

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import apsw

    from projector.apply.portion import Portion
    from projector.db.columns import Columns
    from projector.db.rows import IndexRow
    from projector.fold.facets import Facets, Own

_RECENT = 50_000
"""Order keys kept in memory: most parents are near."""

_ADD_MESSAGES = """
UPDATE _sessions SET messages = messages + ?, message_total = message_total + ?,
  indexed = indexed + ?,
  first = min(coalesce(first, ?), ?), last = max(coalesce(last, ?), ?) WHERE id = ?
"""

Row = tuple[int | str | None, ...]
Prepared = tuple[Arrival, "Columns"]
"""An event, and the values of its row but for its id and its order key."""
_TIMESTAMP = 12
"""Index of a message's own date in a row of `_events`."""


class Applier:
    """Writes events as rows. All that it keeps in memory is a copy of the tables."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self.reset()

    def reset(self) -> None:
        """Read the state from the tables again, as after a rollback."""
        self.state = State(self._db)
        self._recent: dict[tuple[int, str], tuple[int, int]] = {}

    def arrivals(self, lane_row: int, seq: int, event: Event) -> list[Prepared]:
        """Prepare one event, and the messages that it holds.

        Args:
            lane_row: rowid of its lane.
            seq: its number in the lane.
            event: the event.

        Raises:
            DamagedRecord: it holds values that no writer of ours accepts.
        """
        try:
            event = without_text(self.state, event)
            if event.type != TRANSCRIPT_REPLACED:
                return [self._arrival(lane_row, seq, 0, event)]
            held = [(index, _held(event, id, data)) for index, id, data in new_messages(event.data)]
            return [self._arrival(lane_row, seq, index, e) for index, e in [(0, event), *held]]
        except TypeError as error:  # nested deeper than can be encoded again
            raise DamagedRecord(f"checksum holds but the data cannot be stored: {error}") from error

    def _arrival(self, lane_row: int, seq: int, index: int, event: Event) -> Prepared:
        # first what can fail: an event that goes to quarantine must leave no name in the tables
        columns = spread(event.type, event.data)
        kind = self.state.kinds[event.type]
        session = self.state.sessions[event.session]
        return Arrival(session, kind, lane_row, seq, index, event), columns

    def apply(self, prepared: Sequence[Prepared]) -> None:
        """Apply prepared events, in any order, any number of times."""
        if self.state.part is None:
            self._apply(prepared)
            return
        own: list[Prepared] = []
        others: list[Prepared] = []
        for each in prepared:
            (others if is_foreign(each[0].session) else own).append(each)
        self._apply(own)
        apply_skeletons(self._db, self.state, others)

    def _apply(self, prepared: Sequence[Prepared]) -> None:
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
        met: list[int] = []
        new: Sequence[int] = range(len(rows))
        if self._db.total_changes() - before < len(rows):
            new, met = self._split(prepared, first)
        self._register(prepared, rows, new)
        resolve_conflicts(self._db, self.state, [prepared[index][0] for index in met])

    def finish(self, portion: Portion) -> None:
        """Fold again what events changed, before the transaction is committed.

        What goes beyond the portion is stored in `_unfolded`, and folded when this is called again;
        no other events may be applied before.
        """
        dirty = self.state.dirty
        refold(self._db, self.state, portion)
        if dirty.order and not (dirty.transcripts or dirty.messages):
            self._recent.clear()
            recompute_order(self._db, self.state, portion)
        if dirty.firsts and not (dirty.order or dirty.transcripts or dirty.messages):
            refold_firsts(self._db, self.state, portion)
        if not (dirty.firsts or dirty.sessions):
            retag_regiven(self._db, self.state, portion)
        self.state.met.clear()
        save_facets(self._db, self.state)
        self.state.save_unfolded()
        self.state.save_counters()

    def _row(self, number: int, arrival: Arrival, columns: Columns) -> Row:
        session, kind, lane_row, seq, index, event = arrival
        place: tuple[int | None, int | None] = (None, None)
        if kind == MESSAGE:
            place = self._place(session, event, columns.timestamp, columns.parent)
            self.state.note_ahead(session, columns.timestamp, event.order)
        initial = OUT if index else IN_TRANSCRIPT
        at = event.time, event.order, lane_row, seq
        redacted = from_redacted(event.redacted)
        return (number, session, event.id, kind, *at, index, initial, *place, *columns, redacted)

    def _place(
        self, session: int, event: Event, timestamp: int | None, parent: str | None
    ) -> tuple[int, int]:
        state = self.state
        if event.id in state.missing[session]:
            state.dirty.order.add(session)
        above = None
        if parent is not None and parent != event.id:
            above = self._parent_place(session, parent)
        place = place_after(event.order if timestamp is None else timestamp, above)
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

    def _split(self, prepared: Sequence[Prepared], first: int) -> tuple[list[int], list[int]]:
        """Return which events were inserted, and whose keys had an event already, by index."""
        query = "SELECT id FROM _events WHERE id >= ?"
        inserted = {row - first for (row,) in self._db.execute(query, (first,))}
        new: list[int] = []
        met: list[int] = []
        for index in range(len(prepared)):
            (new if index in inserted else met).append(index)
        unsure = {(prepared[i][0].session, prepared[i][0].event.id) for i in met}
        for key in unsure:  # their order keys were computed from an event that may not be in force
            self._recent.pop(key, None)
        for index in new:
            arrival, columns = prepared[index]
            if (arrival.session, columns.parent) in unsure:
                self.state.dirty.order.add(arrival.session)
        return new, met

    def _register(self, prepared: Sequence[Prepared], rows: list[Row], new: Sequence[int]) -> None:
        """Index and count events that were inserted, and mark what depends on them."""
        state = self.state
        texts: list[IndexRow] = []
        counted: list[tuple[int, Facets]] = []
        spans: dict[int, list[int]] = {}
        first = state.next_row - len(rows)
        held = 0
        self._note_fields(prepared, new)
        abouts = self._abouts(prepared, new)
        for index in new:
            arrival = prepared[index][0]
            session, kind, _, _, within, event = arrival
            if kind != MESSAGE:
                register_other(self._db, state, first + index, arrival)
                continue
            if within or (state.changing[session] and is_changed(self._db, state, arrival)):
                state.dirty.messages.add((session, event.id))
            if within:  # it is in the transcript only while the event that holds it is in force
                held += 1
                continue
            about = abouts[index]
            counted.append((session, about))
            texts.append(indexed(first + index, session, state.tagged[session], event.data, about))
            row = rows[index]
            own = row[_TIMESTAMP]
            date: int = event.time if own is None else own  # type: ignore[assignment] # an int
            span = spans.get(session)
            if span is None:
                spans[session] = [1, date, date]
            else:
                span[0] += 1
                if date < span[1]:
                    span[1] = date
                elif date > span[2]:
                    span[2] = date
        state.counters["events"] += len(new) - held
        state.counters["messages"] += len(texts)
        if any(state.sharing[session] for session in spans):
            self._note_own(prepared, rows, new)
        sharing = self._add_lines(prepared, first, new)
        alone = {session: span[0] for session, span in spans.items()}
        if sharing:
            counted = [
                each for each, text in zip(counted, texts, strict=True) if text[0] not in sharing
            ]
            texts = [text for text in texts if text[0] not in sharing]
            alone = Counter(session for session, _ in counted)
        count_batch(state, counted)
        self._db.executemany(INSERT_TEXT, texts)
        state.note_outgoing(text[0] for text in texts)
        counts = [
            (n, n, alone.get(session, 0), low, low, high, high, session)
            for session, (n, low, high) in spans.items()
        ]
        self._db.executemany(_ADD_MESSAGES, counts)

    def _note_fields(self, prepared: Sequence[Prepared], new: Sequence[int]) -> None:
        """Note what the events of sessions say, before the messages of the batch are tagged."""
        for index in new:
            arrival = prepared[index][0]
            if arrival.kind != MESSAGE and arrival.event.type in SESSION_TYPES:
                self.state.note_fields(arrival.session, arrival.event.data)

    def _abouts(self, prepared: Sequence[Prepared], new: Sequence[int]) -> dict[int, Facets]:
        """Return what new messages are about; note what their sessions have from them."""
        state = self.state
        found: dict[int, Facets] = {}
        owns: dict[tuple[int, Own], None] = {}
        for index in new:
            session, kind, _, _, within, event = prepared[index][0]
            if kind == MESSAGE and not within:
                about = found[index] = facets(event.data)
                if about is not NONE:
                    owns[session, about.own] = None
        for session, own in owns:
            if session not in state.tagged:
                state.note_met(session, own)
            note_value(state, session, own)
        return found

    def _add_lines(
        self, prepared: Sequence[Prepared], first: int, new: Sequence[int]
    ) -> Collection[int]:
        """Register messages by their lines; return the rows of those that others have, too."""
        lines = [
            (line, first + index)
            for index in new
            if (arrival := prepared[index][0]).kind == MESSAGE
            and (line := line_of(arrival.event.id, arrival.event.data)) is not None
        ]
        return add_lines(self._db, self.state, lines) if lines else ()

    def _note_own(self, prepared: Sequence[Prepared], rows: list[Row], new: Sequence[int]) -> None:
        """Mark sessions that share messages, and whose first own message may have arrived."""
        moments: list[tuple[int, int]] = []
        for index in new:
            session, kind, *_, event = prepared[index][0]
            if kind == MESSAGE and self.state.sharing[session]:
                own = rows[index][_TIMESTAMP]
                moments.append((session, event.order if own is None else own))  # type: ignore[arg-type] # an int
        note_own(self._db, self.state, moments)


def _held(event: Event, id: str, data: dict[str, Any]) -> Event:
    """Return a new message of a `transcript.replaced` as an event."""
    redacted = None if event.redacted is None else event.redacted.within(data)
    return Event(event.session, id, MESSAGE_APPENDED, event.time, event.order, data, redacted)
