"""What events do to messages of their session: pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.format.bounds import is_key
from journal.format.event_types import (
    ARCHIVED,
    MESSAGE_ARCHIVED,
    MESSAGE_REMOVED,
    MESSAGE_RESTORED,
    MESSAGE_REVISED,
    SESSION_CLEARED,
    SESSION_DELETED,
    TRANSCRIPT_REPLACED,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from projector.fold.sweeps import Order

IN_TRANSCRIPT, IN_ARCHIVE, OUT, GONE = 0, 1, 2, 3
"""States of a message: in the transcript; out of it but still found; neither; gone with its
session. What is found is below `OUT`."""

LISTING = (MESSAGE_REMOVED, MESSAGE_ARCHIVED, MESSAGE_RESTORED)
"""Types of events that name messages in a list."""

Item = dict[str, Any]


def named(type: str, data: Mapping[str, Any]) -> set[str]:
    """Return the ids of the messages that an event names and does something to."""
    if type == MESSAGE_REVISED:
        return {target} if is_key(target := data.get("message")) else set()
    if type in LISTING:
        return set(filter(is_key, _list(data)))
    return set(items(data)) if type == TRANSCRIPT_REPLACED else set()


def items(data: Mapping[str, Any]) -> dict[str, Item]:
    """Return the messages of a new transcript by id; the first of several with one id counts."""
    found: dict[str, Item] = {}
    for item in _list(data):
        if isinstance(item, dict):
            id = item.get("message", item.get("id"))
            if is_key(id):
                found.setdefault(id, item)
    return found


def new_messages(data: Mapping[str, Any]) -> list[tuple[int, str, Item]]:
    """Return the messages that a new transcript brings: place in it from 1, id, and data."""
    return [
        (place, id, {name: value for name, value in item.items() if name != "id"})
        for place, (id, item) in enumerate(items(data).items(), 1)
        if "message" not in item
    ]


def _list(data: Mapping[str, Any]) -> list[Any]:
    messages = data.get("messages")
    return messages if isinstance(messages, list) else []


def changed_fields(type: str, item: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the fields that a revision, or a message kept in a new transcript, changes."""
    if type == MESSAGE_REVISED or (type == TRANSCRIPT_REPLACED and "message" in item):
        return {name: value for name, value in item.items() if name != "message"}
    return None


_EFFECTS = {MESSAGE_REMOVED: OUT, MESSAGE_ARCHIVED: IN_ARCHIVE, MESSAGE_RESTORED: IN_TRANSCRIPT}


def effect(type: str, data: Mapping[str, Any], *, is_named: bool) -> int | None:
    """Return the state into which an event brings a message; None if it changes no state."""
    if type == TRANSCRIPT_REPLACED:
        rest = IN_ARCHIVE if data.get("rest") == ARCHIVED else OUT
        return IN_TRANSCRIPT if is_named else rest
    if type == SESSION_CLEARED:
        return OUT
    if type == SESSION_DELETED:
        return GONE
    return _EFFECTS.get(type)


def state_after(begins: int, effects: Iterable[tuple[Order, int]]) -> int:
    """Return a message's state.

    Args:
        begins: the state in which it began: `OUT` if it stands in a new transcript alone, which
            must name it.
        effects: what other events did to it, in any sequence. Their authors had seen it, or they
            could not have named it: they come behind it, whatever their order says.
    """
    found = begins
    for _, reached in sorted(effects):
        # what is taken out goes further and not back, but where it is put back
        if reached == IN_TRANSCRIPT or reached > found:
            found = reached
    return found
