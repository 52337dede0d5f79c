"""The message that replaces a refused one: its size, and the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from journal.errors import EventError
from journal.format.event_types import MESSAGE_APPENDED, check_data
from journal.format.frame import MAX_RECORD

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEPT = ("role", "tool_name", "tool_call_id", "source", "model", "timestamp", "parent")
_LONGEST = 1024
"""Characters of a field that is kept."""


def placeholder_data(data: Mapping[str, Any], error: EventError) -> dict[str, Any]:
    """Return the data of a message that replaces a refused one.

    It depends only on the message, so that importing it again changes nothing.
    """
    kept: dict[str, Any] = {"role": "system"}
    for name in _KEPT:
        value = data.get(name)
        if _is_fit(name, value):
            kept[name] = value
    try:
        size = len(orjson.dumps(data))
    except orjson.JSONEncodeError:
        size = 0
    if size > MAX_RECORD - 16 * _LONGEST:
        reason = f"{size:,} bytes, more than a record of a journal holds"
    else:
        reason = str(error).encode(errors="replace").decode()[:_LONGEST]
    extra = {"left_out": {"bytes": size, "reason": reason}}
    return {**kept, "content": f"[left out: {reason}]", "extra": extra}


def _is_fit(name: str, value: object) -> bool:
    """Return whether a field can be kept unchanged."""
    if isinstance(value, str):
        if len(value) > _LONGEST or not value.isprintable():
            return False
    elif type(value) is not int:
        return False
    try:
        check_data(MESSAGE_APPENDED, {"role": "system", name: value})
    except EventError:
        return False
    return True
