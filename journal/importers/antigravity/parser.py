"""Antigravity's `brain/<session>/.system_generated/logs/transcript.jsonl`.

A line is a step: a request, a response of the planner with its calls, or the output of a tool,
whose name is the kind of the step. A request is wrapped in tags, beside what the program adds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.importers.parsing.conversation import Conversation, OneSession
from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.parts import Parts, Result
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.values import fingerprint, non_empty, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json

SOURCE = "antigravity"
_LOGS = ("logs", ".system_generated")
_REQUEST = re.compile(r"</?USER_REQUEST>")
_ADDED = ("ADDITIONAL_METADATA", "USER_SETTINGS_CHANGE")
_SAYS = ("PLANNER_RESPONSE", None)
_KEPT = ("truncated_fields", "step_index")


@dataclass(slots=True)
class Antigravity(OneSession):
    """The parser of one transcript.

    Attributes:
        location: the file.
    """

    _began: bool = False

    def __post_init__(self) -> None:
        folders = self.location.folders
        in_brain = folders[:2] == _LOGS and len(folders) > 2  # noqa: PLR2004 - logs, its folder, session
        self._talk = Conversation(folders[2] if in_brain else self.location.name, SOURCE)

    def value(self, line: int, value: Json, raw: bytes | None) -> Iterator[Item]:
        """Handle one line."""
        if not isinstance(value, dict):
            yield Skipped(line, "JSON, but no object")
            return
        if not self._began:
            self._began = True
            yield self._talk.created(line)
        id = f"line-{line}" if raw is None else fingerprint(raw)
        source = text_or_none(value.get("source")) or "no source"
        kind = text_or_none(value.get("type"))
        parts = Parts()
        parts.think(value.get("thinking"))
        content = text_or_none(value.get("content"))
        extra = non_empty({"kind": kind, **{name: value.get(name) for name in _KEPT}})
        fields: dict[str, Json] = {"timestamp": read_time(value.get("created_at")), "extra": extra}
        role = "assistant"
        if source == "USER_EXPLICIT" or kind == "USER_INPUT":
            role = "user"
            _request(parts, content or "")
        elif source == "MODEL" and kind in _SAYS:
            parts.text(content)
            for call in value.get("tool_calls") or ():
                if isinstance(call, dict):
                    parts.call(call.get("id"), call.get("name"), call.get("args"))
        elif source == "MODEL" and content is not None:
            parts.results.append(Result(None, str(kind).lower(), content))
        else:
            role, fields["meta"] = "system", "notification"
            parts.text(content)
        if parts.is_empty and not parts.results:
            yield Skipped(line, f"{source} {kind!s} without content")
        yield from self._talk.message(line, id, role, parts, fields)


def _request(parts: Parts, text: str) -> None:
    """Add what the person wrote, and, marked, what the program added to it."""
    added: list[str] = []
    for name in _ADDED:
        before, opens, rest = text.partition(f"<{name}>")
        inner, closes, after = rest.partition(f"</{name}>")
        if opens and closes:
            text = before + after
            added.append(f"{opens}{inner}{closes}")
    parts.text(_REQUEST.sub("", text).strip())
    for block in added:
        parts.content.append({"type": "text", "text": block, "meta": "environment"})
