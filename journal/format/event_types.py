"""The event types that this version knows, and their fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from journal.errors import EventError, shown
from journal.format.bounds import KEY_LIMIT, LARGEST, is_key
from journal.format.fields.erasure import (
    RECEIPT,
    REQUEST,
    check_numbers,
    check_receipt,
    check_request,
)
from journal.format.timestamps import EARLIEST, check_moment

if TYPE_CHECKING:
    from collections.abc import Mapping

MESSAGE_APPENDED = "message.appended"
MESSAGE_REVISED = "message.revised"
MESSAGE_REMOVED = "message.removed"
MESSAGE_ARCHIVED = "message.archived"
MESSAGE_RESTORED = "message.restored"
TRANSCRIPT_REPLACED = "transcript.replaced"
SESSION_CREATED = "session.created"
SESSION_ENSURED = "session.ensured"
SESSION_REVISED = "session.revised"
SESSION_TITLED = "session.titled"
SESSION_ENDED = "session.ended"
SESSION_REOPENED = "session.reopened"
SESSION_CLEARED = "session.cleared"
SESSION_DELETED = "session.deleted"
USAGE_ADDED = "usage.added"
USAGE_SET = "usage.set"
KEY_SET = "key.set"
KEY_DELETED = "key.deleted"
ERASURE_REQUESTED = "erasure.requested"
ERASURE_COMPLETED = "erasure.completed"

FORGET = "@forget"
"""The session of the events about erasure; its events are never forgotten."""

OF_ERASURE = frozenset((ERASURE_REQUESTED, ERASURE_COMPLETED))
"""Types of events that have an effect only in the session `FORGET`."""

SWEEPING = frozenset((SESSION_CLEARED, SESSION_DELETED, TRANSCRIPT_REPLACED))
"""Types of sweeps: they change all of their session that their author had read."""

BLIND = frozenset((MESSAGE_APPENDED,))
"""Types of events of which none depends on another one: their author need not have read
the others. All other types that are known are edits."""

REMOVED = "removed"
ARCHIVED = "archived"
"""The states that messages may get which a new transcript does not have."""

_Fields = dict[str, tuple[type, ...]]

_MESSAGE: _Fields = {
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
    "meta": (str,),
    "line": (str,),
    "extra": (dict,),
}
MESSAGE_FIELDS = tuple(_MESSAGE)
"""The fields of a message, in the order in which they are documented."""

GONE = "gone"
"""The field of a session whose source has vanished."""
SESSION_FIELDS: _Fields = {
    "title": (str,),
    "source": (str,),
    "model": (str,),
    "cwd": (str,),
    "parent": (str,),
    "user": (str,),
    "system_prompt": (str,),
    "config": (dict,),
    "started": (int,),
    "branch": (str,),
    "commit": (str,),
    "relation": (str,),
    GONE: (int,),
    "extra": (dict,),
}
"""The fields of a session, and the kind of each."""

COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "api_calls",
)
COSTS = ("estimated_cost", "actual_cost")
"""Counters of a session's usage: whole numbers, and US dollars."""

_USAGE: _Fields = {
    **dict.fromkeys(COUNTS, (int,)),
    **dict.fromkeys(COSTS, (int, float)),
    "model": (str,),
    "provider": (str,),
    "call": (str,),
    "timestamp": (int,),
    "extra": (dict,),
}
_MOMENTS = frozenset(("timestamp", "started", "ended", GONE))
_NOT_EMPTY = ("source", "meta", "call")
_NUMBERS = _MOMENTS | {*COUNTS, *COSTS, "token_count"}
_TEXTS = frozenset(("line", *_NOT_EMPTY))
"""The fields whose values are checked, and not only their kinds."""
_LISTED: _Fields = {"messages": (list,), "reason": (str,), "extra": (dict,)}
_NOTED: _Fields = {"extra": (dict,)}
_SWEEP: _Fields = {"seen": (dict,), "extra": (dict,)}
_KNOWN: dict[str, tuple[_Fields, tuple[str, ...]]] = {
    MESSAGE_APPENDED: (_MESSAGE, ("role",)),
    MESSAGE_REVISED: (_MESSAGE | {"message": (str,)}, ("message",)),
    SESSION_CREATED: (SESSION_FIELDS, ()),
    SESSION_TITLED: ({"title": (str,)}, ("title",)),
    SESSION_ENDED: ({"reason": (str,), "ended": (int,), "extra": (dict,)}, ()),
    MESSAGE_REMOVED: (_LISTED, ("messages",)),
    MESSAGE_ARCHIVED: (_LISTED, ("messages",)),
    MESSAGE_RESTORED: (_LISTED, ("messages",)),
    TRANSCRIPT_REPLACED: (_LISTED | {"rest": (str,), "seen": (dict,)}, ("messages",)),
    SESSION_ENSURED: (SESSION_FIELDS, ()),
    SESSION_REVISED: (SESSION_FIELDS | {"clear": (list,)}, ()),
    SESSION_REOPENED: (_NOTED, ()),
    SESSION_CLEARED: (_SWEEP, ()),
    SESSION_DELETED: (_SWEEP, ()),
    USAGE_ADDED: (_USAGE, ()),
    USAGE_SET: (_USAGE, ()),
    KEY_SET: ({"key": (str,), "value": (object,)}, ("key", "value")),
    KEY_DELETED: ({"key": (str,)}, ("key",)),
    ERASURE_REQUESTED: (REQUEST, ("key",)),
    ERASURE_COMPLETED: (RECEIPT, ("requests",)),
}
EVENT_TYPES = tuple(_KNOWN)
"""The event types whose fields are known; others are stored unchanged."""

