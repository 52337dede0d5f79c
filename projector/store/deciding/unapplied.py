"""Key-values as all writers have left them: those of a snapshot, and what is behind it.

`UnappliedKeys` reads behind the snapshot what sets and deletes keys, and who decides on them need
not wait until it is applied. The last writer wins, as in the projection. What depends on more than
that is left to the projection (`Unclear`): a new request to forget, what an earlier one forgets, a
namespace that was deleted, an id that was used twice, damage and replaced files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.event_types import (
    FORGET,
    KEY_DELETED,
    KEY_SET,
    MESSAGE_APPENDED,
    SESSION_DELETED,
)
from journal.format.record import HEADER_KEY
from journal.fs.directory import LANES
from journal.segments.listing import list_folders
from projector.db.kinds import KINDS, MESSAGE
from projector.fold.sessions import MISSING
from projector.run.watermark import load_marks_of, place
from projector.store.deciding.lanes import LaneTails
from projector.store.deciding.lines import Line, Unclear
from projector.store.deciding.shown import Shown
from projector.store.deciding.values import key_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import apsw

_Order = tuple[int, str, int]

_ESCAPED = rb"\u", rb"\/"
"""Other ways to write the bytes of a name in JSON; our own writer uses none of them for these."""
_ROW = "SELECT id FROM _sessions WHERE session = ?"
_DELETED = f"SELECT 1 FROM _events WHERE session = ? AND kind = ? AND kind <> {MESSAGE}"
_KEY = (
    "SELECT k.ord, l.uuid, k.seq, k.value FROM _keys k JOIN _lanes l ON l.id = k.lane_row"
    " WHERE k.session = ? AND k.key = ?"
)
_USED = (
    "SELECT 1 FROM _events WHERE session = ?"
    " AND event_id IN (SELECT value FROM json_each(?)) LIMIT 1"
)


@dataclass(slots=True)
class Value:
    """The value of a key, and the order of the event that gave it.

    Attributes:
        at: the order.
        line: its record, which is decoded when the value is asked for; None if that is known.
    """

    at: _Order
    line: Line | None
    _known: object = None

    @property
    def value(self) -> Any:  # noqa: ANN401 - any JSON
        """The value, `MISSING` if there is none.

        Raises:
            Unclear: the record cannot be decoded.
        """
        line, self.line = self.line, None
        if line is not None:
            self._known = line.data().get("value") if line.type == KEY_SET else MISSING
        return self._known


class KeyValues:
    """The key-values of a snapshot, and behind it those of some namespaces that are not applied.

    Args:
        db: the connection that holds the snapshot.
        unapplied: what is behind the snapshot; None if nothing is.
    """

    def __init__(self, db: apsw.Connection, unapplied: UnappliedKeys | None = None) -> None:
        self.db = db
        self._unapplied = unapplied

    def get(self, namespace: str, key: str, default: object = None) -> Any:  # noqa: ANN401 - any JSON
        """Return the value of a key; `default` if it has none."""
        found = self.last(namespace, key)
        if found is None:
            return key_value(self.db, namespace, key, default)
        return default if found.value is MISSING else found.value

    def last(self, namespace: str, key: str) -> Value | None:
        """Return the value of a key; None if nothing behind the snapshot names the key."""
        return None if self._unapplied is None else self._unapplied.value(namespace, key)

    def changed(self, namespace: str) -> Mapping[str, Value]:
        """Return the last values behind the snapshot of a namespace.

        Those in the snapshot may be later; `last` compares them.
        """
        return {} if self._unapplied is None else self._unapplied.changed(namespace)

    def has_message(self, session: str, id: str) -> bool:
        """Return whether a message is behind the snapshot, of those that are looked for."""
        return self._unapplied is not None and self._unapplied.has_message(session, id)


class UnappliedKeys:
    """What the lanes say behind a snapshot about the keys of some namespaces.

    It is read once: each call of `read` reads what came since. For one thread at a time.

    Args:
        journal: the journal's folder.
        namespaces: the namespaces.
        said: what the ids of messages begin with that are looked for, too.
    """

    def __init__(self, journal: Path, namespaces: Iterable[str], said: str) -> None:
        self._folder = journal / LANES
        self._shown = Shown(journal)
        self._namespaces = tuple(namespaces)
        self._said = said
        names = [orjson.dumps(name) for name in (*self._namespaces, FORGET)]
        wanted = [*names, b'"id":"%b' % said.encode(), HEADER_KEY, b'"erased":', *_ESCAPED]
        self._tails = LaneTails(journal, wanted)
        self._version = 0
        self.clear()

    def clear(self) -> None:
        """Begin again with the next snapshot."""
        self._tails.clear()
        self._db: apsw.Connection | None = None
        self._shown.clear()
        self._rows: dict[str, int | None] = {}
        self._lines: list[Line] = []
        self._clear_values()

    def close(self) -> None:
        """Close the segments that are open; the next read opens them again."""
        self._tails.close()

    def _clear_values(self) -> None:
        self._ids: dict[str, set[str]] = {name: set() for name in self._namespaces}
        self._values: dict[str, dict[str, Value]] = {name: {} for name in self._namespaces}
        self._compared: set[tuple[str, str]] = set()
        self._messages: set[tuple[str, str]] = set()

    @property
    def count(self) -> int:
        """How many events were not applied when it was read last."""
        return len(self._lines)

    def read(self, db: apsw.Connection) -> KeyValues:
        """Return the key-values now.

        Args:
            db: the connection that holds the snapshot, all effects of which are in force.

        Raises:
            Unclear: they are known only when all is applied.
            ReadError: a lane cannot be read.
        """
        is_read = False
        try:
            self._read(db)
            is_read = True
        finally:
            if not is_read:
                self.clear()
        return KeyValues(db, self)

    def _read(self, db: apsw.Connection) -> None:
        version = db.pragma("data_version")
        is_other = db is not self._db or version != self._version
        if db is not self._db:
            self.clear()
        if is_other:
            self._look_at(db)
        self._db, self._version = db, version
        folders = list_folders(self._folder)
        found = self._tails.read(db, folders, self._lines, is_other=is_other)
        if is_other:
            self._drop_applied(db)
        new = list(filter(self._is_concerned, found))
        self._shown.check(new)
        for line in new:
            self._add(line)
        self._check_ids(db, self._lines if is_other else new)

    def _look_at(self, db: apsw.Connection) -> None:
        """Check that in a snapshot the last writer of a key wins.

        Raises:
            Unclear: it may show what is forgotten, or a namespace was deleted.
        """
        self._shown.load(db, self._lines)
        for name in self._namespaces:
            row = self._rows[name] = db.execute(_ROW, (name,)).get
            deleted = row, KINDS[SESSION_DELETED]
            if row is not None and db.execute(_DELETED, deleted).fetchone() is not None:
                raise Unclear

    def _drop_applied(self, db: apsw.Connection) -> None:
        """Keep only the events that a new snapshot has not applied."""
        if not self._lines:
            return
        refs = {place(line.ref): line.ref for line in self._lines}
        marks = load_marks_of(db, list(refs.values()))
        offsets = {at: mark.offset for at, mark in marks.items()}
        kept = [line for line in self._lines if offsets.get(place(line.ref), 0) < line.end]
        self._lines = []
        self._clear_values()
        for line in kept:
            self._add(line)

    def _is_concerned(self, line: Line) -> bool:
        """Return whether a record matters here.

        Raises:
            Unclear: it asks to forget something.
        """
        if line.session == FORGET:
            raise Unclear
        is_said = line.type == MESSAGE_APPENDED and line.id.startswith(self._said)
        return is_said or line.session in self._values

    def _add(self, line: Line) -> None:
        """Add an event.

        Raises:
            Unclear: it is not only its order that decides.
        """
        self._lines.append(line)
        if line.session not in self._values:
            self._messages.add((line.session, line.id))
            return
        ids, values = self._ids[line.session], self._values[line.session]
        if line.type not in (KEY_SET, KEY_DELETED) or line.key is None or line.id in ids:
            raise Unclear
        ids.add(line.id)
        new, before = Value((line.order, line.lane, line.seq), line), values.get(line.key)
        if before is not None and before.at == new.at:
            raise Unclear
        if before is None or before.at < new.at:
            values[line.key] = new
            self._compared.discard((line.session, line.key))

    def _check_ids(self, db: apsw.Connection, lines: Iterable[Line]) -> None:
        """Refuse ids that an applied event has: which of both is in force is not decided here.

        Raises:
            Unclear: there is one.
        """
        ids: dict[str, list[str]] = {}
        for line in lines:
            if line.session in self._values:
                ids.setdefault(line.session, []).append(line.id)
        for name, used in ids.items():
            row = self._rows[name]
            wanted = row, orjson.dumps(used).decode()
            if row is not None and db.execute(_USED, wanted).fetchone() is not None:
                raise Unclear

    def value(self, namespace: str, key: str) -> Value | None:
        """Return the last value of a key; None if nothing behind the snapshot names it.

        Raises:
            Unclear: it is not only its order that decides.
        """
        new = self._values.get(namespace, {}).get(key)
        if new is None or (namespace, key) in self._compared:
            return new
        stored = self._stored(namespace, key)
        if stored is not None and stored.at >= new.at:
            if stored.at == new.at:
                raise Unclear
            # its writer had not read the one that is applied
            new = self._values[namespace][key] = stored
        self._compared.add((namespace, key))
        return new

    def _stored(self, namespace: str, key: str) -> Value | None:
        """Return the value of a key in the snapshot; None if no event has named it."""
        row = self._rows[namespace]
        if self._db is None or row is None:
            return None
        found = self._db.execute(_KEY, (row, key)).fetchone()
        if found is None:
            return None
        *at, value = found
        return Value(tuple(at), None, MISSING if value is None else orjson.loads(value))

    def changed(self, namespace: str) -> Mapping[str, Value]:
        """Return the last values behind the snapshot of a namespace."""
        return self._values.get(namespace, {})

    def has_message(self, session: str, id: str) -> bool:
        """Return whether a message is behind the snapshot, of those that are looked for."""
        return (session, id) in self._messages
