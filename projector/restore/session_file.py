"""What is written for one session, and what of it cannot be written."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projector.views.messages import MessageView

Line = dict[str, Any]


@dataclass(slots=True)
class SessionFile:
    """The file of one session.

    Attributes:
        name: its name.
        folder: the folder of the program in which the file has to be, to be resumed.
        lines: its lines.
        ids: ids of the messages in them.
        left_out: messages, or parts of one, that cannot be written, by the reason.
    """

    name: str
    folder: str
    lines: list[Line] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def messages(self) -> int:
        """The number of messages in the lines."""
        return len(self.ids)

    def content(self) -> bytes:
        """Return the lines as bytes."""
        return b"".join(orjson.dumps(line) + b"\n" for line in self.lines)


def folder_of_program(variable: str, default: str) -> str:
    """Return the folder of a program: that of its environment variable, else its default."""
    return os.environ.get(variable) or default


def time_of(message: MessageView) -> str | None:
    """Return the time of a message as its source wrote it; None if it wrote none."""
    original = extra_of(message).get("timestamp")
    if isinstance(original, str):
        return original
    own = message.fields.get("timestamp")
    return stamp(own) if isinstance(own, int) else None


def stamp(micros: int) -> str:
    """Return microseconds since 1970 as ISO 8601, with as many digits as are needed."""
    when = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
    text = when.isoformat(timespec="microseconds" if micros % 1000 else "milliseconds")
    return text.removesuffix("+00:00") + "Z"


def extra_of(message: MessageView) -> Mapping[str, Any]:
    """Return `extra` of a message; empty if it has none."""
    extra = message.fields.get("extra")
    return extra if isinstance(extra, dict) else {}


def calls_of(message: MessageView) -> list[tuple[str, str, str]]:
    """Return the tool calls of a message: id, name and arguments, which are JSON."""
    found: list[tuple[str, str, str]] = []
    calls = message.fields.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(call, dict) and isinstance(function, dict):
            arguments = function.get("arguments")
            text = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
            found.append((str(call.get("id")), str(function.get("name")), text))
    return found


def present(fields: Mapping[str, Any]) -> Line:
    """Return the fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}
