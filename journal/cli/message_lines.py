"""Messages as lines of JSON: split a stream into lines, parse a line into an event."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import orjson

from journal.errors import EventError
from journal.format.event_types import MESSAGE_APPENDED
from journal.format.new_event import new_event
from journal.format.timestamps import moment
from journal.process.ids import uuid7

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLOCK = 256 * 1024
_LONG_NUMBER = re.compile(rb"\d{19}")
"""Digits that could be an integer over 64 bits."""

NumberedLine = tuple[int, bytes]


def batches(read: Callable[[int], bytes]) -> Iterator[list[NumberedLine]]:
    """Yield lines as soon as they are complete, numbered from 1.

    Args:
        read: returns the bytes that are available, at most as many as its argument says, and none
            at the end (`BufferedReader.read1`).
    """
    number = 0
    pending: list[bytes] = []
    while block := read(_BLOCK):
        whole, newline, rest = block.rpartition(b"\n")
        if not newline:
            pending.append(block)
            continue
        lines = b"".join([*pending, whole]).split(b"\n")
        pending = [rest]
        yield [(number + index, line) for index, line in enumerate(lines, 1) if line.strip()]
        number += len(lines)
    if (last := b"".join(pending)).strip():
        yield [(number + 1, last)]


def parse_message(line: bytes) -> dict[str, Any]:
    """Parse one line into an event, with the keys of `Journal.append`'s arguments.

    A field that is null is absent. Without `id` the event gets a new one.

    Raises:
        EventError: the line is not a JSON object, or has no session or role, or its timestamp is
            wrong. Everything else is checked when the event is appended.
    """
    fields = _parse(line)
    if not isinstance(fields, dict):
        raise EventError(f"{_NAMES[type(fields)]}, not an object with session and role")
    for name in ("session", "role"):
        if not isinstance(fields.get(name), str) or not fields[name]:
            raise EventError(f"{name!r} is missing" if name not in fields else _no_string(name))
    id = fields.pop("id", None)
    session = fields.pop("session")
    data = {name: value for name, value in fields.items() if value is not None}
    if "timestamp" in data:
        data["timestamp"] = moment("timestamp", data["timestamp"])
    id = uuid7() if id is None else id
    return new_event(session, MESSAGE_APPENDED, data, id=id)


_NAMES = {
    list: "a list",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


def _no_string(name: str) -> str:
    return f"{name!r} must be a string of at least one character"


def _parse(line: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        # orjson turns an integer over 64 bits into a float, which is another number; the standard
        # library keeps it, and the journal refuses it with the name of the field
        return json.loads(line) if _LONG_NUMBER.search(line) else orjson.loads(line)
    except json.JSONDecodeError as error:  # its own text would name a second line number
        raise EventError(f"not JSON: {error.msg} at character {error.pos + 1}") from error
    except (ValueError, RecursionError) as error:
        raise EventError(f"not JSON: {error}") from error
