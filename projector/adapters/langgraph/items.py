"""Items of LangGraph's store as events: a key-value, and a message with its text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from langgraph.store.base.embed import get_text_at_path, tokenize_path

from journal import EventError, new_event
from projector.adapters.langgraph.checkpoints import SOURCE
from projector.adapters.naming import joined, split

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projector.search.hits import Hit

__all__ = ["ITEMS", "ROLE", "SOURCE"]

ITEMS = "@langgraph.store"
"""The namespace of the items. A key is the labels of LangGraph's namespace and the item's key."""
ROLE = "memory"
"""Role of the messages that hold the text of items."""
_SESSION = "langgraph.store:"
_MESSAGE = "item:"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Namespace = tuple[str, ...]


def prefix_of(namespace: Namespace) -> str:
    """Return the beginning of the keys of the items in a namespace and below it."""
    return "".join(f"{joined(label)}/" for label in namespace)


def address(namespace: Namespace, key: str) -> str:
    """Return the key of an item."""
    return f"{prefix_of(namespace)}={joined(key)}"


def named_by(address: str) -> tuple[Namespace, str]:
    """Return the namespace and the key of an item, by the key that `address` returned."""
    *labels, key = split(address)
    return tuple(labels), key.removeprefix("=")


def session_of(namespace: Namespace) -> str:
    """Return the session of the messages of a namespace."""
    return _SESSION + joined(*namespace)


def found_by(hit: Hit) -> tuple[Namespace, str]:
    """Return the namespace and the key of the item whose message was found."""
    return tuple(split(hit.session.removeprefix(_SESSION))), hit.id.removeprefix(_MESSAGE)


def text_of(value: dict[str, Any], index: Literal[False] | list[str] | None) -> str | None:
    """Return the text that an item is found by; None if it is not to be found.

    Args:
        value: the item's value.
        index: False for none, paths of fields, or None for all fields.

    Raises:
        EventError: the value is nested too deep, or contains itself.
    """
    if index is False:
        return None
    if index is None:
        try:
            return "\n".join(_lines(value))
        except RecursionError:
            raise EventError("a value is nested too deep; nothing was written") from None
    return "\n".join(
        text for path in index for text in get_text_at_path(value, tokenize_path(path))
    )


def _lines(value: Any, name: str = "") -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _lines(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _lines(item, name)
    elif value is not None:
        yield f"{name}: {value}" if name else str(value)


def put_events(
    namespace: Namespace, key: str, item: dict[str, Any], text: str | None, *, is_new: bool
) -> list[dict[str, Any]]:
    """Return the events that store an item.

    Two processes that store a new item at once append the same message twice, which is one; its
    text is a revision, of which the last counts, as of key-values.

    Args:
        namespace: labels of its namespace.
        key: its key.
        item: its value, `created` and `updated`.
        text: what it is found by; None if it is not to be found.
        is_new: whether it may have no message yet, or a removed one.

    Raises:
        EventError: JSON would change the value.
    """
    session, message = session_of(namespace), _MESSAGE + key
    stored = new_event(ITEMS, "key.set", {"key": address(namespace, key), "value": item})
    if text is None:
        return [stored, *([] if is_new else [_removed(session, message)])]
    events = [new_event(session, "message.revised", {"message": message, "content": text})]
    if is_new:
        first = {"role": ROLE, "content": "", "source": SOURCE}
        there = new_event(session, "message.restored", {"messages": [message]})
        events = [new_event(session, "message.appended", first, id=message), there, *events]
    return [*events, stored]


def delete_events(namespace: Namespace, key: str) -> list[dict[str, Any]]:
    """Return the events that delete an item."""
    gone = new_event(ITEMS, "key.deleted", {"key": address(namespace, key)})
    return [gone, _removed(session_of(namespace), _MESSAGE + key)]


def _removed(session: str, message: str) -> dict[str, Any]:
    return new_event(session, "message.removed", {"messages": [message], "reason": "deleted"})


def moment_of(time: int) -> datetime:
    """Return a moment, given in microseconds since 1970, as a datetime in UTC."""
    return _EPOCH + timedelta(microseconds=time)
