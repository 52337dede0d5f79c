"""The requests that name an event or a part of it, by its keyed hashes. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from journal.erasure.hashes import event_hash, message_hashes, session_hash
from journal.format.bounds import is_key
from journal.format.event_types import (
    MESSAGE_APPENDED,
    MESSAGE_ARCHIVED,
    MESSAGE_REMOVED,
    MESSAGE_RESTORED,
    MESSAGE_REVISED,
    SESSION_CREATED,
    SESSION_ENSURED,
    SESSION_REVISED,
    TRANSCRIPT_REPLACED,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from journal.erasure.request import Request
    from journal.format.event import Event
    from journal.format.keyed_hash import Key
    from journal.format.redacted import Redacted

_WITH_MESSAGES = (MESSAGE_REMOVED, MESSAGE_ARCHIVED, MESSAGE_RESTORED, TRANSCRIPT_REPLACED)
_WITH_PARENT = (SESSION_CREATED, SESSION_ENSURED, SESSION_REVISED)
REDUCIBLE = frozenset((*_WITH_MESSAGES, *_WITH_PARENT))
"""Types of events of which a part can be forgotten."""
_MOST = 20_000
"""Sessions whose hashes are kept in memory."""
_Table = dict[str, "tuple[Request, ...]"]
"""The requests that have a hash, by that hash."""


class Keyed:
    """The requests with one key, by their hashes.

    Args:
        key: the key.
        requests: the requests.
    """

    def __init__(self, key: Key, requests: Iterable[Request]) -> None:
        self._key = key
        self._sessions: _Table = {}
        self._events: _Table = {}
        self._messages: _Table = {}
        for request in requests:
            for table, hashes in self._named(request):
                again = table.keys() & hashes
                for each in again:
                    table[each] = (*table[each], request)
                # each process that applies events makes these tables of all that was ever forgotten
                table.update(dict.fromkeys(hashes - again, (request,)))
        self._known: dict[str, tuple[Request, ...]] = {}

    def covers(self, request: Request) -> bool:
        """Return whether everything that a request names is forgotten for ever."""
        if request.key != self._key.id:
            return False
        return all(
            any(there.reach is None for there in table.get(each, ()))
            for table, hashes in self._named(request)
            for each in hashes
        )

    def _named(self, request: Request) -> Iterator[tuple[_Table, frozenset[str]]]:
        """Yield each table, and the hashes of a request that belong into it."""
        yield self._sessions, request.sessions
        yield self._events, request.events
        yield self._messages, request.messages

    def forgets(self, event: Event, lane: str, seq: int) -> str:
        """Return the id of a request that forgets all of an event; empty if none does."""
        return _reaching(self._naming(event), lane, seq)

    def _naming(self, event: Event) -> Iterator[tuple[Request, ...]]:
        """Yield the requests that name an event, by each of its hashes."""
        if self._sessions:
            yield self._naming_session(event.session)
        if self._events:
            yield self._naming_event(event.session, event.id)
            if event.type == MESSAGE_REVISED:
                yield self._naming_event(event.session, event.data.get("message"))
        if self._messages and event.type == MESSAGE_APPENDED:
            yield from self._naming_message(event.id, event.data, event.redacted)

    def _naming_session(self, session: object) -> tuple[Request, ...]:
        if not is_key(session):
            return ()
        found = self._known.get(session)
        if found is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            found = self._sessions.get(session_hash(self._key, session), ())
            self._known[session] = found
        return found

    def _naming_event(self, session: str, id: object) -> tuple[Request, ...]:
        return self._events.get(event_hash(self._key, session, id), ()) if is_key(id) else ()

    def _naming_message(
        self, id: str, data: Mapping[str, Any], redacted: Redacted | None = None
    ) -> Iterator[tuple[Request, ...]]:
        for each in message_hashes(self._key, id, data, redacted):
            yield self._messages.get(each, ())

    def reduce(self, event: Event, lane: str, seq: int) -> tuple[Event | None, str]:
        """Return an event without its forgotten parts, as `Forgotten.apply`."""
        if event.type in _WITH_PARENT:
            by = ""
            if self._sessions and "parent" in event.data:
                by = _reaching([self._naming_session(event.data["parent"])], lane, seq)
            if not by:
                return event, ""
            left = {name: value for name, value in event.data.items() if name != "parent"}
            return replace(event, data=left), by
        if event.type in _WITH_MESSAGES and (self._events or self._messages):
            return self._reduce_messages(event, lane, seq)
        return event, ""

    def _reduce_messages(self, event: Event, lane: str, seq: int) -> tuple[Event | None, str]:
        listed = event.data.get("messages")
        if not isinstance(listed, list):
            return event, ""
        by, left = "", []
        for item in listed:
            naming = self._naming_item(event.session, item)
            if found := _reaching(naming, lane, seq):
                by = by or found
            else:
                left.append(item)
        if not by:
            return event, ""
        # a transcript without messages still removes others; an empty list of messages does nothing
        if event.type != TRANSCRIPT_REPLACED and not any(map(is_key, left)):
            return None, by
        data, redacted = event.data | {"messages": left}, event.redacted
        if event.type == TRANSCRIPT_REPLACED and redacted is not None:
            redacted = redacted.within(data)  # it must not tell what was redacted in the others
        return replace(event, data=data, redacted=redacted), by

    def _naming_item(self, session: str, item: object) -> Iterator[tuple[Request, ...]]:
        """Yield the requests that name an item of `messages`: an id, or a message by its fields."""
        if not isinstance(item, dict):
            yield self._naming_event(session, item)
        elif "message" in item:
            yield self._naming_event(session, item["message"])
        elif is_key(id := item.get("id")):
            yield self._naming_event(session, id)
            data = {name: value for name, value in item.items() if name != "id"}
            yield from self._naming_message(id, data)


def _reaching(naming: Iterable[tuple[Request, ...]], lane: str, seq: int) -> str:
    """Return the id of the first request that reaches a record; empty if none does."""
    for requests in naming:
        for request in requests:
            if request.reaches(lane, seq):
                return request.id
    return ""
