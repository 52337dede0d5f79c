"""What is new of the messages of a Hermes database.

Hermes reads a session by row ids, whatever its clock said. A journal reads it by moments, so a
message that would not stand behind the one before it names that as its parent. One without a time
has that of the one before it, or of the beginning of its session.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.format.event_types import (
    MESSAGE_ARCHIVED,
    MESSAGE_REMOVED,
    MESSAGE_RESTORED,
    MESSAGE_REVISED,
)
from journal.format.transcript_order import LastMessage, write_after
from journal.importers.hermes.known_state import KnownMessage, MessageMarks
from journal.importers.hermes.rows import Standing, content_of, message_told, standing_of
from journal.importers.parsing.source_time import micros

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from journal.importers.hermes.change_writer import ChangeWriter
    from journal.importers.hermes.database import Row

_GONE = "no longer in Hermes"
_MOVES = {
    Standing.ACTIVE: MESSAGE_RESTORED,
    Standing.ARCHIVED: MESSAGE_ARCHIVED,
    Standing.REMOVED: MESSAGE_REMOVED,
}
_NEVER = 2**53
"""The time of a message without one, where none before it has one: after all that have one."""


def _lists() -> defaultdict[tuple[str, str], list[str]]:
    return defaultdict(list)


@dataclass(slots=True)
class Messages:
    """The rows, and what is known of them, gone through side by side: both by row id.

    Attributes:
        changes: appends.
        alive: the sessions that the database still has, and when they began, if they say so.
        known: what the imports before found, by row id.
        now: what this one found.
    """

    changes: ChangeWriter
    alive: Mapping[str, int | None]
    known: Iterator[KnownMessage]
    now: MessageMarks = field(default_factory=MessageMarks)
    _old: KnownMessage | None = field(init=False)
    _last: int | None = None
    _last_messages: dict[str, LastMessage] = field(default_factory=dict)
    _moved: dict[tuple[str, str], list[str]] = field(default_factory=_lists)
    _gone: dict[tuple[str, str], list[str]] = field(default_factory=_lists)

    def __post_init__(self) -> None:
        self._old = next(self.known, None)

    def take(self, row: Row) -> None:
        """Take the next row."""
        id, session = row.values.get("id"), row.values.get("session_id")
        if type(id) is not int or id == self._last or not isinstance(session, str) or not session:
            self.changes.skip("message without an id, or of no session")
            return
        self._last = id
        while self._old is not None and self._old.row < id:
            self._miss(self._old)
            self._old = next(self.known, None)
        known = None
        if self._old is not None and self._old.row == id:
            known, self._old = self._old, next(self.known, None)
        if known is not None and known.session != session:
            # the database is another one; the row that had the id is gone
            self._note_gone(known)
            known = None
        self._tell(id, session, row, known)

    def end(self) -> None:
        """Tell what is gone, and what has left its transcript: that was the last row."""
        while self._old is not None:
            self._miss(self._old)
            self._old = next(self.known, None)
        self._tell_moves()

    def break_off(self) -> None:
        """Keep what was known of the rows that could not be read: they are not gone."""
        while self._old is not None:
            self.now.add(self._old)
            self._old = next(self.known, None)
        self._tell_moves()

    def _tell(self, id: int, session: str, row: Row, known: KnownMessage | None) -> None:
        """Tell what is new of a message."""
        content = content_of(row.values)
        mark, standing = MessageMarks.mark(content), standing_of(row.values)
        moment = micros(row.values.get("timestamp"))
        estimate = self._estimate(session) if moment is None else None
        parent = self._parent(str(id), session, estimate if moment is None else moment)
        if known is not None and known.mark == mark:
            self.changes.already(session)
        else:
            told = message_told(row.values)
            told.put("parent", parent)
            if estimate is not None:
                told.put("timestamp", estimate)
                told.keep("timestamp_estimated", True)  # noqa: FBT003 - a value
            repairs = (*row.repairs, *told.repairs)
            if known is not None:
                data = told.data | {"message": str(id)}
                self.changes.change(session, MESSAGE_REVISED, data, repairs)
            elif "role" in told.data:
                self.changes.message(session, str(id), told.data, repairs, len(content))
            else:
                self.changes.skip("no message: it has no role")
                return
        if standing != (Standing.ACTIVE if known is None else known.standing):
            self._moved[session, _MOVES[standing]].append(str(id))
        self.now.add(KnownMessage(id, mark, session, standing))

    def _estimate(self, session: str) -> int | None:
        """Give the time of a message that has none; None if nothing in front of it has one."""
        last = self._last_messages.get(session)
        if last is None:
            return self.alive.get(session)
        return last.time if last.time != _NEVER else None

    def _parent(self, id: str, session: str, moment: int | None) -> str | None:
        """Return the message before, if this one would not be read behind it by its own time."""
        last = self._last_messages.get(session)
        parent, self._last_messages[session] = write_after(
            last, id, _NEVER if moment is None else moment
        )
        # without a time, it would be read at the order of its event
        return last.id if moment is None and last is not None else parent

    def _miss(self, known: KnownMessage) -> None:
        """Note a message that is not there: its session was deleted, or it was taken out."""
        if known.session in self.alive:
            self._note_gone(known)
        else:
            self.now.add(known)  # should the session come back, it may come without it

    def _note_gone(self, known: KnownMessage) -> None:
        if known.session in self.alive and known.standing is not Standing.REMOVED:
            self._gone[known.session, MESSAGE_REMOVED].append(str(known.row))

    def _tell_moves(self) -> None:
        for (session, type), ids in self._moved.items():
            self.changes.change(session, type, {"messages": ids})
        for (session, type), ids in self._gone.items():
            self.changes.change(session, type, {"messages": ids, "reason": _GONE})
