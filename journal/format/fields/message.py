"""The fields of a message, as keyword arguments and in mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from journal.format.timestamps import moment

if TYPE_CHECKING:
    from datetime import datetime


class MoreMessageFields(TypedDict, total=False):
    """The fields of a message, except for role and content; None means absent.

    `timestamp` is when it was written: an aware datetime, an ISO 8601 string with a zone, or
    microseconds since 1970. Without it the time of the append counts. `line` is the source's id of
    the message, if the source keeps it in copies of the conversation. `extra` holds anything else.
    """

    tool_name: str | None
    tool_calls: list[dict[str, Any]] | None
    tool_call_id: str | None
    token_count: int | None
    finish_reason: str | None
    reasoning: str | None
    source: str | None
    model: str | None
    timestamp: datetime | str | int | None
    parent: str | None
    meta: str | None
    line: str | None
    extra: dict[str, Any] | None


class MessageFields(MoreMessageFields, total=False):
    """All fields of a message; None means absent."""

    role: str | None
    content: str | list[Any] | None


def message_data(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the data of a message: its fields that are not None, the timestamp in microseconds.

    Args:
        fields: the fields; the dict may be returned itself, and changed.

    Raises:
        EventError: the timestamp is not valid.
    """
    data = fields
    if None in data.values():
        data = {name: value for name, value in data.items() if value is not None}
    if "timestamp" in data:
        data["timestamp"] = moment("timestamp", data["timestamp"])
    return data
