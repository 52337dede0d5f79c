"""The prompts that the user of Claude Code retracted with /rewind.

The lines of a session are a tree by `parentUuid`. After a rewind the next prompt has a parent
further up, and the earlier lines after that parent are a branch that was abandoned.

Branches arise in other ways, too: results of parallel calls, several lines of one answer, hooks, a
compaction, and the lines of a local command such as /exit. So a branch counts as retracted only if
it begins with a prompt, another prompt of the same session begins at the same point, and, if either
is a command, an answer follows it. Sub-agents are no part of the tree.

A rewind to the first prompt is not noticed, and what it retracts stays in the transcript: the new
prompt has no parent, and so has the first prompt of a session that is continued after its hooks
ran again, or of a program that writes no parents. The file does not distinguish these.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.importers.claude_code.agent import agent_of
from journal.importers.parsing.values import text_or_none

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

_INJECTED = (
    "<task-notification",
    "<teammate-message",
    "<system-reminder",
    "<bash-",
    "<local-command-",
    "[Request interrupted",
    "Caveat: The messages below",
)
"""The beginnings of texts that Claude Code itself writes with the role "user"."""
_COMMAND = "<command-"
_HEAD = 64
"""Characters of a prompt that are examined to classify it."""


@dataclass(slots=True)
class _Prompt:
    """A prompt: its session and its uuid."""

    session: Json
    uuid: str


@dataclass(slots=True)
class Rewinds:
    """The tree of one file, as far as it was read.

    Attributes:
        _lines: the number of each line by its uuid.
        _points: the message to which each line is attached: itself, or an ancestor.
        _children: the lines below each line that are not retracted.
        _prompts: the latest prompt that is attached to each message.
        _commands: commands without an answer so far: the message to which each is attached.
    """

    _lines: dict[str, int] = field(default_factory=dict)
    _points: dict[str, str] = field(default_factory=dict)
    _children: dict[str, list[str]] = field(default_factory=dict)
    _prompts: dict[str, _Prompt] = field(default_factory=dict)
    _commands: dict[str, tuple[str, Json]] = field(default_factory=dict)

    def take(self, line: int, value: dict[str, Json]) -> list[int]:
        """Handle the next line; return the numbers of the lines that it retracts, in order."""
        uuid = text_or_none(value.get("uuid"))
        if uuid is None or uuid in self._lines or value.get("isSidechain") or agent_of(value):
            return []
        above = text_or_none(value.get("parentUuid"))
        self._lines[uuid] = line
        root = above or text_or_none(value.get("logicalParentUuid")) or ""
        self._children.setdefault(root, []).append(uuid)
        point = self._points.get(above) if above is not None else None
        kind = _kind(value)
        self._points[uuid] = uuid if kind is not None or point is None else point
        if point is None or kind is None:
            return []
        session = value.get("sessionId")
        if kind == "prompt":
            return self._begin(point, uuid, session)
        if kind == "command":
            self._commands[uuid] = (point, session)
        elif kind == "answer" and point in self._commands:
            at, asked = self._commands.pop(point)
            return self._begin(at, point, asked)
        return []

    def _begin(self, point: str, uuid: str, session: Json) -> list[int]:
        """Begin a branch at a point; an earlier branch of a prompt at that point is abandoned."""
        before = self._prompts.get(point)
        if before is not None and before.session != session:
            return []  # another session continues from here, and retracts nothing
        self._prompts[point] = _Prompt(session, uuid)
        if before is None or before.uuid == uuid:
            return []
        return self._branch(before.uuid)

    def _branch(self, root: str) -> list[int]:
        """Return the lines of a branch, and remove it."""
        lines: list[int] = []
        waiting = [root]
        while waiting:
            uuid = waiting.pop()
            if (line := self._lines.get(uuid)) is not None:
                lines.append(line)
            waiting.extend(self._children.pop(uuid, ()))
        return sorted(lines)


def _kind(value: dict[str, Json]) -> str | None:
    """Return the kind of a line: "prompt", "command", "answer", "result" or None."""
    kind, body = value.get("type"), value.get("message")
    if not isinstance(body, dict):
        return None
    if kind == "assistant":
        # a text of Claude Code itself, such as at a resume after /exit, answers nothing
        return "result" if body.get("model") == "<synthetic>" else "answer"
    return _kind_of_user(value, body.get("content")) if kind == "user" else None


def _kind_of_user(value: dict[str, Json], content: Json) -> str | None:
    parts = content if isinstance(content, list) else [content]
    if any(isinstance(part, dict) and part.get("type") == "tool_result" for part in parts):
        return "result"
    if value.get("isMeta") or value.get("isCompactSummary"):
        return None
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    head = next((text[:_HEAD].lstrip() for text in texts if isinstance(text, str)), "")
    if head.startswith(_INJECTED):
        return None
    return "command" if head.startswith(_COMMAND) else "prompt"
