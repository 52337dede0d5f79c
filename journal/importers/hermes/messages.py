"""Appends the new events of the messages of a Hermes database.

Hermes reads a session by row ids, whatever the times are. A journal reads it by times, so a message
that would be read before the previous row names that as its parent. A message without a time gets
the time of the previous row, or of the start of its session; else that of the database.
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
from journal.importers.hermes.rows import MessageState, content_of, message_data, state_of
from journal.importers.parsing.source_time import micros

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from journal.importers.hermes.change_writer import ChangeWriter
    from journal.importers.parsing.values import Json
    from journal.importers.sqlite.snapshot import Row

_GONE = "no longer in Hermes"
_MOVES = {
    MessageState.ACTIVE: MESSAGE_RESTORED,
    MessageState.ARCHIVED: MESSAGE_ARCHIVED,
    MessageState.REMOVED: MESSAGE_REMOVED,
}
_NEVER = 2**53
"""The time of a message without one, if no message before it has one: after all that have one."""


def _lists() -> defaultdict[tuple[str, str], list[str]]:
    return defaultdict(list)


@dataclass(slots=True)
class Messages:
    """Compares the rows with what is known of them; both are sorted by row id.

    Attributes:
        changes: appends the events.
        alive: the sessions in the database, with the time of their start, if it is known.
        modified: when the database was changed last, in microseconds since 1970; None if that is
            not known, as of an export.
        known: the messages that earlier imports found, by row id.
        now: the messages that this import found.
    """

    changes: ChangeWriter
    alive: Mapping[str, int | None]
    modified: int | None
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
            # it is another database; the earlier row with this id is gone
            self._note_gone(known)
            known = None
        self._write(id, session, row, known)

    def end(self) -> None:
        """Append removals for rows that are gone or inactive, after the last row."""
        while self._old is not None:
            self._miss(self._old)
            self._old = next(self.known, None)
        self._write_moves()

    def break_off(self) -> None:
        """Keep the known rows that could not be read: they are not gone."""
        while self._old is not None:
            self.now.add(self._old)
            self._old = next(self.known, None)
        self._write_moves()

    def _write(self, id: int, session: str, row: Row, known: KnownMessage | None) -> None:
        content = content_of(row.values)
        mark, state = MessageMarks.mark(content), state_of(row.values)
        moment = micros(row.values.get("timestamp"))
        estimate = self._estimate(session) if moment is None else None
        parent = self._parent(str(id), session, estimate if moment is None else moment)
        if known is not None and known.mark == mark:
            self.changes.already(session)
        else:
            found = message_data(row.values)
            found.put("parent", parent)
            if estimate is not None:
                found.put("timestamp", estimate)
                found.keep("estimated_time", True)  # noqa: FBT003 - a value
            repairs = (*row.repairs, *found.repairs)
            if known is not None:
                data = found.data | {"message": str(id)}
                self.changes.change(session, MESSAGE_REVISED, data, repairs)
            elif "role" in found.data:
                self.changes.message(session, str(id), found.data, repairs, len(content))
                if moment is None and estimate is None and self.modified is not None:
                    self._date(session, str(id), found.data.get("extra", {}))
            else:
                self.changes.skip("no message: it has no role")
                return
        if state != (MessageState.ACTIVE if known is None else known.state):
            self._moved[session, _MOVES[state]].append(str(id))
        self.now.add(KnownMessage(id, mark, session, state))

    def _date(self, session: str, id: str, extra: dict[str, Json]) -> None:
        """Give a new message the time of the database: nothing before it has one."""
        dated = {"timestamp": self.modified, "extra": {**extra, "estimated_time": True}}
        self.changes.fact(session, MESSAGE_REVISED, {"message": id, **dated})

    def _estimate(self, session: str) -> int | None:
        """Return the time of a message that has none; None if nothing before it has one."""
        last = self._last_messages.get(session)
        if last is None:
            return self.alive.get(session)
        return last.time if last.time != _NEVER else None

    def _parent(self, id: str, session: str, moment: int | None) -> str | None:
        """Return the message before, if this one would be read before it by its own time."""
        last = self._last_messages.get(session)
        parent, self._last_messages[session] = write_after(
            last, id, _NEVER if moment is None else moment
        )
        # without a time, it would be read at the order of its event
        return last.id if moment is None and last is not None else parent

    def _miss(self, known: KnownMessage) -> None:
        """Record a message whose row is gone: its session was deleted, or only the row."""
        if known.session in self.alive:
            self._note_gone(known)
        else:
            self.now.add(known)  # the session may appear again without it

    def _note_gone(self, known: KnownMessage) -> None:
        if known.session in self.alive and known.state is not MessageState.REMOVED:
            self._gone[known.session, MESSAGE_REMOVED].append(str(known.row))

    def _write_moves(self) -> None:
        for (session, type), ids in self._moved.items():
            self.changes.change(session, type, {"messages": ids})
        for (session, type), ids in self._gone.items():
            self.changes.change(session, type, {"messages": ids, "reason": _GONE})
