"""The events of one request of a chat, with its response: pure.

A response is a list of items: texts, references and edits, and calls of tools among them. What
follows a call is a message of its own, so that texts and results stay in their order. Arguments and
results of a call are in the metadata of the result, if the chat's agent stored them, else in the
call itself, as VS Code shows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.parts import Parts, Result, output
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.usage import usage
from journal.importers.parsing.values import non_empty, object_of, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.conversation import Conversation
    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.source_time import SourceTime
    from journal.importers.parsing.values import Json

SOURCE = "vscode-chat"
_TOOL = "toolInvocationSerialized"
_TEXTS = (None, "markdownContent", "warning", "progressMessage", "progressTaskSerialized")


@dataclass(slots=True)
class Request:
    """One request of a chat.

    Attributes:
        line: number of the line, or of the request.
        talk: the chat.
        value: the request.
    """

    line: int
    talk: Conversation
    value: dict[str, Json]
    _parts: Parts = field(default_factory=Parts)
    _texts: list[str] = field(default_factory=list)  # pieces of one text
    _results: list[Result] = field(default_factory=list)
    _segment: int = 1

    @property
    def id(self) -> str | None:
        """The id of the request."""
        return text_or_none(self.value.get("requestId"))

    @property
    def is_answered(self) -> bool:
        """Whether nothing will be added to the response."""
        return bool(self.value.get("result") or self.value.get("isCanceled"))

    def prompt(self) -> Iterator[Item]:
        """Yield what the user asked; a request without an id is skipped."""
        if self.id is None:
            yield Skipped(self.line, "request without an id")
            return
        message = self.value.get("message")
        parts = Parts()
        parts.text(object_of(message).get("text") if isinstance(message, dict) else message)
        variables = object_of(self.value.get("variableData")).get("variables")
        for variable in variables if isinstance(variables, list) else []:
            parts.content.append(_attachment(object_of(variable)))
        yield from self.talk.message(self.line, self.id, "user", parts, {"timestamp": self._time})

    def response(self) -> Iterator[Item]:
        """Yield what was answered, and what that used."""
        if self.id is None:
            return
        items = self.value.get("response")
        for item in items if isinstance(items, list) else []:
            yield from self._item(item)
        yield from self._flush()
        metadata = self._metadata
        counts = {
            "input_tokens": metadata.get("promptTokens"),
            "output_tokens": metadata.get("outputTokens"),
        }
        session = self.talk.session
        yield from usage(self.line, session, self.id, counts, self._time, model=self._model)

    @property
    def _time(self) -> SourceTime:
        return read_time(self.value.get("timestamp"))

    @property
    def _result(self) -> dict[str, Json]:
        return object_of(self.value.get("result"))

    @property
    def _metadata(self) -> dict[str, Json]:
        return object_of(self._result.get("metadata"))

    @property
    def _model(self) -> str | None:
        return text_or_none(self._metadata.get("resolvedModel")) or text_or_none(
            self.value.get("modelId")
        )

    def _item(self, item: Json) -> Iterator[Item]:
        found = item if isinstance(item, dict) else {"value": item}
        kind = found.get("kind")
        if self._parts.calls and kind != _TOOL and (_text(found) or kind == "thinking"):
            yield from self._flush()
        if kind == _TOOL:
            self._tool(found)
        elif kind == "thinking":
            self._parts.think(_text(found))
        elif kind == "inlineReference":
            self._texts.append(_reference(found.get("inlineReference")))
        elif kind == "textEditGroup":
            uri = object_of(found.get("uri"))
            self._parts.content.append(
                {"type": "edit", "path": uri.get("fsPath") or uri.get("path")}
            )
        elif kind in _TEXTS:
            self._texts.append(_text(found) or "")
        else:
            yield Skipped(self.line, f"response {kind}")

    def _tool(self, item: dict[str, Json]) -> None:
        id = text_or_none(item.get("toolCallId"))
        called = self._round(id)
        shown = object_of(item.get("toolSpecificData"))
        details = object_of(item.get("resultDetails"))
        given = called.get("arguments") or details.get("input")
        if given is None:
            command = object_of(shown.get("commandLine")).get("original") or shown.get("command")
            given = {"command": command} if command else shown.get("rawInput") or {}
        self._parts.call(id, called.get("name") or item.get("toolId"), given)
        stored = object_of(self._metadata.get("toolCallResults")).get(id or "")
        found = (
            object_of(stored).get("content") if isinstance(stored, dict) else details.get("output")
        )
        if found is None:
            found = _text({"value": item.get("pastTenseMessage")})
        if found is not None:
            name = text_or_none(called.get("name")) or text_or_none(item.get("toolId"))
            failed = details.get("isError")
            error = failed if isinstance(failed, bool) else None
            self._results.append(Result(id, name, _values(found), error))

    def _round(self, id: str | None) -> dict[str, Json]:
        """Return the call as the agent made it; empty if it stored none."""
        rounds = self._metadata.get("toolCallRounds")
        for one in rounds if isinstance(rounds, list) else []:
            for call in object_of(one).get("toolCalls") or []:
                if id is not None and object_of(call).get("id") == id:
                    return object_of(call)
        return {}

    def _flush(self) -> Iterator[Item]:
        """Yield the message of the items so far, and the results of its tools."""
        self._parts.text("".join(self._texts).strip())
        error = object_of(self._result.get("errorDetails")).get("message")
        if self._parts.is_empty and self._segment == 1:
            self._parts.text(error)
        own = text_or_none(self.value.get("responseId")) or f"{self.id}:response"
        id = own if self._segment == 1 else f"{own}:{self._segment}"
        agent = text_or_none(object_of(self.value.get("agent")).get("id"))
        fields: dict[str, Any] = {
            "timestamp": self._time,
            "model": self._model,
            "extra": non_empty({"agent": agent, "error": error}),
        }
        yield from self.talk.message(self.line, id, "assistant", self._parts, fields)
        for number, result in enumerate(self._results, 1):
            name = f"{id}:{result.call or number}"
            yield self.talk.result(self.line, name, result, {"timestamp": self._time})
        self._segment += not self._parts.is_empty
        self._parts, self._texts, self._results = Parts(), [], []


def _text(item: dict[str, Json]) -> str | None:
    """Return the text of an item: a value, or an object with one."""
    for name in ("value", "content"):
        value = item.get(name)
        if isinstance(value, list):
            value = "".join(part for part in value if isinstance(part, str))
        value = value.get("value") if isinstance(value, dict) else value
        if text_or_none(value) is not None:
            return str(value)
    return None


def _values(found: Json) -> str | list[Json]:
    """Return the output of a tool; a list of texts is one text."""
    if isinstance(found, list) and found:
        texts = [_text(part) if isinstance(part, dict) else None for part in found]
        if all(text is not None for text in texts):
            return "\n".join(text for text in texts if text is not None)
    return output(found)


def _reference(reference: Json) -> str:
    """Return a reference in a text, as it is read: a name, or a path."""
    found = object_of(reference)
    location = object_of(found.get("location"))
    uri = object_of(location.get("uri")) or found
    name = found.get("name") or uri.get("fsPath") or uri.get("path")
    return f"`{name}`" if name else ""


def _attachment(variable: dict[str, Json]) -> dict[str, Json]:
    value = object_of(variable.get("value"))
    uri = object_of(value.get("uri")) or value
    path = uri.get("fsPath") or uri.get("path")
    kept = {"name": variable.get("name"), "path": path, "kind": variable.get("kind")}
    return {"type": "file", **{name: value for name, value in kept.items() if value is not None}}
