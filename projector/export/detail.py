"""Leaves out what is not asked for, message by message.

- `full`: nothing is left out.
- `normal`: thinking is left out, and the middle of long outputs and arguments of tools.
- `prompts`: what people typed, and the last answer to it that has words.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

import orjson

from journal.cli.kit.clean import json_line
from projector.arguments import check_choice
from projector.cli.show.fold import fold
from projector.export.conversation import Detail
from projector.export.parts import TASK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projector.views.messages import MessageView

_THINKING = ("thinking", "redacted_thinking", "reasoning")
_OF_TOOLS = ("tool_use", "tool_result")
_DEEP = 100
"""Levels of an output that are shortened; what is nested deeper is whole."""


def check_detail(detail: object) -> None:
    """Refuse a level that there is not.

    Raises:
        ValueError: it is unknown.
    """
    check_choice("detail", detail, get_args(Detail))


def at_detail(detail: Detail, messages: Iterator[MessageView]) -> Iterator[MessageView]:
    """Yield the messages of a session at a level of detail."""
    if detail == "full":
        return messages
    if detail == "prompts":
        return _prompts(messages)
    return (shown for message in messages if (shown := _shortened(message)) is not None)


def _prompts(messages: Iterator[MessageView]) -> Iterator[MessageView]:
    answer = None
    for message in messages:
        words = _words(message)
        if words is None or (message.by_machine and message.fields["meta"] != TASK):
            continue
        if message.role == "assistant":
            answer = words
        elif message.role == "user":
            if answer is not None:
                yield answer
            answer = None
            yield words
    if answer is not None:
        yield answer


def _words(message: MessageView) -> MessageView | None:
    """Return a message with what was said in it alone; None if nothing was."""
    content = message.content
    if isinstance(content, list):
        content = [part for part in content if _kind(part) not in _THINKING + _OF_TOOLS]
    if not content or (isinstance(content, str) and not content.strip()):
        return None
    fields = {n: v for n, v in message.fields.items() if n not in ("reasoning", "tool_calls")}
    return replace(message, content=content, fields=fields)


def _shortened(message: MessageView) -> MessageView | None:
    """Return a message without thinking and with short outputs; None if it was thinking alone."""
    fields = {name: value for name, value in message.fields.items() if name != "reasoning"}
    content = message.content
    if isinstance(content, list):
        content = [_part(part) for part in content if _kind(part) not in _THINKING]
    thought = len(fields) < len(message.fields) or content != message.content
    if thought and not content and not fields.get("tool_calls"):
        return None
    if message.role == "tool":
        content = _short(content)
    calls = fields.get("tool_calls")
    if isinstance(calls, list):
        fields["tool_calls"] = [_call(call) for call in calls]
    return replace(message, content=content, fields=fields)


def _kind(part: object) -> str | None:
    kind = part.get("type") if isinstance(part, dict) else None
    return kind if isinstance(kind, str) else None


def _part(part: Any) -> Any:  # noqa: ANN401 - a part of a content is any JSON value
    return _short(part) if _kind(part) in _OF_TOOLS else part


def _call(call: Any) -> Any:  # noqa: ANN401 - likewise
    """Return a call with short arguments, which stay JSON."""
    function = call.get("function") if isinstance(call, dict) else None
    arguments = function.get("arguments") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(arguments, str):
        return call
    try:
        given = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return {**call, "function": {**function, "arguments": _short(arguments)}}
    short = _short(given)
    if short == given:
        return call
    return {**call, "function": {**function, "arguments": json_line(short)}}


def _short(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value in which each long text lacks its middle, with a line that says so."""
    if isinstance(value, str):
        folded = fold(value)
        if folded is None:
            return value
        return f"{folded.head}\n… {folded.hidden} left out …\n{folded.tail}"
    if depth > _DEEP:
        return value
    if isinstance(value, list):
        return [_short(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {name: _short(item, depth + 1) for name, item in value.items()}
    return value
