"""Prompts that were typed while the agent was busy; Claude Code writes them as queue operations.

A prompt is put in the queue ("enqueue" with its text). Then it either becomes a turn of its own
(an ordinary user line, or several prompts in one), is given to the agent in the middle of its turn
(in newer versions as an attachment; older ones write its text nowhere else), or goes back to the
user, who edits it ("popAll"). Notices of tasks in the background go through the same queue. The
operations that take a prompt out of it do not name it, and often none is written.

So the text of the queue is a message at its own time. When a later line repeats it, the message of
that line replaces it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.importers.claude_code.meta import first_text

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

_REMEMBERED = 1024
_COMMAND_NAME = "<command-name>"


@dataclass(frozen=True, slots=True)
class Queued:
    """A prompt in the queue: number of its line, its session, its id and its text."""

    line: int
    session: str
    id: str
    text: str


@dataclass(slots=True)
class PromptQueue:
    """The prompts of one file that no later line has repeated."""

    _waiting: list[Queued] = field(default_factory=list)

    def put(self, line: int, session: str, id: str, content: Json) -> None:
        """Put a prompt into the queue."""
        if any(queued.id == id for queued in self._waiting):
            return  # the line is written twice
        if len(self._waiting) >= _REMEMBERED:
            del self._waiting[0]
        self._waiting.append(Queued(line, session, id, _whole_text(content)))

    def pop_all(self) -> list[Queued]:
        """Return the prompts that the user withdrew to edit them."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def repeated(self, content: Json) -> list[Queued]:
        """Return the prompts that a line with this content repeats, and remove them."""
        if not self._waiting:
            return []
        text = _whole_text(content)
        for queued in self._waiting:
            if queued.text == text:
                self._waiting.remove(queued)
                return [queued]
        # several prompts become one line, or a command its own lines
        around = f"\n{text}\n"
        found = [
            queued
            for queued in self._waiting
            if f"\n{queued.text}\n" in around or _is_command(queued.text, text)
        ]
        self._waiting = [queued for queued in self._waiting if queued not in found]
        return found


def _is_command(text: str, line: str) -> bool:
    """Return whether a line is that of a command that was typed, such as "/compact now"."""
    return text.startswith("/") and f"{_COMMAND_NAME}{text.split(maxsplit=1)[0]}<" in line


def _whole_text(content: Json) -> str:
    if isinstance(content, str):
        return content.strip()
    if not isinstance(content, list):
        return first_text(content)
    texts = (part.get("text") if isinstance(part, dict) else part for part in content)
    return "\n".join(text for text in texts if isinstance(text, str)).strip()
