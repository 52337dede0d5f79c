"""The events that the adapter appends: docs/format.md describes each type and field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal import new_event

if TYPE_CHECKING:
    from collections.abc import Iterable

Event = dict[str, Any]
"""An event as `SessionStore.add` takes it."""

ARCHIVED = "archived"
"""Value of `rest` in `transcript.replaced`: the messages that it does not name are archived."""


def session_revised(session: str, *, clear: Iterable[str] = (), **fields: Any) -> Event:  # noqa: ANN401 - fields of a session
    """Return an event that sets fields of a session and removes those in `clear`."""
    names = list(clear)
    return new_event(session, "session.revised", fields | ({"clear": names} if names else {}))


def session_ended(session: str, ended: int, reason: str) -> Event:
    """Return an event that ends a session; `ended` is in microseconds since 1970."""
    return new_event(session, "session.ended", {"ended": ended, "reason": reason})


def session_reopened(session: str) -> Event:
    """Return an event that reverts the end of a session."""
    return new_event(session, "session.reopened", {})


def session_deleted(session: str) -> Event:
    """Return an event that deletes a session."""
    return new_event(session, "session.deleted", {})


def message_appended(session: str, id: str, data: dict[str, Any]) -> Event:
    """Return an event that appends a message."""
    return new_event(session, "message.appended", data, id=id)


def message_revised(session: str, id: str, **fields: Any) -> Event:  # noqa: ANN401 - fields of a message
    """Return an event that sets fields of a message."""
    return new_event(session, "message.revised", {"message": id, **fields})


def messages_removed(session: str, ids: list[str], reason: str) -> Event:
    """Return an event that removes messages from their transcript."""
    return new_event(session, "message.removed", {"messages": ids, "reason": reason})


def transcript_replaced(session: str, items: list[dict[str, Any]], rest: str | None) -> Event:
    """Return an event that makes `items` the whole transcript.

    Args:
        session: id of the session.
        items: new messages with `id`, or kept ones with `message`.
        rest: `ARCHIVED`, or None to remove the messages that are not in `items`.
    """
    data: dict[str, Any] = {"messages": items}
    return new_event(
        session, "transcript.replaced", data if rest is None else data | {"rest": rest}
    )


def key_deleted(namespace: str, key: str) -> Event:
    """Return an event that removes the value of a key."""
    return new_event(namespace, "key.deleted", {"key": key})
