"""The effects of events on the messages of their session: pure functions."""

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
"""States of a message: in the transcript; archived (out of it, and still found by a search);
removed; deleted with its session. A search finds the states below `OUT`."""

LISTING = (MESSAGE_REMOVED, MESSAGE_ARCHIVED, MESSAGE_RESTORED)
"""Types of events that list ids of messages."""

Item = dict[str, Any]


def named(type: str, data: Mapping[str, Any]) -> set[str]:
    """Return the ids of the messages that an event changes and names."""
    if type == MESSAGE_REVISED:
        return {target} if is_key(target := data.get("message")) else set()
    if type in LISTING:
        return set(filter(is_key, _list(data)))
    return set(items(data)) if type == TRANSCRIPT_REPLACED else set()


def items(data: Mapping[str, Any]) -> dict[str, Item]:
    """Return the messages of a `transcript.replaced` by id, of several with one id the first."""
    found: dict[str, Item] = {}
    for item in _list(data):
        if isinstance(item, dict):
            id = item.get("message", item.get("id"))
            if is_key(id):
                found.setdefault(id, item)
    return found


def new_messages(data: Mapping[str, Any]) -> list[tuple[int, str, Item]]:
    """Return the messages that a `transcript.replaced` adds: index in it from 1, id and data."""
    return [
        (index, id, {name: value for name, value in item.items() if name != "id"})
        for index, (id, item) in enumerate(items(data).items(), 1)
        if "message" not in item
    ]


def _list(data: Mapping[str, Any]) -> list[Any]:
    messages = data.get("messages")
    return messages if isinstance(messages, list) else []


def changed_fields(type: str, item: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the fields that an event revises in a message; None if it revises none.

    Args:
        type: of the event.
        item: its data; of a `transcript.replaced` the item with the id of the message.
    """
    if type == MESSAGE_REVISED or (type == TRANSCRIPT_REPLACED and "message" in item):
        return {name: value for name, value in item.items() if name != "message"}
    return None


_EFFECTS = {MESSAGE_REMOVED: OUT, MESSAGE_ARCHIVED: IN_ARCHIVE, MESSAGE_RESTORED: IN_TRANSCRIPT}


def effect(type: str, data: Mapping[str, Any], *, is_named: bool) -> int | None:
    """Return the state to which an event moves a message; None if it moves none.

    Args:
        type: of the event.
        data: of the event.
        is_named: whether the event names the message; else its author had seen it.
    """
    if type == TRANSCRIPT_REPLACED:
        others = IN_ARCHIVE if data.get("rest") == ARCHIVED else OUT
        return IN_TRANSCRIPT if is_named else others
    if type == SESSION_CLEARED:
        return OUT
    if type == SESSION_DELETED:
        return GONE
    return _EFFECTS.get(type)


def state_after(initial: int, effects: Iterable[tuple[Order, int]]) -> int:
    """Return a message's state.

    Args:
        initial: its first state: `OUT` if only a `transcript.replaced` holds it. The message is in
            the transcript then only if that event is in force, which names it.
        effects: order of each event that moves it, and the state to which; in any sequence. Each
            is applied after the message itself, also if its order is lower: its author had seen
            the message.
    """
    state = initial
    for _, target in sorted(effects):
        # a state moves forward only (transcript, archive, out, gone); a restore moves it back
        if target == IN_TRANSCRIPT or target > state:
            state = target
    return state


def revised(
    original: Mapping[str, Any], revisions: Iterable[tuple[Order, Mapping[str, Any]]]
) -> dict[str, Any]:
    """Return a message's data with its revisions in force: the last writer of each field wins."""
    data = dict(original)
    for _, revision in sorted(revisions, key=lambda pair: pair[0]):
        data |= {name: value for name, value in revision.items() if name != "message"}
    return data
