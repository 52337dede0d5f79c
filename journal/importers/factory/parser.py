"""The sessions of Factory's Droid: `~/.factory/sessions/<project>/<session>.jsonl`.

The first line is about the session, and `<session>.settings.json` beside the file has its model and
the sum of its tokens. `droid exec --output-format stream-json` prints another form, whose lines
have the session's id, and a call and its result as lines of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from journal.importers.parsing.conversation import Conversation
from journal.importers.parsing.events import placeholder
from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.parts import Parts, Result, blocks, output
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.usage import usage
from journal.importers.parsing.values import count_or_none, fingerprint, non_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json

SOURCE = "factory"
_REMINDER = ("<system-reminder>", "</system-reminder>")
_SUMMARY = ("summaryText", "summary")


@dataclass(slots=True)
class Factory:
    """The parser of one session.

    Attributes:
        location: the file.
    """

    equal_is_same: ClassVar[bool] = True
    location: Location
    _talk: Conversation | None = None

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:
        """Handle one line."""
        if not isinstance(value, dict):
            yield Skipped(line, "JSON, but no object")
            return
        if self._talk is None:
            yield from self._begin(line, value)
        kind = text_or_none(value.get("type")) or "no type"
        made = f"line-{line}" if raw is None else fingerprint(raw)
        id = text_or_none(value.get("id")) or made
        body = value.get("message")
        if kind == "message" and isinstance(body, dict):
            role = text_or_none(body.get("role")) or "unknown"
            yield from self._message(line, id, role, blocks(body.get("content")), value)
        elif kind in ("message", "completion", "error"):
            yield from self._streamed(line, id, kind, value)
        elif kind == "tool_call":
            yield from self._call(line, id, value)
        elif kind == "tool_result":
            yield from self._result(line, id, value)
        elif kind == "compaction_state":
            text = next((value[name] for name in _SUMMARY if name in value), None)
            yield from self._message(line, id, "system", blocks(text), value, meta="summary")
        elif kind not in ("session_start", "system"):
            yield Skipped(line, f"{kind} line")

    def left_out(self, line: int, size: int, id: str) -> Iterator[Item]:
        """Yield a message in place of a line that is too long to be read."""
        return placeholder(line, self.talk.session, id, size, SOURCE)

    def end(self) -> Iterator[Item]:
        """Yield nothing: no item waits for a later line."""
        return iter(())

    @property
    def talk(self) -> Conversation:
        """The session of this file."""
        if self._talk is None:
            self._talk = Conversation(self.location.name, SOURCE)
        return self._talk

    def _begin(self, line: int, value: dict[str, Json]) -> Iterator[Item]:
        """Yield the session, from the first line and from the settings beside the file."""
        named = value.get("session_id") or value.get("sessionId")
        if value.get("type") == "session_start":
            named = value.get("id")
        session = text_or_none(named) or self.location.name
        self._talk = talk = Conversation(session, SOURCE)
        settings = self.location.beside(f"{self.location.stem}.settings.json")
        settings = settings if isinstance(settings, dict) else {}
        titles = (value.get("sessionTitle"), value.get("title"))
        yield talk.created(
            line,
            title=next(filter(None, map(text_or_none, titles)), None),
            cwd=text_or_none(value.get("cwd")),
            model=text_or_none(value.get("model")) or text_or_none(settings.get("model")),
            user=text_or_none(value.get("owner")),
            extra=non_empty({"version": value.get("version")}),
        )
        used = settings.get("tokenUsage")
        if isinstance(used, dict):
            counts = {
                "input_tokens": used.get("inputTokens"),
                "output_tokens": used.get("outputTokens"),
                "cache_read_tokens": used.get("cacheReadTokens"),
                "cache_write_tokens": used.get("cacheCreationTokens"),
                "reasoning_tokens": used.get("thinkingTokens"),
            }
            # a sum over the session, which grows: of one call, the greatest figures count
            yield from usage(line, session, "session", counts, model=settings.get("model"))

    def _message(
        self,
        line: int,
        id: str,
        role: str,
        parts: Parts,
        value: dict[str, Json],
        meta: str | None = None,
    ) -> Iterator[Item]:
        texts = [part.get("text") for part in parts.content]
        if role == "user" and texts and all(map(_is_reminder, texts)):
            meta = "instructions"
        if parts.is_empty and not parts.results:
            yield Skipped(line, f"{role} message without content")
        fields = {"timestamp": read_time(value.get("timestamp")), "meta": meta}
        yield from self.talk.message(line, id, role, parts, fields)

    def _streamed(self, line: int, id: str, kind: str, value: dict[str, Json]) -> Iterator[Item]:
        """Yield a message of the printed form; its answer at the end has the usage."""
        names = {"message": "text", "completion": "finalText", "error": "message"}
        role = text_or_none(value.get("role")) or ("system" if kind == "error" else "assistant")
        parts = blocks(value.get(names[kind]))
        meta = "notification" if kind == "error" else None
        yield from self._message(line, id, role, parts, value, meta=meta)
        used = value.get("usage")
        if isinstance(used, dict):
            counts = {
                "input_tokens": used.get("input_tokens"),
                "output_tokens": used.get("output_tokens"),
                "cache_read_tokens": used.get("cache_read_input_tokens"),
                "cache_write_tokens": used.get("cache_creation_input_tokens"),
            }
            time = read_time(value.get("timestamp"))
            yield from usage(line, self.talk.session, id, counts, time)

    def _call(self, line: int, id: str, value: dict[str, Json]) -> Iterator[Item]:
        parts = Parts()
        call = text_or_none(value.get("toolCallId")) or id
        name = text_or_none(value.get("toolName")) or value.get("toolId")
        parts.call(call, name, value.get("parameters"))
        yield from self._message(line, id, "assistant", parts, value)

    def _result(self, line: int, id: str, value: dict[str, Json]) -> Iterator[Item]:
        call = text_or_none(value.get("toolCallId")) or id
        found, error, code = value.get("value"), value.get("isError"), None
        if isinstance(found, dict):
            code = count_or_none(found.get("exitCode"))
            if isinstance(found.get("stdout"), str):
                found = found["stdout"] + (text_or_none(found.get("stderr")) or "")
        result = Result(
            call,
            text_or_none(value.get("toolName")) or text_or_none(value.get("toolId")),
            output(found),
            error if isinstance(error, bool) else None,
            code,
        )
        time = {"timestamp": read_time(value.get("timestamp"))}
        yield self.talk.result(line, f"{id}:output" if id == call else id, result, time)


def _is_reminder(text: Json) -> bool:
    begins, ends = _REMINDER
    return isinstance(text, str) and text.strip().startswith(begins) and text.strip().endswith(ends)
