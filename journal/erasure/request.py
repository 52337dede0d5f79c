"""The data of a request to forget."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from journal.erasure.marked import Marked
from journal.format.event_types import ERASURE_REQUESTED, FORGET
from journal.format.fields.erasure import HASHED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journal.format.event import Event


@dataclass(frozen=True, slots=True)
class Request:
    """A request to forget.

    Attributes:
        id: of its event, in the session `@forget`.
        time: when it was appended, microseconds since 1970; two that differ in it alone are equal.
        key: id of the key of its hashes.
        sessions: hashes of the sessions that it forgets.
        events: hashes of the events and messages that it forgets.
        messages: hashes of messages that it forgets in every session.
        reach: the last sequence number that it forgets in each lane; None if it forgets all records
            that there will ever be.
        scope: a description of the request, for people.
        reason: the reason, for people.
        texts: where marks go in texts, by the hashes of these.
    """

    id: str
    time: int = field(compare=False)
    key: str
    sessions: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    messages: frozenset[str] = frozenset()
    reach: Mapping[str, int] | None = None
    scope: str = ""
    reason: str = ""
    texts: Mapping[str, Marked] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """Return the data of its event, without those of `extra`."""
        found: dict[str, Any] = {"key": self.key}
        found |= {name: sorted(getattr(self, name)) for name in HASHED if getattr(self, name)}
        if self.reach is not None:
            found["reach"] = dict(self.reach)
        if self.texts:
            found["texts"] = {hash: marked.fields() for hash, marked in sorted(self.texts.items())}
        found |= {n: value for n in ("scope", "reason") if (value := getattr(self, n))}
        return found

    def reaches(self, lane: str, seq: int) -> bool:
        """Return whether the request can forget the record with a number in a lane."""
        if self.reach is None:
            return True
        last = self.reach.get(lane)
        return last is not None and seq <= last


def request_of(event: Event) -> Request | None:
    """Return the request of an event; None if it is no request, or has no effect.

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
        _marked(data.get("texts")),
    )


def _marked(value: object) -> dict[str, Marked]:
    entries = value.items() if isinstance(value, dict) else ()
    found = ((hash, Marked.of(entry)) for hash, entry in entries)
    return {hash: marked for hash, marked in found if marked is not None}


def _texts(value: object) -> frozenset[str]:
    return frozenset(filter(_text, value)) if isinstance(value, list) else frozenset()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
