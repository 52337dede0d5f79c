"""Sorts a message into what formats of agents have fields for: texts, thoughts, calls, results."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from journal.importers.parsing.parts import Result, blocks
from projector.cli.kit.render import readable_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projector.views.messages import MessageView

TASK = "task"
"""The `meta` of what an agent asks of a sub-agent, in the place of a person."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool.

    Attributes:
        id: the source's id, or one that is made of the message's.
        name: the tool's name.
        arguments: what it was called with; what is no object is in `input`.
    """

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sorted:
    """The parts of a message.

    Attributes:
        content: texts (`{"type": "text", "text": ...}`) and unchanged parts, such as images.
        thoughts: the readable reasoning.
        calls: the calls of tools.
        results: the results of tools.
    """

    content: tuple[Any, ...]
    thoughts: tuple[str, ...]
    calls: tuple[ToolCall, ...]
    results: tuple[Result, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that a format has a field for."""
        return not (self.content or self.thoughts or self.calls or self.results)

    @property
    def is_results(self) -> bool:
        """Whether there are results of tools, and nothing else."""
        return bool(self.results) and not (self.content or self.thoughts or self.calls)


def sorted_parts(message: MessageView) -> Sorted:
    """Sort a message; one of role `tool` is a result as a whole."""
    fields, parts = message.fields, blocks(message.content)
    if message.role == "tool":
        only = parts.results if parts.is_empty else []
        return Sorted((), (), (), tuple(_with_names(r, fields) for r in only) or (_whole(message),))
    parts.think(fields.get("reasoning"))
    given = fields.get("tool_calls")
    calls = [*parts.calls, *(given if isinstance(given, list) else [])]
    return Sorted(
        tuple(parts.content),
        tuple(parts.thoughts),
        tuple(_call(message.id, number, call) for number, call in enumerate(calls, 1)),
        tuple(parts.results),
    )


def _whole(message: MessageView) -> Result:
    """Return a message of role `tool` as a result."""
    fields, content = message.fields, message.content
    call, name, extra = (fields.get(name) for name in ("tool_call_id", "tool_name", "extra"))
    extra = extra if isinstance(extra, dict) else {}
    code = extra.get("exit_code")
    return Result(
        call if isinstance(call, str) else None,
        name if isinstance(name, str) else None,
        "" if content is None else content,
        extra.get("is_error") is True or None,
        code if isinstance(code, int) else None,
    )


def _with_names(result: Result, fields: Mapping[str, Any]) -> Result:
    """Return a result; where it names no call or tool, those of its message."""
    call, name = fields.get("tool_call_id"), fields.get("tool_name")
    call = result.call or (call if isinstance(call, str) else None)
    return replace(result, call=call, name=result.name or (name if isinstance(name, str) else None))


def is_failed(result: Result) -> bool:
    """Return whether a result is marked as an error, or is of a command that failed."""
    return bool(result.error) or bool(result.exit_code)


def is_prompt(message: MessageView, parts: Sorted) -> bool:
    """Return whether a person wrote a message, or the agent that started this one."""
    by_machine = message.by_machine and message.fields["meta"] != TASK
    return message.role == "user" and not by_machine and not parts.is_results


def text_of(content: object) -> str:
    """Return content as a person reads it, without what is no text, such as images."""
    parts = content if isinstance(content, list | tuple) else [content]
    return "\n\n".join(filter(None, map(readable_part, parts)))


def prompt_tokens(used: Mapping[str, int | float]) -> int | None:
    """Return all tokens of prompts, with those of the cache; None if no count is known."""
    names = ("input_tokens", "cache_read_tokens", "cache_write_tokens")
    known = [int(used[name]) for name in names if name in used]
    return sum(known) if known else None


def call_names(message: MessageView) -> tuple[str, ...]:
    """Return the ids that the call of the API can have which a message answered."""
    extra = message.fields.get("extra")
    named = extra.get("api_message_id") if isinstance(extra, dict) else None
    return (message.id, named) if isinstance(named, str) else (message.id,)


def _call(message: str, number: int, call: object) -> ToolCall:
    call = call if isinstance(call, dict) else {}
    function = call.get("function")
    function = function if isinstance(function, dict) else call
    id, name = call.get("id"), function.get("name")
    return ToolCall(
        id if isinstance(id, str) and id else f"{message}:{number}",
        name if isinstance(name, str) and name else "unknown",
        _object(function.get("arguments")),
    )


def _object(arguments: object) -> dict[str, Any]:
    if isinstance(arguments, str):
        try:
            value = orjson.loads(arguments)
        except orjson.JSONDecodeError:
            value = None
        arguments = value if isinstance(value, dict) else {"input": arguments} if arguments else {}
    if arguments is None:
        return {}
    return arguments if isinstance(arguments, dict) else {"input": arguments}
