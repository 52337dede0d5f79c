"""A message with those around it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from projector.adapters.hermes.base import Base
from projector.adapters.hermes.messages.rewind import place_of
from projector.adapters.hermes.rows.retained import Kept, kept, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import apsw

    from projector.adapters.hermes.rows.sessions import Row

_BLOCK = 64
"""Messages that are looked at together where some of them are looked for."""


class Views(Base):
    """Parts of long transcripts; what is inactive is shown, too."""

    def get_messages_around(
        self, session_id: str, around_message_id: int, window: int = 5
    ) -> dict[str, Any]:
        """Return a message with those around it, in order.

        Args:
            session_id: the session.
            around_message_id: the message.
            window: how many before it, and how many behind it.

        Returns:
            `window` (the messages), `messages_before` and `messages_after` (how many of them are
            before it and behind it). Nothing if the session has no such message.
        """
        return self._read(lambda db: _window(db, session_id, around_message_id, window)[0])

    def get_anchored_view(
        self,
        session_id: str,
        around_message_id: int,
        window: int = 5,
        bookend: int = 3,
        keep_roles: tuple[str, ...] | None = ("user", "assistant"),
    ) -> dict[str, Any]:
        """Return a message with those around it, and how the session begins and ends.

        Args:
            session_id: the session.
            around_message_id: the message.
            window: how many before it, and how many behind it.
            bookend: how many from the beginning, and how many from the end.
            keep_roles: only messages of these roles, but for the message itself; None for all.

        Returns:
            As `get_messages_around`, with `bookend_start` and `bookend_end`: messages with text
            from outside the window.
        """

        def is_wanted(row: Row) -> bool:
            return keep_roles is None or row["role"] in keep_roles

        def tells(row: Row) -> bool:
            return is_wanted(row) and isinstance(row["content"], str) and row["content"] != ""

        def query(db: apsw.Connection) -> dict[str, Any]:
            view, before, behind = _window(db, session_id, around_message_id, window)
            shown = view["window"]
            view["window"] = [r for r in shown if r["id"] == around_message_id or is_wanted(r)]
            first = _some(_loaded(db, session_id, before), tells, bookend)
            last = _some(_loaded(db, session_id, behind[::-1]), tells, bookend)
            return view | {"bookend_start": first, "bookend_end": last[::-1]}

        return self._read(query)


def _window(
    db: apsw.Connection, session: str, wanted: int, window: int
) -> tuple[dict[str, Any], list[Kept], list[Kept]]:
    """Return a window, and what is before it and behind it."""
    found = kept(db, session)
    at = place_of(session, found, wanted)
    if at is None:
        return {"window": [], "messages_before": 0, "messages_after": 0}, [], []
    start, end = max(at - max(window, 0), 0), at + max(window, 0) + 1
    shown = rows(db, session, found[start:end])
    counts = {"messages_before": at - start, "messages_after": len(shown) - (at - start) - 1}
    return {"window": shown, **counts}, found[:start], found[end:]


def _loaded(db: apsw.Connection, session: str, messages: list[Kept]) -> Iterator[Row]:
    for start in range(0, len(messages), _BLOCK):
        yield from rows(db, session, messages[start : start + _BLOCK])


def _some(found: Iterable[Row], is_wanted: Callable[[Row], bool], most: int) -> list[Row]:
    return list(islice(filter(is_wanted, found), max(most, 0)))
