"""What the user typed while the agent was busy, which Claude Code writes as queue operations.

A prompt is put in the queue ("enqueue" with its text). Then it either leaves the queue as a turn of
its own ("dequeue": an ordinary user line follows), or handed to the agent in the middle of its
turn ("remove"): then no user line repeats it, and the text is only here, or, in newer versions,
also in an attachment.
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
    """A prompt that waits: the line that put it there, and that line's fingerprint."""

    value: dict[str, Json]
    id: str


@dataclass(slots=True)
class PromptQueue:
    """The prompts of one file that wait."""

    _waiting: deque[Queued] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _taken: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def operation(self, line: int, value: dict[str, Json], raw: bytes | None) -> Queued | None:
        """Follow one operation; give the prompt that no other line will repeat."""
        name = value.get("operation")
        if name == "enqueue":
            id = f"line-{line}" if raw is None else fingerprint(raw)
            self._waiting.append(Queued(value, id))
        elif name == "popAll":
            self._waiting.clear()  # back in the user's hands: what is sent comes again
        elif name in ("dequeue", "remove") and self._waiting:
            queued = self._waiting.popleft()
            text = text_or_none(queued.value.get("content"))
            # a command is written as lines of its own wherever it was typed
            if name == "remove" and text is not None and not text.startswith("/"):
                self._taken.append(text)
                return queued
        return None

    def repeats(self, prompt: Json) -> bool:
        """Return whether an attached prompt was given out by `operation` before."""
        if prompt in self._taken:
            self._taken.remove(prompt)
            return True
        return False
