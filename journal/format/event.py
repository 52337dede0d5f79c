"""An event: one immutable fact."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import orjson

from journal.errors import EventError, shown
from journal.format.bounds import KEY_LIMIT
from journal.format.event_types import FORGET, OF_ERASURE, TRANSCRIPT_REPLACED, check_data
from journal.format.lossless import check_text
from journal.format.redacted import covers
from journal.format.timestamps import to_datetime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from journal.format.redacted import Redacted


@dataclass(frozen=True, slots=True, init=False)
class Event:
    """One immutable fact.

    Attributes:
        session: the conversation it belongs to.
        id: unique within the session; the key of an event is (session, id).
        type: what happened, such as `message.appended`.
        time: when it was appended, by the wall clock of its writer: microseconds since the Unix
            epoch. It is for people: it does not decide anything.
        order: orders events, together with lane uuid and sequence number; it is higher than
            every order that its writer had read.
        data: the fact itself, a JSON object.
        redacted: what was redacted in `data` before it was written; None if nothing was.
        importer: name and version of the importer that wrote it, such as `codex 4`; None if none
            did.
    """

    session: str
    id: str
    type: str
    time: int
    order: int
    data: dict[str, Any]
    redacted: Redacted | None = None
    importer: str | None = None

    def __init__(
        self,
        session: str,
        id: str,
        type: str,
        time: int,
        order: int,
        data: dict[str, Any],
        redacted: Redacted | None = None,
        importer: str | None = None,
    ) -> None:
        # the one that dataclass makes takes twice as long, and each record that is read needs it
        _set_session(self, session)
        _set_id(self, id)
        _set_type(self, type)
        _set_time(self, time)
        _set_order(self, order)
        _set_data(self, data)
        _set_redacted(self, redacted)
        _set_importer(self, importer)

    @property
    def time_utc(self) -> datetime:
        """`time` as a datetime in UTC."""
        return to_datetime(self.time)


(
    _set_session,
    _set_id,
    _set_type,
    _set_time,
    _set_order,
    _set_data,
    _set_redacted,
    _set_importer,
) = (vars(Event)[field.name].__set__ for field in fields(Event))


def is_same(one: Event, other: Event) -> bool:
    """Return whether two events of one key are the same event.

    They are if their data are equal; or else, if both were redacted with one key, if their
    originals are equal; or else, if one of them covers the other.
    """
    if one.type != other.type:
        return False
    if _sorted(one.data) == _sorted(other.data):
        return True
    mine, others = one.redacted, other.redacted
    if mine and others and mine.key == others.key and mine.original and others.original:
        return mine.original == others.original
    return bool(
        (mine and covers(one.data, other.data)) or (others and covers(other.data, one.data))
    )


def _sorted(data: Mapping[str, Any]) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""What would break an id, a session or a type that is printed on a line of its own."""


def check_event(session: str, id: str, type: str, data: Mapping[str, Any]) -> None:
    """Check that readers can use an event.

    Raises:
        EventError: a key is empty or too long or has control characters, or a known event type
            lacks a field, has one of the wrong kind, or is in a session where it has no effect;
            the message names it.
    """
    for name, key in (("session", session), ("id", id), ("type", type)):
        # a printable string has no control characters, and this check is fast
        if not (key.__class__ is str and 0 < len(key) <= KEY_LIMIT and key.isprintable()):
            check_key(name, key)
    if not isinstance(data, dict):
        raise EventError(f"data must be a dict, not {shown(data)}")
    check_data(type, data)
    if type == TRANSCRIPT_REPLACED:
        for index, item in enumerate(data["messages"]):
            check_key(f"messages[{index}]: id", item.get("id", "id"))
    elif type in OF_ERASURE and session != FORGET:
        raise EventError(f"{type} has an effect only in the session {FORGET}, not in {session!r}")
    elif session == FORGET and type not in OF_ERASURE:
        # readers take what is in this session for requests and receipts
        raise EventError(f"the session {FORGET} has only requests to forget: choose another id")


def check_key(name: str, value: object) -> None:
    """Check that a value can be an id, a session or a type.

    Raises:
        EventError: it is no string, empty, too long, or has control characters or a lone
            surrogate.
    """
    if not isinstance(value, str) or not value or len(value) > KEY_LIMIT:
        raise EventError(
            f"{name} must be a string of 1 to {KEY_LIMIT} characters, not {shown(value)}"
        )
    check_text(name, value)
    if (found := _CONTROL.search(value)) is not None:
        raise EventError(
            f"{name} must not have control characters, such as newlines: there is {found[0]!r} at"
            f" character {found.start()} of {len(value)}"
        )
