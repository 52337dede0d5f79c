"""Apply the skeletons of other parts' events: nothing of them is indexed or counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.format.fields.line import line_of
from journal.process.fork import no_fork
from projector.apply.conflicts import resolve_conflicts
from projector.apply.lines import add_lines
from projector.apply.message_changes import is_changed
from projector.apply.refold import register_other
from projector.apply.replays import note_own
from projector.db.kinds import MESSAGE
from projector.db.rows import INSERT_EVENT
from projector.db.schema import is_foreign
from projector.fold.messages import IN_TRANSCRIPT, OUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from journal.format.event import Event
    from projector.apply.state import Arrival, State
    from projector.db.columns import Columns


def without_text(state: State, event: Event) -> Event:
    """Return an event, of a session of another part its skeleton.

    Raises:
        TypeError: a field is nested deeper than can be encoded.
    """
    if state.part is None or not is_foreign(state.sessions[event.session]):
        return event
    with no_fork.turn:
        from projector.fold.skeleton import skeleton  # noqa: PLC0415 - only parts need it

    return skeleton(event)


def apply_skeletons(
    db: apsw.Connection, state: State, prepared: Sequence[tuple[Arrival, Columns]]
) -> None:
    """Apply prepared skeletons, in any order, any number of times."""
    lines: list[tuple[str, int]] = []
    moments: list[tuple[int, int]] = []
    met: list[Arrival] = []
    first = state.next_foreign
    rows = [_row(row, *each) for row, each in enumerate(prepared, first)]
    state.next_foreign += len(rows)
    before = db.total_changes()
    db.executemany(INSERT_EVENT, rows)
    there: set[int] | None = None
    if db.total_changes() - before < len(rows):
        query = "SELECT id FROM _events WHERE id >= ? AND id < 0"
        there = {int(row) for (row,) in db.execute(query, (first,))}
    for row, (arrival, columns) in enumerate(prepared, first):
        session, kind, _, _, within, event = arrival
        if there is not None and row not in there:
            met.append(arrival)
            continue
        if kind != MESSAGE:
            register_other(db, state, row, arrival)
            continue
        if within or (state.changing[session] and is_changed(db, state, arrival)):
            state.dirty.messages.add((session, event.id))
        if (line := line_of(event.id, event.data)) is not None:
            lines.append((line, row))
        if state.sharing[session]:
            own = columns.timestamp
            moments.append((session, event.order if own is None else own))
    note_own(db, state, moments)
    if lines:
        add_lines(db, state, lines)
    resolve_conflicts(db, state, met)


def _row(number: int, arrival: Arrival, columns: Columns) -> tuple[Any, ...]:
    session, kind, lane_row, seq, index, event = arrival
    initial = OUT if index else IN_TRANSCRIPT
    # only its own part shows when it was appended, and the order of its messages
    at = 0, event.order, lane_row, seq
    return (number, session, event.id, kind, *at, index, initial, None, None, *columns, None)
