"""Parts of a transcript: the messages around one, its beginning and its end."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from projector.adapters.hermes.base import Base
from projector.adapters.hermes.messages.rewind import index_of
from projector.adapters.hermes.rows.retained import Retained, load_rows, retained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import apsw

    from projector.adapters.hermes.rows.sessions import Row

_BLOCK = 64
"""Messages that are loaded at a time while some of them are searched for."""


class Windows(Base):
    """Parts of long transcripts, inactive messages among them."""

    def get_messages_around(
        self, session_id: str, around_message_id: int, window: int = 5
    ) -> dict[str, Any]:
        """Return the messages around one, in order.

        Args:
            session_id: the session.
            around_message_id: id of the message in the middle.
            window: the number of messages before it, and of those behind it.

        Returns:
            `window` (the messages), `messages_before` and `messages_after` (the number of those
            before it and behind it). Empty if the session has no such message.
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
        """Return the messages around one, and how the session begins and ends.

        Args:
            session_id: the session.
            around_message_id: id of the message in the middle.
            window: the number of messages before it, and of those behind it.
            bookend: the number of messages from the beginning, and of those from the end.
            keep_roles: only messages of these roles, and the one in the middle; None for all.

        Returns:
            As `get_messages_around`, with `bookend_start` and `bookend_end`: messages with text
            outside the window.
        """

        def is_wanted(row: Row) -> bool:
            return keep_roles is None or row["role"] in keep_roles

        def has_text(row: Row) -> bool:
            return is_wanted(row) and isinstance(row["content"], str) and row["content"] != ""

        def query(db: apsw.Connection) -> dict[str, Any]:
            view, before, behind = _window(db, session_id, around_message_id, window)
            shown = view["window"]
            view["window"] = [r for r in shown if r["id"] == around_message_id or is_wanted(r)]
            first = _some(_loaded(db, session_id, before), has_text, bookend)
            last = _some(_loaded(db, session_id, behind[::-1]), has_text, bookend)
            return view | {"bookend_start": first, "bookend_end": last[::-1]}

        return self._read(query)


def _window(
    db: apsw.Connection, session: str, wanted: int, window: int
) -> tuple[dict[str, Any], list[Retained], list[Retained]]:
    """Return a window, and the messages before it and behind it."""
    found = retained(db, session)
    at = index_of(session, found, wanted)
    if at is None:
        return {"window": [], "messages_before": 0, "messages_after": 0}, [], []
    start, end = max(at - max(window, 0), 0), at + max(window, 0) + 1
    shown = load_rows(db, session, found[start:end])
    counts = {"messages_before": at - start, "messages_after": len(shown) - (at - start) - 1}
    return {"window": shown, **counts}, found[:start], found[end:]


def _loaded(db: apsw.Connection, session: str, messages: list[Retained]) -> Iterator[Row]:
    for start in range(0, len(messages), _BLOCK):
        yield from load_rows(db, session, messages[start : start + _BLOCK])


def _some(found: Iterable[Row], is_wanted: Callable[[Row], bool], most: int) -> list[Row]:
    return list(islice(filter(is_wanted, found), max(most, 0)))
