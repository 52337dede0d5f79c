"""Requests to forget, and what they forget: see "Forgetting" in `docs/format.md`.

The projector, the importers, erasure and everything that restores records decide with `Forgotten`,
so that all of them forget the same.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from journal.erasure.hashes import event_hash, message_hashes, session_hash
from journal.format.bounds import is_key
from journal.format.event_types import (
    ERASURE_REQUESTED,
    FORGET,
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
from journal.fs.key_file import read_keys
from journal.segments.find import find_events
from journal.segments.listing import list_segments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from journal.format.event import Event
    from journal.format.keyed_hash import Key
    from journal.fs.directory import Directory

_WITH_MESSAGES = (MESSAGE_REMOVED, MESSAGE_ARCHIVED, MESSAGE_RESTORED, TRANSCRIPT_REPLACED)
_WITH_PARENT = (SESSION_CREATED, SESSION_ENSURED, SESSION_REVISED)
_MOST = 20_000
"""Sessions whose hashes are kept in memory."""
_Table = dict[str, "tuple[Request, ...]"]
"""The requests that name something, by its hash."""
_TYPE = ERASURE_REQUESTED.encode()


@dataclass(frozen=True, slots=True)
class Request:
    """A request to forget.

    Attributes:
        id: of its event, in the session `@forget`.
        time: when it was appended, microseconds since 1970.
        key: id of the key of its hashes.
        sessions: hashes of the sessions that it forgets.
        events: hashes of the events and messages that it forgets.
        messages: hashes of messages that it forgets in every session.
        reach: the last sequence number that it forgets in each lane; None if it forgets all records
            that there will ever be.
        scope: what was asked for, for people.
        reason: why, for people.
    """

    id: str
    time: int
    key: str
    sessions: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    messages: frozenset[str] = frozenset()
    reach: Mapping[str, int] | None = None
    scope: str = ""
    reason: str = ""

    def reaches(self, lane: str, seq: int) -> bool:
        """Return whether the request can forget the record with a number in a lane."""
        if self.reach is None:
            return True
        last = self.reach.get(lane)
        return last is not None and seq <= last


def request_of(event: Event) -> Request | None:
    """Return the request that an event is; None if it is none, or has no effect.

    A request without the id of a key, or whose reach is no object, has no effect: without its reach
    it would forget more than its author asked for.
    """
    if event.type != ERASURE_REQUESTED or event.session != FORGET:
        return None
    data = event.data
    key, reach = data.get("key"), data.get("reach")
    if not isinstance(key, str) or not (reach is None or isinstance(reach, dict)):
        return None
    if reach is not None:
        reach = {lane: last for lane, last in reach.items() if last.__class__ is int}
    return Request(
        event.id,
        event.time,
        key,
        _texts(data.get("sessions")),
        _texts(data.get("events")),
        _texts(data.get("messages")),
        reach,
        _text(data.get("scope")),
        _text(data.get("reason")),
    )


def _texts(value: object) -> frozenset[str]:
    return frozenset(filter(_text, value)) if isinstance(value, list) else frozenset()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


class Forgotten:
    """What the requests of a journal forget. It is false if there are none.

    The same requests and keys forget the same, whatever their order, and however often each is
    given. Of several with one id each counts.

    Args:
        requests: the requests.
        keys: the keys of the journal.

    Attributes:
        requests: the requests, without those that are given twice, by id.
        unknown_keys: the ids of keys that requests name and the journal lacks, sorted. What these
            requests forget cannot be determined.
    """

    def __init__(self, requests: Iterable[Request], keys: Iterable[Key] = ()) -> None:
        by_id: defaultdict[str, list[Request]] = defaultdict(list)
        by_key: defaultdict[str, list[Request]] = defaultdict(list)
        for request in sorted(requests, key=lambda request: request.id):
            if request not in by_id[request.id]:
                by_id[request.id].append(request)
                by_key[request.key].append(request)
        self.requests = tuple(request for same in by_id.values() for request in same)
        known = [key for key in dict.fromkeys(keys) if key.id in by_key]
        self._keyed = [_Keyed(key, by_key[key.id]) for key in known]
        self.unknown_keys = tuple(sorted(by_key.keys() - {key.id for key in known}))

    def __bool__(self) -> bool:
        return bool(self.requests)

    def apply(self, event: Event, lane: str, seq: int) -> tuple[Event | None, str]:
        """Return what is left of an event, and the id of the request that took the rest.

        Args:
            event: the event.
            lane: uuid of the lane of its record; empty for an event that is not appended yet, which
                only a request without a reach forgets.
            seq: number of its record in the lane.

        Returns:
            The event itself and an empty id; the event without its forgotten parts; or None, if it
            is forgotten.
        """
        if event.session == FORGET:
            return event, ""
        left, by = event, ""
        for keyed in self._keyed:
            found = keyed.forgets(left, lane, seq)
            if found:
                return None, found
            reduced, found = keyed.reduce(left, lane, seq)
            if reduced is None:
                return None, found
            left, by = reduced, by or found
        return left, by


class _Keyed:
    """The requests with one key, by the hashes that they name."""

    def __init__(self, key: Key, requests: Iterable[Request]) -> None:
        self._key = key
        self._sessions: _Table = {}
        self._events: _Table = {}
        self._messages: _Table = {}
        for request in requests:
            for table, hashes in (
                (self._sessions, request.sessions),
                (self._events, request.events),
                (self._messages, request.messages),
            ):
                for each in hashes:
                    table[each] = (*table.get(each, ()), request)
        self._known: dict[str, tuple[Request, ...]] = {}

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
            yield from self._naming_message(event.id, event.data)

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

    def _naming_message(self, id: str, data: Mapping[str, Any]) -> Iterator[tuple[Request, ...]]:
        for each in message_hashes(self._key, id, data):
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
        # a transcript without messages still takes others out of it; a list of none does nothing
        if event.type != TRANSCRIPT_REPLACED and not any(map(is_key, left)):
            return None, by
        return replace(event, data=event.data | {"messages": left}), by

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


def read_requests(directory: Directory) -> Forgotten:
    """Read all requests in the lanes of a journal, and the journal's keys.

    It returns at once where the journal has no keys: then nothing was ever forgotten here, and what
    others asked to forget cannot be determined. Else it reads every segment, and decodes only the
    lines that can be requests.

    Raises:
        JournalOpenError: the file of the keys is damaged or cannot be read.
        ReadError: a segment cannot be read.
    """
    keys = read_keys(directory.path)
    if not keys:
        return Forgotten(())
    found = (
        request_of(event)
        for ref in list_segments(directory.lanes)
        for event in find_events(ref, _TYPE)
    )
    return Forgotten(filter(None, found), keys)
