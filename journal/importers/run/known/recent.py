"""The latest events of this import: a snapshot of a session repeats lines of the one before."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from journal.format.event_types import MESSAGE_APPENDED

if TYPE_CHECKING:
    from collections.abc import Sequence

_RECENT = 1 << 15
"""Events that are remembered."""
_NO_LINE = 4096
"""The size that counts for items of no line, in bytes."""


@dataclass(slots=True)
class Recent:
    """Events that were appended: each with the line that it is from, or with its content."""

    _marks: set[int] = field(default_factory=set)
    _order: deque[int] = field(default_factory=deque)

    def has(self, session: str, id: str, type: str, line: int | None) -> bool:
        """Return whether the same event from the same line is remembered; remember it.

        Args:
            session: its session.
            id: its id.
            type: its type.
            line: a hash of its line; None if it is from no line of a file.
        """
        if type != MESSAGE_APPENDED:
            line = 0  # its id is a hash of its content
        elif line is None:
            return False
        return self.has_mark(hash((session, id, line)))

    def has_mark(self, mark: int) -> bool:
        """Return whether an event is remembered by its mark; remember it."""
        if mark in self._marks:
            return True
        self._marks.add(mark)
        self._order.append(mark)
        if len(self._order) > _RECENT:
            self._marks.discard(self._order.popleft())
        return False

    def add_new(self, marks: Sequence[int]) -> bool:
        """Remember events by their marks; return whether all are new, and remember none if not."""
        own = set(marks)
        if len(own) < len(marks) or not self._marks.isdisjoint(own):
            return False
        self._marks |= own
        self._order.extend(marks)
        for _ in range(len(self._order) - _RECENT):
            self._marks.discard(self._order.popleft())
        return True

    def forget(self) -> None:
        """Forget all events."""
        self._marks.clear()
        self._order.clear()


def size_of(raw: bytes | None) -> int:
    """Return the size of a line, about, also of what is no line of a file."""
    return _NO_LINE if raw is None else len(raw)


def mark_of(raw: bytes | None) -> tuple[int, int | None]:
    """Return the size of a line, about, and a hash of it; None if it is no line of a file."""
    # Python's own hash has another seed in the process that reads ahead
    # most processors have instructions for this one
    mark = None if raw is None else int.from_bytes(sha256(raw).digest()[:8])
    return size_of(raw), mark
