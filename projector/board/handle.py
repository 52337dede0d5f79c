"""What every method of a board uses: the store, reads of a snapshot, and events of a change."""

from __future__ import annotations

from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from journal.errors import EventError, shown
from projector.board import changes
from projector.board.names import names_of
from projector.board.states import Snapshot
from projector.board.unfinished import Unfinished
from projector.store.deciding.unapplied import KeyValues, UnappliedKeys
from projector.store.keys import check_storable
from projector.store.session_store import SessionStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from projector.errors import Behind

Found = TypeVar("Found")


class BoardHandle:
    """A board in a store.

    Attributes:
        name: the name of the board. A journal has any number of boards.
        store: the store that it writes to.
    """

    def __init__(self, store: SessionStore, *, name: str = "board") -> None:
        if not isinstance(store, SessionStore):
            raise EventError(
                f"store must be a SessionStore, not {shown(store)}; `Board.open` takes a path"
            )
        self.name = name
        self.store = store
        self._names = names_of(name)
        self._unfinished = Unfinished(self._names)
        names = self._names.tasks, self._names.done, self._names.beats
        self._unapplied = UnappliedKeys(store.journal.path, names, changes.HISTORY)
        self._read_at = -inf
        # the worker for which there was another task when one was claimed last
        self._has_more: str | None = None

    def _at(self, values: KeyValues) -> Snapshot:
        return Snapshot(values, self._names, self._unfinished)

    def _read(self, query: Callable[[Snapshot], Found]) -> tuple[Found, Behind | None]:
        found, fresh = self.store.read(lambda db: query(self._at(KeyValues(db))))
        return found, fresh.behind

    def _decide(self, question: Callable[[Snapshot], tuple[Found, list[dict[str, Any]]]]) -> Found:
        """Decide on the states of tasks, and append the events that the question returns."""
        self._read_at = monotonic()
        return self.store.decisions.decide_on(
            self._unapplied, lambda values: question(self._at(values))
        )

    def _append(self, event: dict[str, Any], seconds: float) -> None:
        """Append an event that must come behind those which were there so many seconds ago."""
        if monotonic() - self._read_at < seconds:
            self.store.decisions.append_behind_read([event])
        else:
            self._read_at = monotonic()
            self.store.add([event])

    def _change(
        self,
        at: Snapshot,
        task: str,
        before: Mapping[str, Any],
        state: Mapping[str, Any],
        *,
        event: str,
        by: str | None,
        note: str | None = None,
    ) -> list[dict[str, Any]]:
        """Return the events of a change, and the message of the last one if a crash lost it."""
        found = changes.changed(self._names, task, before, state, event=event, by=by, note=note)
        number, last = before["number"], before.get("last")
        if last is not None and not at.is_written(task, changes.history_id(number)):
            found.insert(-1, changes.history_message(task, number, last))
        for each in found:
            check_storable(each)
        return found
