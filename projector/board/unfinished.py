"""The tasks of a board that are not done, kept between two snapshots of the projection.

A search for work would read and sort all of them. So a board keeps them in memory, in the order in
which they are claimed, and reads only those again that were changed since its last look. What was
changed behind the snapshot is put between them at each look.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from heapq import merge
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.event_types import KEY_DELETED, KEY_SET, SESSION_DELETED
from projector.board.stored import valid
from projector.db.kinds import KINDS, MESSAGE
from projector.db.schema import UNFOLDED

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

    from projector.board.names import Names
    from projector.store.deciding.unapplied import KeyValues

_Place = tuple[int, int, str]
"""What tasks are sorted by: the priority with its sign changed, when they were changed, the id."""

_NAMESPACE = "SELECT id FROM _sessions WHERE session = ?"
_ALL = "SELECT key, value, ord FROM _keys WHERE session = ? AND value IS NOT NULL"
_ONE = "SELECT value, ord FROM _keys WHERE session = ? AND key = ? AND value IS NOT NULL"
# each kind by itself: then SQLite reads a range of the index
_CHANGED = (
    f"SELECT other_fields FROM _events WHERE session = ? AND kind = ? AND kind <> {MESSAGE}"
    " AND id > ?"
)
_LAST = "SELECT coalesce(max(id), 0) FROM _events"
# an event that takes the place of another one under its id keeps the row of that one
_REPLACED = "SELECT total(value) FROM _meta WHERE key IN ('conflicts', 'duplicates', 'reread')"


class Unfinished:
    """The tasks of a board that are not done. For one thread at a time."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._db: apsw.Connection | None = None
        self._version = 0, 0
        self._last = 0
        self._replaced = 0.0
        self._places: list[_Place] = []
        self._states: dict[str, tuple[_Place, dict[str, Any]]] = {}

    def by_priority(self, values: KeyValues) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the ids and states of tasks, while nothing else asks with the same connection.

        The highest priority is first; of one priority that which was not changed for longest.
        """
        self._refresh(values.db)
        tasks, done = values.changed(self._names.tasks), values.changed(self._names.done)
        ahead: dict[_Place, dict[str, Any]] = {}
        for task in tasks.keys() | done.keys():
            placed = before = self._states.get(task)
            # one that was not done in the snapshot has no key-value there that says so
            if (task in done or before is None) and values.get(self._names.done, task) is not None:
                continue
            if (now := tasks.get(task)) is not None:
                if before is None or before[0][1] >= now.at[0]:
                    now = values.last(self._names.tasks, task) or now
                placed = _placed(task, now.value, now.at[0])
            if placed is not None:
                ahead[placed[0]] = placed[1]
        known = (each for each in self._places if each[2] not in tasks and each[2] not in done)
        for place in merge(known, sorted(ahead)):
            state = valid(ahead.get(place) or self._states[place[2]][1])
            if state is not None:
                yield place[2], state

    def by_change(self, db: apsw.Connection) -> list[tuple[str, dict[str, Any]]]:
        """Return the ids and states of tasks in a snapshot, the longest unchanged first."""
        self._refresh(db)
        places = sorted(self._places, key=lambda place: place[1:])
        return list(self._valid(places))

    def _valid(self, places: list[_Place]) -> Iterator[tuple[str, dict[str, Any]]]:
        for *_, task in places:
            state = valid(self._states[task][1])
            if state is not None:
                yield task, state

    def _refresh(self, db: apsw.Connection) -> None:
        """Read what was changed since the last look."""
        # the second number: a private copy is written to by the connection that it is read with
        version = db.pragma("data_version"), db.total_changes()
        if db is self._db and version == self._version:
            return
        self._version = version
        namespaces = self._names.tasks, self._names.done
        rows = [db.execute(_NAMESPACE, (name,)).get for name in namespaces]
        last, replaced = db.execute(_LAST).get, db.execute(_REPLACED).get
        changed = None
        if db is self._db and replaced == self._replaced and last >= self._last:
            changed = self._changed(db, rows)
        if changed is None:
            self._load(db, rows)
        else:
            for task in changed:
                self._look(db, rows, task)
        # what is not folded yet changes key-values later, without an event
        is_folded = db.execute(UNFOLDED).fetchone() is None
        self._db = db if is_folded else None
        self._last, self._replaced = last, replaced

    def _changed(self, db: apsw.Connection, rows: list[int | None]) -> set[str] | None:
        """Return the tasks that were changed since the last look; None if all must be read."""
        found: set[str] = set()
        for row in rows:
            if row is None:
                continue
            if db.execute(_CHANGED, (row, KINDS[SESSION_DELETED], self._last)).fetchone():
                return None
            for kind in (KEY_SET, KEY_DELETED):
                for (data,) in db.execute(_CHANGED, (row, KINDS[kind], self._last)):
                    found.add(orjson.loads(data)["key"])
        return found

    def _load(self, db: apsw.Connection, rows: list[int | None]) -> None:
        tasks, done = rows
        finished = {key for key, *_ in db.execute(_ALL, (done,))}
        self._states = {}
        for task, value, ord in db.execute(_ALL, (tasks,)):
            if task not in finished:
                self._put(task, value, ord)
        self._places = sorted(place for place, _ in self._states.values())

    def _look(self, db: apsw.Connection, rows: list[int | None], task: str) -> None:
        """Read a task again."""
        before = self._states.pop(task, None)
        if before is not None:
            del self._places[bisect_left(self._places, before[0])]
        found = db.execute(_ONE, (rows[0], task)).fetchone()
        # a crash can separate the two events of a completion: the first is the decision
        if found is not None and db.execute(_ONE, (rows[1], task)).fetchone() is None:
            self._put(task, *found)
            if task in self._states:
                insort(self._places, self._states[task][0])

    def _put(self, task: str, value: str, ord: int) -> None:
        placed = _placed(task, orjson.loads(value), ord)
        if placed is not None:
            self._states[task] = placed


def _placed(task: str, state: object, ord: int) -> tuple[_Place, dict[str, Any]] | None:
    """Return the place and the state of a task; None if it is no state."""
    # of many tasks few are looked at: what else a state must have is checked then
    if isinstance(state, dict) and type(priority := state.get("priority")) is int:
        return (-priority, ord, task), state
    return None