EDITS = frozenset(EVENT_TYPES) - BLIND
"""Types of events that come behind all records that their author may have read."""

_NAMES = {
    str: "a string",
    int: "an integer",
    float: "a number",
    list: "an array",
    dict: "an object",
}


_class_of = type
_SHAPES = 4_096
_accepted: dict[tuple[Any, ...], tuple[tuple[tuple[str, int], ...], tuple[str, ...]]] = {}
"""Names and kinds of the fields of data that was accepted: most events have one of a few. With each
the fields that are numbers in bounds, and the least of each, and the others that are checked."""


def check_data(type: str, data: Mapping[str, Any]) -> None:
    """Refuse data that no reader of a known type could use.

    Raises:
        EventError: a field is unknown, missing, empty or of the wrong kind; the message
            names it.
    """
    known = _KNOWN.get(type)
    if known is None:
        return
    fields, required = known
    _check_fields(type, data, fields, required)
    if fields is _MESSAGE or fields is _USAGE:
        return
    if "seen" in data:
        check_numbers("seen", data["seen"])
    if type == TRANSCRIPT_REPLACED:
        _check_transcript(data)
    elif type == ERASURE_REQUESTED:
        check_request(data)
    elif type == ERASURE_COMPLETED:
        check_receipt(data)
    elif "messages" in fields:
        _check_ids("messages", data["messages"])
    elif "clear" in data:
        _check_clear(data)


def _check_fields(
    type: str, data: Mapping[str, Any], fields: _Fields, required: tuple[str, ...]
) -> None:
    shape = (type, *data, *map(_class_of, data.values()))
    looked_at = _accepted.get(shape)
    if looked_at is None:
        _check_kinds(type, data, fields, required)
        numbers = tuple(
            (name, EARLIEST if name in _MOMENTS else 0) for name in data if name in _NUMBERS
        )
        looked_at = numbers, tuple(name for name in data if name in _TEXTS)
        if len(_accepted) < _SHAPES:
            _accepted[shape] = looked_at
    for name in required:
        if data[name] == "" and name != "value":
            raise EventError(f"{name} must not be empty")
    for name, least in looked_at[0]:
        if not least <= data[name] <= LARGEST:  # NaN is not
            _refuse_number(name, data[name])
    for name in looked_at[1]:
        _check_text(name, data[name])


def _check_kinds(
    type: str, data: Mapping[str, Any], fields: _Fields, required: tuple[str, ...]
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
        if value.__class__ not in kinds and not _is_of(value, kinds):
            wanted = " or ".join(_NAMES[kind] for kind in kinds)
            raise EventError(f"{name} must be {wanted}, not {shown(value)}")
    for name in required:
        if name not in data:
            raise EventError(f"{type} needs {name!r}")


def _is_of(value: object, kinds: tuple[type, ...]) -> bool:
    """Return whether a value has one of the types, or any type is allowed."""
    # bool is an int to Python, and no reader means it
    return kinds == (object,) or (isinstance(value, kinds) and not isinstance(value, bool))


def _refuse_number(name: str, value: float) -> NoReturn:
    if name in _MOMENTS:
        check_moment(name, int(value))
    raise EventError(f"{name} must be from 0 to {LARGEST}, not {shown(value)}")


def _check_text(name: str, value: str) -> None:
    """Refuse a text that is empty or too long for its field."""
    if value == "":
        if name != "line":
            raise EventError(f"{name} must not be empty")
    elif name != "line" or is_key(value):
        return
    raise EventError(f"line must be 1 to {KEY_LIMIT:,} characters, not {shown(value)}")


def _check_ids(name: str, values: list[Any]) -> None:
    for index, value in enumerate(values):
        if not isinstance(value, str) or not value:
            raise EventError(f"{name}[{index}] must be the id of a message, not {shown(value)}")


def _check_clear(data: Mapping[str, Any]) -> None:
    """Refuse to clear an unknown field, or one that the same event sets."""
    _check_ids("clear", data["clear"])
    for name in data["clear"]:
        key = name.removeprefix("extra.")
        if key == name and name not in SESSION_FIELDS:
            raise EventError(
                f"clear: {name!r} is no field of a session (it has {', '.join(SESSION_FIELDS)},"
                " and extra.<key>)"
            )
        if name in data or (key != name and key in data.get("extra", {})):
            raise EventError(f"{name} cannot be cleared and given a value at once")


def _check_transcript(data: Mapping[str, Any]) -> None:
    rest = data.get("rest", REMOVED)
    if rest not in (REMOVED, ARCHIVED):
        raise EventError(f"rest must be {REMOVED!r} or {ARCHIVED!r}, not {shown(rest)}")
    seen: set[str] = set()
    for index, item in enumerate(data["messages"]):
        try:
            id = _check_item(item)
        except EventError as error:
            raise EventError(f"messages[{index}]: {error}") from error
        if id in seen:
            raise EventError(f"messages[{index}]: the id {id!r} occurs twice in one transcript")
        seen.add(id)


def _check_item(item: object) -> str:
    """Check one message of a transcript; return its id."""
    if not isinstance(item, dict):
        raise EventError(f"must be an object, not {shown(item)}")
    if "message" in item:
        _check_fields(MESSAGE_REVISED, item, *_KNOWN[MESSAGE_REVISED])
        return str(item["message"])
    fields = {"id": (str,), **_MESSAGE}
    _check_fields("a new message", item, fields, ("id", "role"))
    return str(item["id"])
