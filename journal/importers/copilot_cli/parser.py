"""Copilot CLI's events: `~/.copilot/session-state/<session>/events.jsonl`.

A line is `{type, data, id, timestamp, parentId}`. An answer names its tool calls; a call whose
start is in no answer is a message of its own, before its result. The system prompt and notices of
the program are marked by `meta`.

What was used is in two places: an answer has its output tokens, and the end of a session has the
sums for each model, over all its resumes. So each answer gives its output, and each sum gives what
the answers before it do not have.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from journal.format.event_types import SESSION_TITLED
from journal.importers.copilot_cli.workspace import title_of
from journal.importers.parsing.conversation import Conversation, OneSession
from journal.importers.parsing.events import fact, key
from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.parts import Parts, Result, output
from journal.importers.parsing.source_time import SourceTime, read_time
from journal.importers.parsing.usage import usage, without
from journal.importers.parsing.values import count_or_none, non_empty, object_of, text_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json

SOURCE = "copilot-cli"
_EVENTS = "events"
"""The name of a session's file in the folder that is named after the session."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line: its number, its event's id, the event's data, its time."""

    number: int
    id: str
    data: dict[str, Json]
    time: SourceTime


@dataclass(slots=True)
class CopilotCLI(OneSession):
    """The parser of one session."""

    _started: dict[str, _Line] = field(default_factory=dict)  # calls that no answer has named yet
    _thoughts: list[_Line] = field(default_factory=list)  # that no answer has followed yet
    _output: dict[str, int] = field(default_factory=dict)  # output tokens of answers, by model
    _readers: dict[str, Callable[[_Line], Iterator[Item]]] = field(init=False)

    def __post_init__(self) -> None:
        folder = next(iter(self.location.folders), "")
        named = folder if self.location.stem == _EVENTS and folder else self.location.stem
        self._talk = Conversation(key(named or self.location.name), SOURCE)
        self._readers = {
            "session.start": self._start,
            "session.resume": self._start,
            "session.shutdown": self._shutdown,
            "session.title_changed": self._title,
            "session.info": self._notice,
            "session.warning": self._notice,
            "session.error": self._notice,
            "session.compaction_complete": self._summary,
            "system.message": self._system,
            "system.notification": self._notice,
            "user.message": self._user,
            "assistant.reasoning": self._thought,
            "assistant.message": self._answer,
            "assistant.turn_end": self._turn_end,
            "tool.execution_start": self._call,
            "tool.execution_complete": self._result,
        }

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:
        """Handle the value of one line."""
        del raw
        found = object_of(value)
        kind, data = found.get("type"), found.get("data")
        reader = self._readers.get(kind) if isinstance(kind, str) else None
        if reader is None or not isinstance(data, dict):
            yield Skipped(line, kind if isinstance(kind, str) and kind else "no type")
            return
        id = text_or_none(found.get("id")) or f"line-{line}"
        yield from reader(_Line(line, id, data, read_time(found.get("timestamp"))))

    def end(self) -> Iterator[Item]:
        """Yield the calls that no answer and no result followed; count such reasoning."""
        yield from self._unnamed(*self._started)
        for line in self._thoughts:
            yield Skipped(line.number, "assistant.reasoning, its answer has not followed")

    def _start(self, line: _Line) -> Iterator[Item]:
        data = line.data
        context = object_of(data.get("context"))
        if (id := text_or_none(data.get("sessionId"))) is not None:
            self._talk.session = key(id)
        yield self._talk.created(
            line.number,
            cwd=text_or_none(context.get("cwd")),
            branch=text_or_none(context.get("branch")),
            commit=text_or_none(context.get("headCommit")),
            model=text_or_none(data.get("selectedModel")),
            started=read_time(data.get("startTime")),
            extra=non_empty(
                {
                    "version": text_or_none(data.get("copilotVersion")),
                    "repository": text_or_none(context.get("repository")),
                }
            ),
        )
        yield from title_of(self.location, self._talk.session)

    def _title(self, line: _Line) -> Iterator[Item]:
        title = text_or_none(line.data.get("title"))
        if title is not None:
            yield fact(line.number, self._talk.session, SESSION_TITLED, {"title": title})

    def _system(self, line: _Line) -> Iterator[Item]:
        yield from self._text(line, "system", line.data.get("content"), meta="instructions")

    def _notice(self, line: _Line) -> Iterator[Item]:
        data = line.data
        text = data.get("content") or data.get("message")
        about = data.get("errorType") or data.get("infoType") or data.get("warningType")
        extra = non_empty({"event": text_or_none(about)})
        yield from self._text(line, "system", text, meta="notification", extra=extra)

    def _summary(self, line: _Line) -> Iterator[Item]:
        text = line.data.get("summaryContent")
        if text_or_none(text) is None:
            yield Skipped(line.number, "session.compaction_complete")
        yield from self._text(line, "system", text, meta="summary")

    def _user(self, line: _Line) -> Iterator[Item]:
        yield from self._alone()
        data = line.data
        parts = Parts()
        parts.text(data.get("content"))
        attached = data.get("attachments")
        for found in attached if isinstance(attached, list) else []:
            parts.content.append(_attachment(object_of(found)))
        changed = data.get("transformedContent")
        if changed not in (None, data.get("content")):
            yield Skipped(line.number, "user.message: the prompt with what Copilot added")
        fields = {"timestamp": line.time, "extra": _sub(data)}
        yield from self._talk.message(line.number, line.id, "user", parts, fields)

    def _thought(self, line: _Line) -> Iterator[Item]:
        """Keep reasoning for the answer that follows, which repeats it, or has it encrypted."""
        if text_or_none(line.data.get("content")) is None:
            yield Skipped(line.number, "assistant.reasoning")
        else:
            self._thoughts.append(line)

    def _alone(self) -> Iterator[Item]:
        """Yield reasoning of which the turn has no answer."""
        for line in self._thoughts:
            parts = Parts()
            parts.think(line.data.get("content"))
            fields = {"timestamp": line.time, "extra": _sub(line.data)}
            yield from self._talk.message(line.number, line.id, "assistant", parts, fields)
        self._thoughts = []

    def _answer(self, line: _Line) -> Iterator[Item]:
        data, parts = line.data, Parts()
        own = text_or_none(data.get("reasoningText")) or ""
        for thought in self._thoughts:
            if str(thought.data.get("content")) not in own:
                parts.think(thought.data.get("content"))
        self._thoughts = []
        parts.think(own)
        if not parts.thoughts and data.get("reasoningOpaque"):
            parts.lost.append("reasoning, encrypted")
        parts.text(data.get("content"))
        for found in data.get("toolRequests") or []:
            request = object_of(found)
            parts.call(request.get("toolCallId"), request.get("name"), request.get("arguments"))
            self._started.pop(str(request.get("toolCallId")), None)
        model = text_or_none(data.get("model"))
        fields = {"timestamp": line.time, "model": model, "extra": _sub(data)}
        yield from self._talk.message(line.number, line.id, "assistant", parts, fields)
        count = count_or_none(data.get("outputTokens"))
        if count:
            name = model or ""
            self._output[name] = self._output.get(name, 0) + count
            call = text_or_none(data.get("apiCallId")) or text_or_none(data.get("messageId"))
            counts = {"output_tokens": count}
            session = self._talk.session
            yield from usage(line.number, session, call or line.id, counts, line.time, model=model)

    def _call(self, line: _Line) -> Iterator[Item]:
        call = text_or_none(line.data.get("toolCallId"))
        if call is None:
            yield Skipped(line.number, "tool.execution_start without an id of its call")
        elif not self._talk.calls(call):
            self._started[call] = line

    def _result(self, line: _Line) -> Iterator[Item]:
        data = line.data
        call = text_or_none(data.get("toolCallId"))
        yield from self._unnamed(call or "")
        found, failure = object_of(data.get("result")), object_of(data.get("error"))
        content = found.get("content")
        content = failure.get("message") if content is None else content
        success = data.get("success")
        result = Result(
            call,
            text_or_none(data.get("toolName")),
            output(content),
            error=not success if isinstance(success, bool) else None,
        )
        fields = {"timestamp": line.time, "extra": _sub(data)}
        yield self._talk.result(line.number, line.id, result, fields)

    def _turn_end(self, line: _Line) -> Iterator[Item]:
        yield from self._unnamed(*self._started)
        yield from self._alone()
        yield Skipped(line.number, "assistant.turn_end")

    def _unnamed(self, *calls: str) -> Iterator[Item]:
        """Yield messages of calls that were started, and that no answer names."""
        for call in calls:
            line = self._started.pop(call, None)
            if line is None:
                continue
            parts = Parts()
            parts.call(call, line.data.get("toolName"), line.data.get("arguments"))
            model = text_or_none(line.data.get("model"))
            fields = {"timestamp": line.time, "model": model, "extra": _sub(line.data)}
            yield from self._talk.message(line.number, line.id, "assistant", parts, fields)

    def _shutdown(self, line: _Line) -> Iterator[Item]:
        """Yield the sums of each model, without the output that answers have."""
        for model, found in object_of(line.data.get("modelMetrics")).items():
            used = object_of(object_of(found).get("usage"))
            read, wrote = used.get("cacheReadTokens"), used.get("cacheWriteTokens")
            counts = {
                "input_tokens": without(used.get("inputTokens"), read, wrote),
                "output_tokens": without(used.get("outputTokens"), self._output.get(model)),
                "cache_read_tokens": read,
                "cache_write_tokens": wrote,
                "reasoning_tokens": used.get("reasoningTokens"),
                "api_calls": 0,
            }
            call, session = f"shutdown:{model}", self._talk.session
            yield from usage(line.number, session, call, counts, line.time, model=model)
        changed = object_of(line.data.get("codeChanges")).get("filesModified")
        if changed:
            about = {"extra": {"files_modified": changed}}
            yield self._talk.created(line.number, **about)

    def _text(self, line: _Line, role: str, text: Json, **more: Any) -> Iterator[Item]:  # noqa: ANN401 - fields of a message
        parts = Parts()
        parts.text(text)
        fields = {"timestamp": line.time, **more}
        yield from self._talk.message(line.number, line.id, role, parts, fields)


def _attachment(found: dict[str, Json]) -> dict[str, Json]:
    """Return an attached file as a part of a message, with its name."""
    name = found.get("displayName") or found.get("name") or found.get("path")
    media = found.get("mimeType") or found.get("mediaType")
    kept = {"name": name, "path": found.get("path"), "media_type": media, "data": found.get("data")}
    return {"type": "file", **{name: value for name, value in kept.items() if value is not None}}


def _sub(data: dict[str, Json]) -> dict[str, Json] | None:
    """Return the call of the sub-agent that a line belongs to, as `extra`."""
    return non_empty({"parent_tool_call": text_or_none(data.get("parentToolCallId"))})
