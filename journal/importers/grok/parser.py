"""The sessions of Grok Build: `~/.grok/sessions/<folder>/<session>/`.

`chat_history.jsonl` is the conversation as the model got it, without times. `updates.jsonl` is what
the program showed, in pieces and with times; it is read only if there is no `chat_history.jsonl`.
`summary.json` has the title, the folder, the branch, and the session that this one belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.importers.parsing.conversation import Conversation, OneSession
from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.parts import Parts, Result, blocks, output, tool_call
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.values import non_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json

SOURCE = "grok"
_CHUNKS = {
    "user_message_chunk": "user",
    "agent_message_chunk": "assistant",
    "agent_thought_chunk": "assistant",
}


@dataclass(slots=True)
class Grok(OneSession):
    """The parser of one file of a session.

    Attributes:
        location: the file.
    """

    _began: bool = False
    _is_repeated: bool = False  # a file beside this one has the conversation

    def __post_init__(self) -> None:
        self._talk = Conversation(self.location.name, SOURCE)

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:  # noqa: ARG002 - a line has no id, and equal lines are two messages
        """Handle one line."""
        if not isinstance(value, dict):
            yield Skipped(line, "JSON, but no object")
            return
        if not self._began:
            self._began = True
            yield from self._begin(line)
        params = value.get("params")
        update = params.get("update") if isinstance(params, dict) else None
        if isinstance(update, dict):
            yield from self._update(line, value, update)
        else:
            yield from self._entry(line, value)

    def _begin(self, line: int) -> Iterator[Item]:
        about = self.location.beside("summary.json")
        about = about if isinstance(about, dict) else {}
        # the summary counts the messages of the history, if there is one
        self._is_repeated = bool(about.get("num_chat_messages"))
        info = about.get("info")
        info = info if isinstance(info, dict) else {}
        session = text_or_none(info.get("id"))
        if session is not None:
            self._talk.session = session
        titles = (about.get("generated_title"), about.get("session_summary"))
        started = read_time(about.get("created_at"))
        parent = text_or_none(about.get("parent_session_id"))
        kind = text_or_none(about.get("session_kind"))
        yield self._talk.created(
            line,
            title=next(filter(None, map(text_or_none, titles)), None),
            cwd=text_or_none(info.get("cwd")),
            branch=text_or_none(about.get("head_branch")),
            commit=text_or_none(about.get("head_commit")),
            model=text_or_none(about.get("current_model_id")),
            started=started,
            parent=parent,
            relation=None if kind is None and parent is None else "subagent",
            extra=non_empty({"agent": about.get("agent_name")}),
        )

    def _entry(self, line: int, value: dict[str, Json]) -> Iterator[Item]:
        """Yield a line of the history. It has no time and no id but its place."""
        kind = text_or_none(value.get("type")) or "no type"
        id = text_or_none(value.get("id")) or f"line-{line}"
        fields: dict[str, Json] = {"model": text_or_none(value.get("model_id"))}
        if kind in ("system", "user", "assistant"):
            yield from self._said(line, id, kind, value, fields)
        elif kind == "reasoning":
            parts = Parts()
            for part in blocks(value.get("summary")).content:
                parts.think(part.get("text"))
            if parts.is_empty:
                yield Skipped(line, "reasoning, encrypted")
            yield from self._talk.message(line, id, "assistant", parts, fields)
        elif kind == "tool_result":
            call = text_or_none(value.get("tool_call_id"))
            result = Result(call, None, output(value.get("content")))
            yield self._talk.result(line, id, result, {})
        elif kind == "backend_tool_call" and isinstance(value.get("kind"), dict):
            made = value["kind"]
            parts = Parts()
            parts.call(made.get("id"), made.get("tool_type"), made.get("action"))
            yield from self._talk.message(line, id, "assistant", parts, fields)
        else:
            yield Skipped(line, f"{kind} line")

    def _said(
        self, line: int, id: str, kind: str, value: dict[str, Json], fields: dict[str, Json]
    ) -> Iterator[Item]:
        parts = blocks(value.get("content"))
        for call in value.get("tool_calls") or ():
            if isinstance(call, dict):
                arguments = call.get("arguments")
                parts.calls.append(tool_call(call.get("id"), call.get("name"), arguments))
        why = text_or_none(value.get("synthetic_reason"))
        fields["meta"] = "instructions" if kind == "system" else None
        if why is not None:
            fields["meta"], fields["extra"] = "environment", {"reason": why}
        if parts.is_empty and not parts.results:
            yield Skipped(line, f"{kind} line without content")
        yield from self._talk.message(line, id, kind, parts, fields)

    def _update(self, line: int, value: dict[str, Json], update: dict[str, Json]) -> Iterator[Item]:
        """Yield a piece of what the program showed; each is a message."""
        kind = text_or_none(update.get("sessionUpdate")) or "no kind"
        if self._is_repeated:
            yield Skipped(line, "update that is also in chat_history.jsonl")
            return
        role = _CHUNKS.get(kind)
        parts = blocks(update.get("content"))
        if role is None or parts.is_empty:
            yield Skipped(line, f"{kind} update")
            return
        if kind == "agent_thought_chunk":
            parts = Parts(thoughts=[str(part.get("text", "")) for part in parts.content])
        fields = {"timestamp": read_time(value.get("timestamp"))}
        yield from self._talk.message(line, f"line-{line}", role, parts, fields)
