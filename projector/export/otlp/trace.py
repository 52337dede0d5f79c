"""A session as spans, by the semantic conventions for generative AI.

A session is a trace. Its root stands for the session, and has a span `invoke_agent` for each turn:
from what a person typed to the last answer to it. Below a turn are a span `chat` for each message
of a model and a span `execute_tool` for each call of a tool.

A message has one date, so a span begins where the message before it ended. Calls of the API that no
message can be found for are spans `chat` below the root, so that all tokens are there once.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from journal.cli.kit.clean import json_line
from projector.export.otlp.conventions import provider_of
from projector.export.otlp.spans import CLIENT, INTERNAL, Span, span_id, trace_id
from projector.export.parts import (
    ToolCall,
    is_failed,
    is_prompt,
    prompt_tokens,
    sorted_parts,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parts import Result
    from projector.export.conversation import Conversation
    from projector.export.otlp.conventions import Conventions
    from projector.export.otlp.spans import Value
    from projector.export.parts import Sorted
    from projector.fold.usage import Call
    from projector.views.messages import MessageView

_WAITING = 10_000
"""Calls of tools whose results are waited for."""
_HOME = "agent_journal.home"
_MESSAGE = "agent_journal.message.id"

Attributes = dict[str, "Value | None"]


@dataclass(slots=True)
class _Turn:
    """A turn that is open.

    Attributes:
        id: of its span.
        start, end: microseconds since 1970.
        home: of a repeated turn, the session in which it counts.
        prompts: what began it.
        answer: the last message of the model that has words.
        is_answered: whether the model wrote anything.
    """

    id: str
    start: int
    end: int
    home: str | None
    prompts: list[dict[str, Any]] = field(default_factory=list)
    answer: dict[str, Any] | None = None
    is_answered: bool = False


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A call of a tool whose result was not read yet."""

    call: ToolCall
    parent: str
    time: int


