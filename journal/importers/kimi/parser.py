"""The sessions of Kimi Code: `~/.kimi-code/sessions/<folder>/<session>/agents/<agent>/wire.jsonl`.

A line is an entry of the agent's context, or an event of its loop: each part of an answer, each
call and each result is a line of its own, and becomes a message of its own. `state.json` in the
session's folder has its title and working directory. Agents other than `main` are sub-agents.

What an API call used is at the end of its step, and again in a `usage.record`; records of calls
outside of the loop have no step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.importers.parsing.conversation import Conversation, OneSession
from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.parts import Parts, Result, blocks, output
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.usage import usage
from journal.importers.parsing.values import count_or_none, fingerprint, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.source_time import SourceTime
    from journal.importers.parsing.values import Json

SOURCE = "kimi"
_MAIN = "main"
_COUNTS = {
    "input_tokens": "inputOther",
    "output_tokens": "output",
    "cache_read_tokens": "inputCacheRead",
    "cache_write_tokens": "inputCacheCreation",
}


@dataclass(slots=True)
class Kimi(OneSession):
    """The parser of the file of one agent.

    Attributes:
        location: the file.
    """

    _model: str | None = None  # the model of the latest request
    _used: Json = None  # what the latest step used

    def __post_init__(self) -> None:
        self._talk = Conversation(self.location.name, SOURCE)

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:
        """Handle one line."""
        if not isinstance(value, dict):
            yield Skipped(line, "JSON, but no object")
            return
        kind = text_or_none(value.get("type")) or "no type"
        id = f"line-{line}" if raw is None else fingerprint(raw)
        time = read_time(value.get("time"))
        message, event = value.get("message"), value.get("event")
        if kind == "metadata":
            yield from self._begin(line, value)
        elif kind == "context.append_message" and isinstance(message, dict):
            yield from self._message(line, id, message, time)
        elif kind == "context.append_loop_event" and isinstance(event, dict):
            yield from self._event(line, id, event, time)
        elif kind == "context.apply_compaction" and text_or_none(value.get("summary")) is not None:
            parts = Parts()
            parts.text(value.get("summary"))
            fields = {"timestamp": time, "meta": "summary"}
            yield from self._talk.message(line, id, "system", parts, fields)
        elif kind == "usage.record" and value.get("usage") != self._used:
            model = text_or_none(value.get("model"))
            yield from self._usage(line, id, value.get("usage"), time, model)
        elif kind == "config.update" and (model := text_or_none(value.get("modelAlias"))):
            yield from self._talk.model(line, model)
        else:
            self._model = text_or_none(value.get("model")) or self._model
            yield Skipped(line, f"{kind} line")

    def _begin(self, line: int, value: dict[str, Json]) -> Iterator[Item]:
        """Yield the session, from the place of its file and from the state beside it."""
        agent, parent = None, None
        folders = self.location.folders
        wire = self.location.stem == "wire"
        if wire and len(folders) > 2 and folders[1] == "agents":  # noqa: PLR2004 - agent, agents, session
            agent, session = folders[0], folders[2]
            parent = None if agent == _MAIN else session
            self._talk.session = session if parent is None else f"{session}:{agent}"
        state = self.location.beside("../../state.json") if agent is not None else None
        state = state if isinstance(state, dict) else {}
        yield self._talk.created(
            line,
            title=None if parent else text_or_none(state.get("title")),
            cwd=text_or_none(state.get("workDir")),
            started=read_time(value.get("created_at")),
            parent=parent,
            relation=None if parent is None else "subagent",
        )

    def _message(
        self, line: int, id: str, message: dict[str, Json], time: SourceTime
    ) -> Iterator[Item]:
        role = text_or_none(message.get("role")) or "unknown"
        parts = blocks(message.get("content"))
        for call in message.get("toolCalls") or ():
            if isinstance(call, dict):
                parts.call(call.get("id"), call.get("name"), call.get("arguments"))
        origin = message.get("origin")
        origin = origin if isinstance(origin, dict) else {}
        kind = origin.get("kind")
        meta = None
        if role == "user" and kind not in (None, "user"):
            meta = "task" if origin.get("name") == "subagent" else "notification"
        if parts.is_empty and not parts.results:
            yield Skipped(line, f"{role} message without content")
        fields = {"timestamp": time, "meta": meta}
        yield from self._talk.message(line, id, role, parts, fields)

    def _event(
        self, line: int, id: str, event: dict[str, Json], time: SourceTime
    ) -> Iterator[Item]:
        kind = text_or_none(event.get("type")) or "no type"
        own = text_or_none(event.get("uuid"))
        fields = {"timestamp": time, "model": self._model}
        part, found = event.get("part"), event.get("result")
        if kind == "content.part":
            parts = blocks(part)
            yield from self._talk.message(line, own or id, "assistant", parts, fields)
        elif kind == "tool.call":
            parts = Parts()
            call = text_or_none(event.get("toolCallId")) or own
            parts.call(call, event.get("name"), event.get("args"))
            yield from self._talk.message(line, own or id, "assistant", parts, fields)
        elif kind == "tool.result":
            call = text_or_none(event.get("toolCallId"))
            body = found if isinstance(found, dict) else {"output": found}
            error, code = body.get("isError"), count_or_none(body.get("exitCode"))
            flag = error if isinstance(error, bool) else None
            result = Result(call, None, output(body.get("output")), flag, code)
            at = f"{call}:output" if call is not None else id
            yield self._talk.result(line, at, result, {"timestamp": time})
        elif kind == "step.end":
            self._used = event.get("usage")
            yield from self._usage(line, own or id, self._used, time, self._model)
        else:
            yield Skipped(line, f"{kind} event")

    def _usage(
        self, line: int, call: str, used: Json, time: SourceTime, model: str | None
    ) -> Iterator[Item]:
        if isinstance(used, dict):
            counts = {name: used.get(source) for name, source in _COUNTS.items()}
            yield from usage(line, self._talk.session, call, counts, time, model=model)
