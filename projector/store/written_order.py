"""Keep messages in the order in which a handle writes them, whatever their timestamps are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from journal.format.transcript_order import LastMessage, write_after
from journal.process import clock
from projector.errors import ProjectorError
from projector.views.messages import last_message

if TYPE_CHECKING:
    from projector.store.handle import Handle

__all__ = ["LastMessage", "WrittenOrder", "write_after"]

_REMEMBERED = 1000
"""Sessions whose last message is remembered."""


class WrittenOrder:
    """The last message of each session that a handle writes to."""

    def __init__(self, store: Handle) -> None:
        self._store = store
        self._clock = clock.of(store.journal.path)
        self._last: dict[str, LastMessage] = {}

    def place(
        self, session: str, id: str, data: dict[str, Any], timestamp: int | None
    ) -> LastMessage:
        """Set `timestamp` and `parent` of a message so that it is read behind the last one.

        Args:
            session: id of the session.
            id: id of the message.
            data: its data.
            timestamp: its own date, microseconds since 1970; None if it is dated by its append.

        Returns:
            The message as the last one, for `note` once it is appended.
        """
        last = self._last.get(session)
        if timestamp is None:
            # it is read at the order of its event, which is this one or a higher one
            _, time = self._clock.reserve()
        else:
            time = data["timestamp"] = timestamp
            last = last or self.look_up(session)
        parent, new = _write_after(last, id, time, is_undated=timestamp is None)
        if parent is not None:
            data["parent"] = parent
        return new

    def last(self, session: str) -> LastMessage | None:
        """Return the last message of a session: what this handle wrote, else what is projected."""
        return self._last.get(session) or self.look_up(session)

    def look_up(self, session: str) -> LastMessage | None:
        """Return the last message of a session that is projected, without waiting for anything."""
        with suppress(ProjectorError):  # an unusable projection must not prevent an append
            return self._store.projection.peek(
                lambda db: None if db is None else last_message(db, session)
            )
        return None

    def note(self, session: str, last: LastMessage) -> None:
        """Remember the last message of a session."""
        if len(self._last) >= _REMEMBERED:
            self._last.clear()
        self._last[session] = last


def _write_after(
    last: LastMessage | None, id: str, time: int, *, is_undated: bool
) -> tuple[str | None, LastMessage]:
    """Do as `write_after`, where `time` of an undated message is the earliest one possible.

    Its order is known only after it is written. And all undated messages of a lane can get the date
    of an earlier message that is later.
    """
    if last is not None and last.is_open and not (is_undated and last.depth == 0):
        return last.id, LastMessage(id, max(time, last.time), last.depth + 1, is_open=True)
    parent, new = write_after(last, id, time)
    return parent, replace(new, is_open=is_undated)