class Trace:
    """Makes the spans of one session."""

    def __init__(self, conversation: Conversation, conventions: Conventions) -> None:
        self._view = conversation.session
        self._messages = conversation.messages
        self._calls = conversation.calls()
        self._conventions = conventions
        self._root = span_id(self._view.session)
        self._turn: _Turn | None = None
        self._waiting = OrderedDict[str, _Waiting]()
        self._times: tuple[int, int] | None = None  # of the first message, and of the last one

    def spans(self) -> Iterator[Span]:
        """Yield all spans; a parent comes after its children."""
        with self._calls:
            for message in self._messages():
                yield from self._message(message)
                first, _ = self._times or (message.time, message.time)
                self._times = first, message.time
            yield from self._close()
            for number, call in enumerate(self._calls):
                yield self._call(number, call)
        yield self._session()

    def _message(self, message: MessageView) -> Iterator[Span]:
        parts = sorted_parts(message)
        if message.role == "assistant":
            yield from self._chat(message, parts, self._turn or self._open(message))
        elif is_prompt(message, parts):
            if self._turn is not None and self._turn.is_answered:
                yield from self._close()
            turn = self._turn or self._open(message)
            turn.prompts.append({"role": "user", "parts": _parts(parts)})
        for result in parts.results:
            yield self._result(message, result)
        if self._turn is not None:
            self._turn.end = max(self._turn.end, message.time)

    def _open(self, message: MessageView) -> _Turn:
        start = message.time if message.role == "user" else self._begun(message)
        id = span_id(self._view.session, "turn", message.id)
        self._turn = _Turn(id, start, message.time, message.home)
        return self._turn

    def _begun(self, message: MessageView) -> int:
        """Return when the message before ended, if that was earlier."""
        return message.time if self._times is None else min(self._times[1], message.time)

    def _close(self) -> Iterator[Span]:
        """Yield the calls that have no result, and the turn."""
        for waiting in self._waiting.values():
            yield self._unanswered(waiting)
        self._waiting.clear()
        turn, self._turn = self._turn, None
        if turn is None:
            return
        agent = self._view.source or "unknown"
        about = self._named("invoke_agent", None, self._view.model)
        about |= {"gen_ai.agent.name": agent, _HOME: turn.home}
        if self._conventions.has_content:
            about["gen_ai.input.messages"] = json_line(turn.prompts) if turn.prompts else None
            about["gen_ai.output.messages"] = json_line([turn.answer]) if turn.answer else None
        name = f"invoke_agent {agent}"
        yield self._span(turn.id, self._root, name, INTERNAL, (turn.start, turn.end), about)

    def _chat(self, message: MessageView, parts: Sorted, turn: _Turn) -> Iterator[Span]:
        turn.is_answered = True
        call = self._calls.take(message)
        model, reason = message.fields.get("model"), message.fields.get("finish_reason")
        model = model if isinstance(model, str) else self._view.model
        reason = reason if isinstance(reason, str) else None
        about = self._named("chat", None if call is None else call.provider, model)
        about |= {
            "gen_ai.response.model": model,
            "gen_ai.response.finish_reasons": None if reason is None else [reason],
            _MESSAGE: message.id,
            _HOME: message.home,
        }
        said = {"role": "assistant", "parts": _parts(parts), "finish_reason": reason or "unknown"}
        if parts.content:
            turn.answer = said
        if self._conventions.has_content:
            about["gen_ai.output.messages"] = json_line([said])
        if call is not None:
            about |= self._used(call)
        id = span_id(self._view.session, "chat", message.id)
        period = self._begun(message), message.time
        yield self._span(id, turn.id, _name("chat", model), CLIENT, period, about)
        for tool in parts.calls:
            self._waiting[tool.id] = _Waiting(tool, turn.id, message.time)
            if len(self._waiting) > _WAITING:
                yield self._unanswered(self._waiting.popitem(last=False)[1])

    def _unanswered(self, waiting: _Waiting) -> Span:
        return self._tool(waiting, waiting.time, {})

    def _result(self, message: MessageView, result: Result) -> Span:
        waiting = self._waiting.pop(result.call or "", None)
        if waiting is None:  # its call was not exported
            parent = self._root if self._turn is None else self._turn.id
            call = ToolCall(result.call or message.id, result.name or "unknown", {})
            waiting = _Waiting(call, parent, self._begun(message))
        about: Attributes = {_MESSAGE: message.id, _HOME: message.home}
        if self._conventions.has_content:
            about["gen_ai.tool.call.result"] = text_of(result.content)
        if is_failed(result):
            about["error.type"] = "_OTHER"
        return self._tool(waiting, message.time, about)

    def _tool(self, waiting: _Waiting, end: int, about: Attributes) -> Span:
        call = waiting.call
        known: Attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.conversation.id": self._view.session,
            "gen_ai.tool.name": call.name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call.id,
        }
        if self._conventions.has_content and call.arguments:
            known["gen_ai.tool.call.arguments"] = json_line(call.arguments)
        # a call can have more than one result: each is a span
        id = span_id(self._view.session, "tool", call.id, str(about.get(_MESSAGE, "")))
        name, period = _name("execute_tool", call.name), (waiting.time, end)
        return self._span(id, waiting.parent, name, INTERNAL, period, known | about)

    def _call(self, number: int, call: Call) -> Span:
        """Return the span of a call of the API that no message was found for."""
        model = call.model or self._view.model
        about = self._named("chat", call.provider, model)
        about |= {"gen_ai.response.model": model, "gen_ai.response.id": call.id}
        id = span_id(self._view.session, "call", call.id or str(number))
        period = call.time, call.time
        name = _name("chat", model)
        return self._span(id, self._root, name, CLIENT, period, about | self._used(call))

    def _session(self) -> Span:
        view = self._view
        first, last = self._times or (view.started or 0, view.last or view.started or 0)
        about: Attributes = {
            "gen_ai.conversation.id": view.session,
            "agent_journal.title": view.title,
            "agent_journal.cwd": view.cwd,
            "agent_journal.relation": view.relation,
            "agent_journal.parent": view.parent,
        }
        above = () if view.parent is None else ((trace_id(view.parent), span_id(view.parent)),)
        period = first, max(first, last)
        return self._span(self._root, None, "session", INTERNAL, period, about, above)

    def _named(self, operation: str, provider: str | None, model: str | None) -> Attributes:
        return {
            "gen_ai.operation.name": operation,
            self._conventions.provider: provider_of(provider, model, self._conventions),
            "gen_ai.conversation.id": self._view.session,
            "gen_ai.request.model": model,
        }

    def _used(self, call: Call) -> Attributes:
        used, names = call.amounts, self._conventions
        known: Attributes = {
            "gen_ai.usage.input_tokens": prompt_tokens(used),
            "gen_ai.usage.output_tokens": used.get("output_tokens"),
        }
        more = (
            (names.cache_read, "cache_read_tokens"),
            (names.cache_write, "cache_write_tokens"),
            (names.reasoning, "reasoning_tokens"),
        )
        return known | {name: used.get(counter) for name, counter in more if name is not None}

    def _span(
        self,
        id: str,
        parent: str | None,
        name: str,
        kind: int,
        period: tuple[int, int],
        about: Attributes,
        links: tuple[tuple[str, str], ...] = (),
    ) -> Span:
        trace = trace_id(self._view.session)
        failed = "error.type" in about
        return Span(trace, id, parent, name, kind, *period, about, failed, links)


def _name(operation: str, about: str | None) -> str:
    return operation if about is None else f"{operation} {about}"


def _parts(parts: Sorted) -> list[dict[str, Any]]:
    """Return parts as the attributes of messages have them."""
    return [
        *({"type": "reasoning", "content": text} for text in parts.thoughts),
        *({"type": "text", "content": text_of(part)} for part in parts.content),
        *(
            {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}
            for call in parts.calls
        ),
    ]
