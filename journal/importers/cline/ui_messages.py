"""The conversation of a task of which only `ui_messages.json` is left.

An entry of the user interface has a kind, under `say` or `ask`, a time, and a text, which for tools
and questions is JSON. It has no id but its time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from journal.importers.parsing.parser import Found, Skipped
from journal.importers.parsing.parts import Parts, Result
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.values import object_of, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from journal.importers.parsing.conversation import Conversation
    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json

_PEOPLE = frozenset(("task", "user_feedback", "user_feedback_diff"))
_ANSWERS = frozenset(("text", "completion_result", "followup", "plan_mode_respond"))
_PROBLEMS = frozenset(("error", "api_req_failed", "diff_error"))
_COMMAND = "command"
_CALLS = {"tool": "tool", "use_mcp_server": "toolName", "browser_action": "action"}
"""Kinds of entries that call a tool, and the key of its name in their JSON."""
_RESULTS = frozenset(("command_output", "mcp_server_response", "browser_action_result"))
_QUESTIONS = ("question", "response")
_REQUEST = "api_req_started"


@dataclass(slots=True)
class UiMessages:
    """The entries of one task.

    Attributes:
        talk: its session.
    """

    talk: Conversation
    _call: str | None = None  # id of the latest call

    def items(self, number: int, entry: Json) -> Iterator[Item]:
        """Yield the message of an entry, by its number from 1; the program may rewrite it."""
        for item in self._items(number, entry if isinstance(entry, dict) else {}):
            yield replace(item, revisable=True) if isinstance(item, Found) else item

    def _items(self, number: int, entry: dict[str, Json]) -> Iterator[Item]:
        kind = _kind(entry)
        if kind == _REQUEST:
            return  # what it used is read with the task
        text, id = text_or_none(entry.get("text")), f"ui-{entry.get('ts', number)}"
        shared = {"timestamp": read_time(entry.get("ts"))}
        if entry.get("partial") is True:
            yield Skipped(number, "entry of the user interface, unfinished")
        elif kind in _RESULTS and text is not None:
            yield self.talk.result(number, id, Result(self._call, None, text), shared)
        elif (role := _role(kind)) is not None:
            parts = self._parts(kind, id, text, entry)
            if parts.is_empty:
                yield Skipped(number, f"{kind} entry without a text")
            yield from self.talk.message(number, id, role, parts, shared)
        else:
            yield Skipped(number, f"{kind} entry of the user interface")

    def _parts(self, kind: str, id: str, text: str | None, entry: dict[str, Json]) -> Parts:
        parts = Parts()
        about = _object(text)
        if kind == "reasoning":
            parts.think(text or entry.get("reasoning"))
        elif kind == _COMMAND and text is not None:
            self._call = id
            parts.call(id, "execute_command", {"command": text})
        elif kind in _CALLS and about:
            self._call = id
            parts.call(id, about.pop(_CALLS[kind], None), about)
        elif kind in _ANSWERS and (asked := _question(about)) is not None:
            parts.text(asked)
        else:
            parts.text(text)
        images, files = entry.get("images"), entry.get("files")
        for image in images if isinstance(images, list) else ():
            parts.content.append({"type": "image", "url": image})
        for file in files if isinstance(files, list) else ():
            parts.content.append({"type": "file", "name": file})
        return parts


def is_answered(entries: Iterable[dict[str, Json]]) -> bool:
    """Return whether a task has an answer: its program has written the conversation before that."""
    return any(_role(_kind(entry)) not in (None, "user") for entry in entries)


def _kind(entry: dict[str, Json]) -> str:
    return text_or_none(entry.get("say")) or text_or_none(entry.get("ask")) or "no kind"


def _role(kind: str) -> str | None:
    if kind in _PEOPLE:
        return "user"
    if kind in _PROBLEMS:
        return "system"
    answers = kind in _ANSWERS or kind in _CALLS or kind in (_COMMAND, "reasoning")
    return "assistant" if answers else None


def _question(about: dict[str, Json]) -> str | None:
    """Return a question with the answers that it offers; None if it is none."""
    asked = next((text for name in _QUESTIONS if (text := text_or_none(about.get(name)))), None)
    options = about.get("options")
    offered = [f"- {option}" for option in options] if isinstance(options, list) else []
    return None if asked is None else "\n".join((asked, *offered))


def _object(text: str | None) -> dict[str, Json]:
    """Return the JSON object of a text; an empty one if it is none."""
    if text is None or not text.startswith("{"):
        return {}
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return object_of(value)
