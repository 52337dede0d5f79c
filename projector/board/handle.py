"""What every method of a board uses: the store, reads of a snapshot, and events of a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from journal.errors import EventError, shown
from projector.board import changes
from projector.board.names import names_of
from projector.board.reading import is_written
from projector.board.states import Snapshot
from projector.board.unfinished import Unfinished
from projector.store.keys import check_storable
from projector.store.session_store import SessionStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import apsw

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

    def _at(self, db: apsw.Connection) -> Snapshot:
        return Snapshot(db, self._names, self._unfinished)

    def _read(self, query: Callable[[Snapshot], Found]) -> tuple[Found, Behind | None]:
        found, fresh = self.store.read(lambda db: query(self._at(db)))
        return found, fresh.behind

    def _change(
        self,
        db: apsw.Connection,
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
        if last is not None and not is_written(db, task, changes.history_id(number)):
            found.insert(-1, changes.history_message(task, number, last))
        for each in found:
            check_storable(each)
        return found
