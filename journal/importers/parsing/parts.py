"""Sorts the parts of one message: text, reasoning, tool calls, results of tools, and all else.

Most sources write a message as a list of parts, in one of two families: blocks with a `type`
(`blocks`), and parts of Google's API, which have one key each (`google_parts`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from journal.importers.parsing.values import text_or_none

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

_TEXTS = ("text", "input_text", "output_text")
_THOUGHTS = ("thinking", "think", "reasoning", "thought")
_CALLS = ("tool_use", "toolCall", "tool_call", "tool-call", "server_tool_use")
_RESULTS = ("tool_result", "toolResult", "tool-result")
_HIDDEN = ("redacted_thinking", "encrypted_reasoning")


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool gave back.

    Attributes:
        call: the id of the call, or None.
        name: the tool's name, if the result itself has it.
        content: a text, or a list of parts.
        error: whether the source marks it as an error; None if it does not say.
        exit_code: the exit status of a command, or None.
    """

    call: str | None
    name: str | None
    content: str | list[Json]
    error: bool | None = None
    exit_code: int | None = None


@dataclass(slots=True)
class Parts:
    """The parts of one message.

    Attributes:
        content: texts as `{"type": "text", "text": ...}`, and unchanged parts, such as images.
        thoughts: the readable reasoning.
        calls: the tool calls, each in the one shape of a journal.
        results: the results of tools.
        lost: why parts are left out.
    """

    content: list[Json] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[dict[str, Json]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def text(self, text: Json) -> None:
        """Add a text, if it is one."""
        if isinstance(text, str) and text:
            self.content.append({"type": "text", "text": text})

    def think(self, text: Json) -> None:
        """Add reasoning, if it is readable."""
        if isinstance(text, str) and text:
            self.thoughts.append(text)

    def call(self, id: Json, name: Json, arguments: Json) -> None:
        """Add a tool call."""
        self.calls.append(tool_call(id, name, arguments))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that a message could hold, apart from results."""
        return not (self.content or self.thoughts or self.calls)

    def fields(self) -> dict[str, Json]:
        """Return the fields of the message; one text is a string."""
        return {
            "content": plain(self.content) if self.content else None,
            "reasoning": "\n\n".join(self.thoughts) or None,
            "tool_calls": self.calls or None,
        }


def tool_call(id: Json, name: Json, arguments: Json) -> dict[str, Json]:
    """Return a tool call in the one shape of a journal.

    Args:
        id: the source's id of the call; without one the call has none.
        name: the tool's name.
        arguments: a string of JSON is kept as it is; another string, such as a program, becomes
            `{"input": ...}`, and anything else is encoded.
    """
    given = arguments if _is_json(arguments) else _encoded(arguments)
    called = text_or_none(name) or "unknown"
    call = {"type": "function", "function": {"name": called, "arguments": given}}
    return call if text_or_none(id) is None else {"id": id, **call}


def _is_json(arguments: Json) -> bool:
    if not isinstance(arguments, str) or not arguments.lstrip().startswith("{"):
        return False
    try:
        orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return False
    return True


def _encoded(arguments: Json) -> str:
    if isinstance(arguments, str):
        arguments = {"input": arguments} if arguments else {}
    return orjson.dumps(arguments if arguments is not None else {}).decode()


def plain(content: list[Json]) -> str | list[Json]:
    """Return a list that is one text as that text."""
    if len(content) == 1:
        part = content[0]
        if isinstance(part, dict) and part.get("type") in _TEXTS and text_or_none(part.get("text")):
            return str(part["text"])
    return content


def output(value: Json) -> str | list[Json]:
    """Return the output of a tool as content: a text, parts, or any other value as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        return plain(value)
    return orjson.dumps(value).decode()


def blocks(content: Json) -> Parts:
    """Sort blocks with a `type`, as Anthropic's and OpenAI's APIs and most agents write them."""
    parts = Parts()
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, dict):
            _block(parts, part)
        else:
            parts.text(part)
    return parts


def turns(content: Json) -> list[Json]:
    """Split a list of blocks after each run of results: what follows was written later."""
    found: list[list[Json]] = [[]]
    for part in content if isinstance(content, list) else [content]:
        if found[-1] and _is_result(found[-1][-1]) and not _is_result(part):
            found.append([])
        found[-1].append(part)
    return list(found)


def _is_result(part: Json) -> bool:
    return isinstance(part, dict) and part.get("type") in _RESULTS


def _block(parts: Parts, part: dict[str, Json]) -> None:
    kind = part.get("type")
    if kind in _TEXTS and isinstance(part.get("text"), str):
        parts.text(part["text"])
    elif kind in _THOUGHTS:
        names = ("thinking", "think", "reasoning", "text", "thought", "content")
        thought = next((part[name] for name in names if text_or_none(part.get(name))), None)
        parts.think(thought)
        if thought is None:
            parts.lost.append("reasoning without readable text")
    elif kind in _HIDDEN:
        parts.lost.append("reasoning, encrypted")
    elif kind in _CALLS:
        id = _first(part, "id", "toolCallId", "tool_call_id", "call_id")
        parts.call(id, _first(part, "name", "toolName"), _first(part, "input", "arguments", "args"))
    elif kind in _RESULTS:
        id = _first(part, "tool_use_id", "toolCallId", "tool_call_id", "call_id")
        name = text_or_none(_first(part, "name", "toolName"))
        error = _first(part, "is_error", "isError")
        found = output(_first(part, "content", "output", "result"))
        parts.results.append(
            Result(text_or_none(id), name, found, error if isinstance(error, bool) else None)
        )
    else:
        parts.content.append(part)


def google_parts(content: Json) -> Parts:
    """Sort parts of Google's API: `text`, `functionCall`, `functionResponse`, and data."""
    parts = Parts()
    for part in content if isinstance(content, list) else [content]:
        if not isinstance(part, dict):
            parts.text(part)
        elif isinstance(part.get("text"), str):
            if part.get("thought") is True:
                parts.think(part["text"])
            else:
                parts.text(part["text"])
        elif isinstance(call := part.get("functionCall"), dict):
            parts.call(call.get("id"), call.get("name"), call.get("args"))
        elif isinstance(part.get("functionResponse"), dict):
            parts.results.append(google_result(part["functionResponse"]))
        elif part:
            parts.content.append(part)
    return parts


def google_result(response: dict[str, Json]) -> Result:
    """Return the result of a `functionResponse`; its `output` or `error` alone is a text."""
    value, error = response.get("response"), None
    if isinstance(value, dict):
        if value.keys() == {"output"}:
            value = value["output"]
        elif value.keys() == {"error"}:
            value, error = value["error"], True
    return Result(
        text_or_none(response.get("id")), text_or_none(response.get("name")), output(value), error
    )


def _first(part: dict[str, Json], *names: str) -> Json:
    return next((part[name] for name in names if part.get(name) is not None), None)
