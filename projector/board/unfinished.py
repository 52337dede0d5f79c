"""The tasks of a board that are not done, kept between two snapshots of the projection.

A search for work would read and sort all of them. So a board keeps the first of them in memory, in
the order in which they are claimed, and reads only those again that were changed since its last
look. It reads more when these are used up: workers that begin together would else wait until each
has decoded all tasks. What was changed behind the snapshot is put between them at each look.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
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
_FIRST_ONES = (
    "SELECT key, value, ord FROM _keys WHERE session = ? AND value IS NOT NULL"
    " ORDER BY json_extract(value, '$.priority') DESC, ord, key LIMIT ?"
)
_ALL = "SELECT key, value, ord FROM _keys WHERE session = ? AND value IS NOT NULL"
_FINISHED = "SELECT key FROM _keys WHERE session = ? AND value IS NOT NULL"
_ONE = "SELECT value, ord FROM _keys WHERE session = ? AND key = ? AND value IS NOT NULL"
# each kind by itself: then SQLite reads a range of the index
_CHANGED = (
    f"SELECT other_fields FROM _events WHERE session = ? AND kind = ? AND kind <> {MESSAGE}"
    " AND id > ?"
)
_LAST = "SELECT coalesce(max(id), 0) FROM _events"
# an event that takes the place of another one under its id keeps the row of that one
_REPLACED = "SELECT total(value) FROM _meta WHERE key IN ('conflicts', 'duplicates', 'reread')"

_FEW, _GROWTH = 64, 4
"""Tasks that are read first, and how many times as many when they are used up."""
_FLOAT = 2**63
"""SQLite takes whole numbers from here on for floats, and so may sort them in another order."""
_NONE = (-_FLOAT * 4, 0, "")
"""A place before all tasks."""


class Unfinished:
    """The tasks of a board that are not done. For one thread at a time."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._db: apsw.Connection | None = None
        self._version = 0, 0
        self._last = 0
        self._replaced = 0.0
        self._rows: list[int | None] = []
        # all tasks up to a place; None: all
        self._places: list[_Place] = []
        self._until: _Place | None = None
        self._limit = _FEW
        # of these and of others that were looked at
        self._states: dict[str, tuple[_Place, dict[str, Any]]] = {}
        self._looked: set[str] = set()

    def by_priority(self, values: KeyValues) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the ids and states of tasks, while nothing else asks with the same connection.

        The highest priority is first; of one priority that which was not changed for longest.
        """
        self._refresh(values.db)
        tasks, done = values.changed(self._names.tasks), values.changed(self._names.done)
        ahead = self._ahead(values)
        is_done_with: _Place | None = None
        while True:
            places, until = self._places, self._until
            start = 0 if is_done_with is None else bisect_right(places, is_done_with)
            known = (at for at in places[start:] if at[2] not in tasks and at[2] not in done)
            rest = (at for at in sorted(ahead) if is_done_with is None or at > is_done_with)
            for place in merge(known, rest):
                # what is not read yet may come before it
                if until is not None and place > until:
                    break
                state = valid(ahead.get(place) or self._states[place[2]][1])
                if state is not None:
                    yield place[2], state
            if until is None:
                return
            is_done_with = until
            self._limit *= _GROWTH
            self._load(values.db)

    def _ahead(self, values: KeyValues) -> dict[_Place, dict[str, Any]]:
        """Return the tasks that were changed behind the snapshot, and are not done."""
        tasks, done = values.changed(self._names.tasks), values.changed(self._names.done)
        ahead: dict[_Place, dict[str, Any]] = {}
        for task in tasks.keys() | done.keys():
            before = self._states.get(task)
            # one that was not done in the snapshot has no key-value there that says so
            if (task in done or before is None) and values.get(self._names.done, task) is not None:
                continue
            if before is None and self._until is not None and task not in self._looked:
                self._look(values.db, task)
                before = self._states.get(task)
            placed = before
            if (now := tasks.get(task)) is not None:
                if before is None or before[0][1] >= now.at[0]:
                    now = values.last(self._names.tasks, task) or now
                placed = _place_of(task, now.value, now.at[0])
            if placed is not None:
                ahead[placed[0]] = placed[1]
        return ahead

    def by_change(self, db: apsw.Connection) -> list[tuple[str, dict[str, Any]]]:
        """Return the ids and states of tasks in a snapshot, the longest unchanged first."""
        self._refresh(db)
        if self._until is not None:
            self._load_all(db)
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
        self._looked = set()
        namespaces = self._names.tasks, self._names.done
        self._rows = [db.execute(_NAMESPACE, (name,)).get for name in namespaces]
        last, replaced = db.execute(_LAST).get, db.execute(_REPLACED).get
        changed = None
        if db is self._db and replaced == self._replaced and last >= self._last:
            changed = self._changed(db)
        if changed is None:
            self._states, self._limit = {}, _FEW
            self._load(db)
        else:
            for task in changed:
                self._look(db, task)
        # what is not folded yet changes key-values later, without an event
        is_folded = db.execute(UNFOLDED).fetchone() is None
        self._db = db if is_folded else None
        self._last, self._replaced = last, replaced

    def _changed(self, db: apsw.Connection) -> set[str] | None:
        """Return the tasks that were changed since the last look; None if all must be read."""
        found: set[str] = set()
        for row in self._rows:
            if row is None:
                continue
            if db.execute(_CHANGED, (row, KINDS[SESSION_DELETED], self._last)).fetchone():
                return None
            for kind in (KEY_SET, KEY_DELETED):
                for (data,) in db.execute(_CHANGED, (row, KINDS[kind], self._last)):
                    found.add(orjson.loads(data)["key"])
        return found

    def _load(self, db: apsw.Connection) -> None:
        """Read the first tasks, as many as the limit says."""
        rows: list[Any] = db.execute(_FIRST_ONES, (self._rows[0], self._limit)).fetchall()
        placed = (_placed(task, value, ord) for task, value, ord in rows)
        read = [each for each in placed if each is not None]
        if any(abs(place[0]) >= _FLOAT for place, _ in read):
            self._load_all(db)
            return
        is_whole = len(rows) < self._limit
        self._until = None if is_whole else max((place for place, _ in read), default=_NONE)
        read = [each for each in read if not self._is_finished(db, each[0][2])]
        self._states |= {each[0][2]: each for each in read}
        self._places = sorted(place for place, _ in read)

    def _load_all(self, db: apsw.Connection) -> None:
        tasks, done = self._rows
        finished = {task for (task,) in db.execute(_FINISHED, (done,))}
        found = (_placed(*row) for row in db.execute(_ALL, (tasks,)) if row[0] not in finished)
        self._states = {each[0][2]: each for each in found if each is not None}
        self._places = sorted(place for place, _ in self._states.values())
        self._until = None

    def _look(self, db: apsw.Connection, task: str) -> None:
        """Read a task again."""
        self._looked.add(task)
        before = self._states.pop(task, None)
        if before is not None and self._is_among(before[0]):
            del self._places[bisect_left(self._places, before[0])]
        found = db.execute(_ONE, (self._rows[0], task)).fetchone()
        placed = None if found is None else _placed(task, *found)
        if placed is not None and not self._is_finished(db, task):
            self._states[task] = placed
            if self._is_among(placed[0]):
                insort(self._places, placed[0])

    def _is_among(self, place: _Place) -> bool:
        """Return whether a task at a place is one of those that are read."""
        return self._until is None or place <= self._until

    def _is_finished(self, db: apsw.Connection, task: str) -> bool:
        """Return whether a task is done."""
        # a crash can separate the two events of a completion: the first is the decision
        return db.execute(_ONE, (self._rows[1], task)).fetchone() is not None


def _placed(task: str, value: str, ord: int) -> tuple[_Place, dict[str, Any]] | None:
    """Return the place and the state of a task as it is stored; None if it is no state."""
    return _place_of(task, orjson.loads(value), ord)


def _place_of(task: str, state: object, ord: int) -> tuple[_Place, dict[str, Any]] | None:
    """Return the place and the state of a task; None if it is no state."""
    # of many tasks few are looked at: what else a state must have is checked then
    if isinstance(state, dict) and type(priority := state.get("priority")) is int:
        return (-priority, ord, task), state
    return None
