"""An event: one immutable fact, and the fields that a message may have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from journal.errors import EventError

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_LIMIT = 1024
"""Characters in an id, a session or a type."""

MESSAGE_APPENDED = "message.appended"
MESSAGE_REVISED = "message.revised"
SESSION_CREATED = "session.created"
SESSION_ENDED = "session.ended"
SESSION_TITLED = "session.titled"

_EARLIEST = 10**13
"""Microseconds; an integer below this (April 1970) is seconds or milliseconds by mistake."""


@dataclass(frozen=True, slots=True)
class Event:
    """One immutable fact.

    Attributes:
        id: unique within the session; the key of an event is (session, id).
        type: what happened, such as `message.appended`.
        session: the conversation it belongs to.
        time: when it was appended: hybrid logical clock, microseconds since the Unix epoch.
        data: the fact itself, a JSON object.
    """

    id: str
    type: str
    session: str
    time: int
    data: dict[str, Any]


_FIELDS: dict[str, tuple[type, ...]] = {
    "role": (str,),
    "content": (str, list),
    "tool_name": (str,),
    "tool_calls": (list,),
    "tool_call_id": (str,),
    "token_count": (int,),
    "finish_reason": (str,),
    "reasoning": (str,),
    "source": (str,),
    "model": (str,),
    "timestamp": (int,),
    "parent": (str,),
    "extra": (dict,),
}
MESSAGE_FIELDS = tuple(_FIELDS)
"""The fields of a message, in the order in which they are documented."""

_CREATED: dict[str, tuple[type, ...]] = {
    "title": (str,),
    "source": (str,),
    "model": (str,),
    "cwd": (str,),
    "parent": (str,),
    "started": (int,),
    "extra": (dict,),
}
_KNOWN: dict[str, tuple[dict[str, tuple[type, ...]], tuple[str, ...]]] = {
    MESSAGE_APPENDED: (_FIELDS, ("role",)),
    MESSAGE_REVISED: (_FIELDS | {"message": (str,)}, ("message",)),
    SESSION_CREATED: (_CREATED, ()),
    SESSION_TITLED: ({"title": (str,)}, ("title",)),
    SESSION_ENDED: ({"reason": (str,), "ended": (int,), "extra": (dict,)}, ()),
}
EVENT_TYPES = tuple(_KNOWN)
"""The event types whose fields are known here; others are stored as they are."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""What would break an id, a session or a type that is printed on a line of its own."""

_NAMES = {str: "a string", int: "an integer", list: "a list", dict: "an object"}


def check_event(type: str, session: str, id: str, data: Mapping[str, Any]) -> None:
    """Refuse an event that no reader could use.

    Raises:
        EventError: a key is empty or too long or has control characters, or a known event type
            lacks a field or has one of the wrong kind; the message names the field.
    """
    for name, value in (("session", session), ("id", id), ("type", type)):
        if not isinstance(value, str) or not value or len(value) > KEY_LIMIT:
            raise EventError(
                f"{name} must be a string of 1 to {KEY_LIMIT} characters, not {_short(value)}"
            )
        if _CONTROL.search(value) is not None:
            raise EventError(
                f"{name} must not have control characters, such as newlines: {_short(value)}"
            )
    if not isinstance(data, dict):
        raise EventError(f"data must be a dict, not {_short(data)}")
    known = _KNOWN.get(type)
    if known is not None:
        _check_fields(type, data, *known)


def _check_fields(
    type: str,
    data: Mapping[str, Any],
    fields: Mapping[str, tuple[type, ...]],
    required: tuple[str, ...],
) -> None:
    for name, value in data.items():
        kinds = fields.get(name)
        if kinds is None:
            raise EventError(
                f"{type} has no field {name!r} (it has {', '.join(fields)});"
                " put anything else into 'extra'"
                if "extra" in fields
                else f"{type} has no field {name!r} (it has {', '.join(fields)})"
            )
        # bool is an int to Python, and no reader means it
        if not isinstance(value, kinds) or value is True or value is False:
            wanted = " or ".join(_NAMES[kind] for kind in kinds)
            raise EventError(f"{name} must be {wanted}, not {_short(value)}")
    for name in required:
        if name not in data:
            raise EventError(f"{type} needs {name!r}")
    _check_values(data, required)


def _check_values(data: Mapping[str, Any], required: tuple[str, ...]) -> None:
    """Refuse values of the right kind that say nothing, or nothing that can be."""
    for name in (*required, "source"):
        if data.get(name) == "":
            raise EventError(f"{name} must not be empty")
    if data.get("token_count", 0) < 0:
        raise EventError(f"token_count must not be negative, as {data['token_count']} is")
    for name in ("timestamp", "started", "ended"):
        if name in data:
            check_moment(name, data[name])


def check_moment(name: str, value: int) -> None:
    """Refuse a moment that is not in microseconds.

    Raises:
        EventError: the number is too small or too large to be microseconds since 1970.
    """
    if not _EARLIEST <= value < 2**53:
        raise EventError(
            f"{name} must be microseconds since 1970 (such as {_now()}), not {value};"
            " give a datetime or an ISO 8601 string and it is converted"
        )


def moment(name: str, value: int | str | datetime) -> int:
    """Turn a datetime, an ISO 8601 string or microseconds into microseconds since 1970.

    Raises:
        EventError: the value is none of these, or has no time zone.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise EventError(
                f"{name} must be an ISO 8601 time such as 2026-01-31T12:00:00Z, not {value!r}"
            ) from error
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise EventError(f"{name} needs a time zone: {value.isoformat()} could be anywhere")
        return _microseconds(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise EventError(
            f"{name} must be a datetime, an ISO 8601 string or microseconds, not {_short(value)}"
        )
    return value


def _microseconds(value: datetime) -> int:
    """Convert exactly: a float of seconds would lose the last digit."""
    since = value - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _now() -> int:
    return _microseconds(datetime.now(UTC))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - a line of a terminal
