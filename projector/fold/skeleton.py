"""Events of sessions that another part holds, without their text: pure functions.

What is left decides where messages that several sessions have are at home: ids, dates, lines,
states, parents of sessions, and hashes of the words of messages. Titles and the keys of namespaces
stay, too: what is said in one session is compared with that of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from journal.format.event import Event
from journal.format.event_types import (
    KEY_DELETED,
    KEY_SET,
    MESSAGE_APPENDED,
    MESSAGE_ARCHIVED,
    MESSAGE_REMOVED,
    MESSAGE_RESTORED,
    MESSAGE_REVISED,
    SESSION_CLEARED,
    SESSION_CREATED,
    SESSION_DELETED,
    SESSION_ENSURED,
    SESSION_REVISED,
    SESSION_TITLED,
    TRANSCRIPT_REPLACED,
    USAGE_ADDED,
)
from projector.fold.replays import WORDS, hashed, usage_line, usage_words

if TYPE_CHECKING:
    from collections.abc import Callable

Data = Mapping[str, Any]

_KEPT = ("timestamp", "line", "role")
"""Fields of a message that stay as they are."""
_OF_SESSION = ("title", "parent", "clear", "seen")
_NAMESPACE = "@"
"""First character of the sessions whose keys every part has."""


def skeleton(event: Event) -> Event:
    """Return what a part keeps of an event of another part's session.

    It keeps a row of each, since the first event under a key is in force, of whatever type it is.

    Raises:
        TypeError: a field is nested deeper than can be encoded.
    """
    if event.type in (KEY_SET, KEY_DELETED) and event.session.startswith(_NAMESPACE):
        return event
    slim = _SLIM.get(event.type)
    data = {} if slim is None else slim(event.data)
    return Event(event.session, event.id, event.type, event.time, event.order, data)


def _message(data: Data) -> dict[str, Any]:
    """Return the fields of a message, or of a revision, with hashes in the place of texts."""
    found = {name: data[name] for name in _KEPT if name in data}
    for name in WORDS:
        if name in data and name not in _KEPT:
            value = data[name]
            found[name] = value if value is None else hashed(value)
    return found


def _revision(data: Data) -> dict[str, Any]:
    return {"message": data.get("message"), **_message(data)}


def _listing(data: Data) -> dict[str, Any]:
    return {"messages": data.get("messages")}


def _transcript(data: Data) -> dict[str, Any]:
    messages = data.get("messages")
    items = messages if isinstance(messages, list) else []
    slim = [
        {name: item[name] for name in ("id", "message") if name in item} | _message(item)
        for item in items
        if isinstance(item, dict)
    ]
    return {"messages": slim, **{name: data[name] for name in ("rest", "seen") if name in data}}


def _session(data: Data) -> dict[str, Any]:
    return {name: data[name] for name in _OF_SESSION if name in data}


def _usage(data: Data) -> dict[str, Any]:
    if usage_line(data) is None:
        return {}
    return {"call": data["call"], "words": usage_words(data)}


_SLIM: dict[str, Callable[[Data], dict[str, Any]]] = {
    MESSAGE_APPENDED: _message,
    MESSAGE_REVISED: _revision,
    MESSAGE_REMOVED: _listing,
    MESSAGE_ARCHIVED: _listing,
    MESSAGE_RESTORED: _listing,
    TRANSCRIPT_REPLACED: _transcript,
    SESSION_CREATED: _session,
    SESSION_ENSURED: _session,
    SESSION_REVISED: _session,
    SESSION_TITLED: _session,
    SESSION_CLEARED: _session,
    SESSION_DELETED: _session,
    USAGE_ADDED: _usage,
}
