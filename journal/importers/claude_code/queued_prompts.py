"""Prompts that were typed while the agent was busy; Claude Code writes them as queue operations.

A prompt is put in the queue ("enqueue" with its text). Then it either becomes a turn of its own
("dequeue": an ordinary user line follows), or is given to the agent in the middle of its turn
("remove"): then no user line repeats it, and the text is only in the queue operation or, in newer
versions, also in an attachment.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.importers.parsing.values import fingerprint, text_or_none

if TYPE_CHECKING:
    from journal.importers.parsing.values import Json

_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Queued:
    """A prompt in the queue: its line, and that line's fingerprint."""

    value: dict[str, Json]
    id: str


@dataclass(slots=True)
class PromptQueue:
    """The prompts of one file that are in the queue."""

    _waiting: deque[Queued] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _taken: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def operation(self, line: int, value: dict[str, Json], raw: bytes | None) -> Queued | None:
        """Apply one operation; return the prompt if no other line will repeat it."""
        name = value.get("operation")
        if name == "enqueue":
            id = f"line-{line}" if raw is None else fingerprint(raw)
            self._waiting.append(Queued(value, id))
        elif name == "popAll":
            self._waiting.clear()  # the user edits it again: the text that is sent is another line
        elif name in ("dequeue", "remove") and self._waiting:
            queued = self._waiting.popleft()
            text = text_or_none(queued.value.get("content"))
            # a command is written as its own lines, wherever it was typed
            if name == "remove" and text is not None and not text.startswith("/"):
                self._taken.append(text)
                return queued
        return None

    def repeats(self, prompt: Json) -> bool:
        """Return whether `operation` has already returned an attached prompt."""
        if prompt in self._taken:
            self._taken.remove(prompt)
            return True
        return False
