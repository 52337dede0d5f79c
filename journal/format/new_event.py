"""Events that are to be appended: how callers write them down, and how they are checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from journal.errors import EventError, shown
from journal.format.bounds import KEY_LIMIT, is_key
from journal.format.event import check_event, check_key
from journal.format.event_types import SWEEPING, check_data
from journal.format.frame import MAX_RECORD, frame_parts, nested
from journal.format.lossless import is_unchanged
from journal.format.record import refusal
from journal.format.redacted import Redacted
from journal.process.ids import uuid7

NewEvent = tuple[str, str, str, dict[str, Any], Redacted | None, str | None]
"""An event that was checked and is to be appended: session, id, type, data, redacted, importer."""

_KEYS = frozenset(("session", "id", "type", "data", "redacted", "importer"))
_NAMED = 256
"""Sessions and types that an `Encoder` remembers."""
_ROOM = 256
"""Bytes that the number, times and checksum of a record have at most."""


class Encoded(NamedTuple):
    """An event that was checked and encoded, as by another process, but for number and time.

    Attributes:
        session: its session.
        id: its id.
        type: its type.
        names: the bytes of its record between its number and its time.
        rest: those behind its time and order, and the comma there.
        rules: of a redactor that finds nothing in it; empty if none has looked.
    """

    session: str
    id: str
    type: str
    names: bytes
    rest: bytes
    rules: str

    def line(self, seq: int, time: int, order: int) -> bytes:
        """Return its record, newline included, as `journal.format.record.encode` does."""
        at = b"%d" % time if order == time else b'%d,"order":%d' % (time, order)
        return frame_parts(b'"seq":%d,%b,"time":%b,' % (seq, self.names, at), self.rest)

    def data(self) -> dict[str, Any]:
        """Decode its data."""
        found: dict[str, Any] = orjson.loads(b"{" + self.rest)["data"]
        return found


Ready = NewEvent | Encoded
"""An event that a writer appends."""


def new_event(
    session: str, type: str, data: dict[str, Any], *, id: str | None = None
) -> dict[str, Any]:
    """Return an event to append, as `Journal.append_many` takes it. Nothing is checked yet.

    ::

        event = new_event("s1", "message.appended", {"role": "user", "content": "hello"}, id="m1")

    Args:
        session: the conversation it belongs to.
        type: what happened, such as `message.appended`.
        data: the fact itself, a JSON object.
        id: its id; without one it gets a UUIDv7 when it is appended.
    """
    if id is None:
        return {"session": session, "type": type, "data": data}
    return {"session": session, "id": id, "type": type, "data": data}


def checked(
    session: str,
    id: str | None,
    type: str,
    data: Mapping[str, Any],
    redacted: Redacted | None = None,
    importer: str | None = None,
) -> NewEvent:
    """Check an event, and give it an id if it has none.

    Args:
        session: the conversation it belongs to.
        id: its id.
        type: what happened.
        data: the fact itself.
        redacted: what was redacted in `data` already.
        importer: name and version of what imports it.

    Raises:
        EventError: no reader could use it; the message names the field.
    """
    if not (redacted is None or isinstance(redacted, Redacted)):
        raise EventError(f"redacted must be a Redacted, as an event has it, not {shown(redacted)}")
    _check_importer(importer)
    id = uuid7() if id is None else id
    fields = data if data.__class__ is dict or not isinstance(data, Mapping) else dict(data)
    check_event(session, id, type, fields)
    return session, id, type, fields, redacted, importer


def _check_importer(importer: str | None) -> None:
    if importer is not None and not (is_key(importer) and importer.isprintable()):
        check_key("importer", importer)  # it raises the reason


@dataclass(frozen=True, slots=True)
class Encoder:
    """Checks and encodes events of one importer in which nothing is redacted.

    Attributes:
        importer: its name and version; None without one.
    """

    importer: str | None
    # by session and type, what a record has of them: most events have one of a few
    _names: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_importer(self.importer)

    def encode(
        self, session: str, id: str, type: str, data: dict[str, Any]
    ) -> tuple[bytes, bytes] | None:
        """Return an event's `names` and `rest` in `Encoded`.

        None if the writer has to look at it: no record can hold it, or it is a sweep.

        Raises:
            EventError: no reader could use it.
        """
        names = self._names.get((session, type))
        if names is None or data.__class__ is not dict:
            if type in SWEEPING:
                return None
            check_event(session, id, type, data)
            names = b',"type":%b,"session":%b' % (orjson.dumps(type), orjson.dumps(session))
            if len(self._names) >= _NAMED:
                self._names.clear()
            self._names[session, type] = names
        else:
            if not (id.__class__ is str and 0 < len(id) <= KEY_LIMIT and id.isprintable()):
                check_key("id", id)
            check_data(type, data)
        try:
            own = orjson.dumps(id)
            by = {} if self.importer is None else {"importer": self.importer}
            body = orjson.dumps({**by, "data": data})
        except TypeError:
            return None
        if not is_unchanged(data) and orjson.loads(body)["data"] != data:
            return None  # JSON would change it
        if len(own) + len(names) + len(body) + _ROOM > MAX_RECORD:
            return None
        return b'"id":%b%b' % (own, names), nested(body[1:])


def check_all(events: Iterable[Mapping[str, Any] | Encoded]) -> list[Ready]:
    """Check events: mappings with the keys session, id, type, data, redacted and importer.

    One that is encoded was checked before.

    Raises:
        EventError: one of them cannot be appended; its index is named.
    """
    check_iterable("events", events)
    found: list[Ready] = []
    for index, event in enumerate(events):
        try:
            found.append(event if isinstance(event, Encoded) else _check_mapping(event))
        except EventError as error:
            raise EventError(f"event {index}: {error}") from error
    return found


def with_index(events: Iterable[Ready], error: EventError) -> EventError:
    """Return the error of a writer with the index of the event that no record can hold."""
    for index, event in enumerate(events):
        if not isinstance(event, Encoded) and refusal(*event) is not None:
            return EventError(f"event {index}: {error}")
    return EventError(str(error))


def check_iterable(name: str, values: object) -> None:
    """Check that a value is a list, and not a single item, a mapping or a text.

    A text is refused because its characters would count as the items.

    Raises:
        EventError: it is no list; the message names the argument.
    """
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise EventError(f"{name} must be a list, not {shown(values)}")


def _check_mapping(event: object) -> NewEvent:
    # the class first: `isinstance` asks the class of abstract mappings, which takes longer
    if event.__class__ is not dict and not isinstance(event, Mapping):
        raise EventError(f"not a mapping with session, type and data, but {shown(event)}")
    if not event.keys() <= _KEYS:
        odd = next(name for name in event if name not in _KEYS)
        raise EventError(
            f"{odd!r} is no key of an event (session, id, type, data, redacted, importer)"
        )
    try:
        names = event["session"], event.get("id"), event["type"]
        more = event.get("redacted"), event.get("importer")
        return checked(*names, event["data"], *more)
    except KeyError as error:
        raise EventError(f"{error} is missing") from error
