"""The tasks of Cline, Roo Code and Kilo Code: a folder each, `tasks/<task>/`.

`api_conversation_history.json` is the conversation. `ui_messages.json` beside it has the times (see
`times`) and what the API calls used; `history_item.json` there, or `state/taskHistory.json` beside
the tasks, has the title and the working directory. Cline's command line writes
`sessions/<session>/<session>.messages.json`, whose messages have times and figures of their own,
and `<session>.json` about the session. A task without the conversation is read from
`ui_messages.json` (see `ui_messages`).

A message has no id but its place, and a person may go back and write another one there: its content
belongs to its id, so that neither replaces the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from journal.importers.cline.times import Interface, interface
from journal.importers.cline.ui_messages import UiMessages, is_answered
from journal.importers.parsing.conversation import Conversation
from journal.importers.parsing.parser import SessionStart, Skipped
from journal.importers.parsing.parts import Parts, blocks
from journal.importers.parsing.source_time import SourceTime, micros, read_time
from journal.importers.parsing.usage import usage
from journal.importers.parsing.values import fingerprint, non_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item, Location
    from journal.importers.parsing.values import Json

HISTORY = "api_conversation_history.json"
_TASK = ("<task>", "</task>")
_ENVIRONMENT = "<environment_details>"
_SOURCES = {"roo": "roo-code", "kilo": "kilo-code"}
_COUNTS = {
    "input_tokens": "inputTokens",
    "output_tokens": "outputTokens",
    "cache_read_tokens": "cacheReadTokens",
    "cache_write_tokens": "cacheWriteTokens",
}


@dataclass(slots=True)
class Cline:
    """The parser of one conversation.

    Attributes:
        location: the file.
    """

    location: Location
    _talk: Conversation = field(init=False)
    _interface: Interface = field(init=False)
    _entries: UiMessages | None = None  # of a task without a conversation
    _why: str | None = None  # the user interface is not read as a conversation

    def __post_init__(self) -> None:
        folders = self.location.folders
        task = folders[0] if len(folders) > 1 and folders[1] == "tasks" else self.location.name
        above = folders[2].lower() if len(folders) > 2 else ""  # noqa: PLR2004 - task, tasks, program
        names = (name for part, name in _SOURCES.items() if part in above)
        self._talk = Conversation(task, next(names, "cline"))
        self._interface = interface(self.location.beside("ui_messages.json"))
        if self.location.stem == "ui_messages":
            self._entries = UiMessages(self._talk)
            if HISTORY in self.location.listed("."):
                self._why = "user interface, read with the conversation beside it"
            elif not is_answered(self._interface.entries):
                self._why = "user interface without an answer: the rest may follow"

    def task(self) -> Iterator[Item]:
        """Yield the session of a task's folder, and what its calls used."""
        if self._why is not None:
            yield Skipped(1, self._why)
            return
        about = self.location.beside("history_item.json")
        if not isinstance(about, dict):
            about = self._listed(self.location.beside("../../state/taskHistory.json"))
        started = micros(self._talk.session) if self._talk.session.isdigit() else None
        model = text_or_none(about.get("modelId"))
        folders = (about.get("cwdOnTaskInitialization"), about.get("workspace"))
        yield self._talk.created(
            1,
            title=text_or_none(about.get("task")),
            cwd=next(filter(None, map(text_or_none, folders)), None),
            model=model,
            started=SourceTime(started),
        )
        if started is None and self.location.modified is not None:
            yield SessionStart(1, self._talk.session, self.location.modified)
        yield from self._interface.usage(self._talk.session, model)

    def session(self, value: dict[str, Json]) -> Iterator[Item]:
        """Yield the session of the command line, from the fields beside its messages."""
        session = text_or_none(value.get("sessionId"))
        if session is not None:
            self._talk.session = session
        about = self.location.beside(f"{self._talk.session}.json")
        about = about if isinstance(about, dict) else {}
        named = about.get("metadata")
        named = named if isinstance(named, dict) else {}
        yield self._talk.created(
            1,
            title=text_or_none(named.get("title")),
            cwd=text_or_none(about.get("cwd")),
            model=text_or_none(about.get("model")),
            started=read_time(about.get("created_at") or about.get("started_at")),
            extra=non_empty({"agent": value.get("agent")}),
        )

    def message(self, number: int, value: Json) -> Iterator[Item]:
        """Yield a message, by its number from 1."""
        if self._entries is not None:
            yield from self._entries.items(number, value) if self._why is None else ()
            return
        role = text_or_none(value.get("role")) if isinstance(value, dict) else None
        if role is None:
            yield Skipped(number, "no message: it has no role")
            return
        parts = _plainer(blocks(value.get("content")), role)
        if parts.is_empty and not parts.results:
            yield Skipped(number, f"{role} message without content")
        raw = orjson.dumps([role, value.get("content")], option=orjson.OPT_SORT_KEYS)
        id = text_or_none(value.get("id")) or f"{number - 1}-{fingerprint(raw)[:12]}"
        time = read_time(value.get("ts"))
        extra: dict[str, Json] = {}
        if time.micros is None and (guess := self._interface.time(number - 1)) is not None:
            time, extra = SourceTime(guess), {"estimated_time": True}
        about = value.get("modelInfo")
        about = about if isinstance(about, dict) else {}
        model = text_or_none(about.get("id")) or text_or_none(about.get("modelId"))
        meta = "summary" if value.get("isSummary") else None
        fields = {"timestamp": time, "model": model, "meta": meta, "extra": extra or None}
        yield from self._talk.message(number, id, role, parts, fields)
        used = value.get("metrics")
        if isinstance(used, dict):
            nested = used.get("tokens")
            cost = used.get("cost")
            counts = {name: used.get(source) for name, source in _COUNTS.items()}
            if isinstance(nested, dict):
                counts |= {"input_tokens": nested.get("prompt")}
                counts |= {"output_tokens": nested.get("completion")}
            session = self._talk.session
            yield from usage(number, session, id, counts, time, model=model, cost=cost)

    def _listed(self, tasks: Json) -> dict[str, Json]:
        for entry in tasks if isinstance(tasks, list) else []:
            if isinstance(entry, dict) and entry.get("id") == self._talk.session:
                return entry
        return {}


def _plainer(parts: Parts, role: str) -> Parts:
    """Take the program's marks off what a person wrote, and mark what the program added."""
    if role != "user":
        return parts
    opens, closes = _TASK
    for at, part in enumerate(parts.content):
        text = part.get("text")
        if not isinstance(text, str):
            continue
        bare = text.strip()
        if bare.startswith(opens) and bare.endswith(closes):
            parts.content[at] = {**part, "text": bare[len(opens) : -len(closes)].strip("\n")}
        elif bare.startswith(_ENVIRONMENT):
            parts.content[at] = {**part, "meta": "environment"}
    return parts
