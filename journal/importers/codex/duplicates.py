"""Texts that a Codex rollout holds twice, imported once.

Each text is written as a `response_item` and as an `event_msg`, one a line or two before or after
the other. The item is imported. The event is imported only if no item with its text comes
within a few lines: then nothing else holds it. At the end of a file that may still grow the
item may be yet to come, so the event waits, and is named as skipped; at the head of a piece
that does not begin with the session's meta the item may be in the piece before.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from journal.importers.parsing.parser import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Found, Item
    from journal.importers.parsing.values import Json

NEAR = 16
"""Lines between the two; in the rollouts seen they are neighbours."""


@dataclass(frozen=True, slots=True)
class _Copy:
    line: int
    kind: str
    text: str
    found: Found


@dataclass(slots=True)
class DuplicateTexts:
    """The texts of the last few lines."""

    _item_texts: deque[tuple[int, set[str]]] = field(default_factory=deque)
    _waiting: list[_Copy] = field(default_factory=list)

    def item(self, line: int, texts: set[str]) -> Iterator[Item]:
        """Take the texts of an item; it settles a copy that waits for it."""
        for copy in self._waiting:
            if copy.text in texts:
                self._waiting.remove(copy)
                yield Skipped(line, _repeats(copy.kind))
                return  # an item settles one copy
        if texts:
            self._item_texts.append((line, texts))

    def repeated(
        self, line: int, kind: str, text: str, found: Found, *, begins: bool
    ) -> Iterator[Item]:
        """Take an event's text, and what it would be imported as.

        Args:
            line: number of the line.
            kind: the event's type.
            text: its text.
            found: the message to import if no item holds the text.
            begins: whether the file begins with the session's meta.
        """
        text = text.strip()
        for known in self._item_texts:
            if text in known[1]:
                self._item_texts.remove(known)
                yield Skipped(line, _repeats(kind))
                return
        if not begins and line <= NEAR:
            yield Skipped(line, f"event_msg/{kind} whose item may be in the piece before")
            return
        self._waiting.append(_Copy(line, kind, text, found))

    def waiting(self, kind: str) -> list[int]:
        """Return the numbers of the lines whose texts wait, of one kind of event."""
        return [copy.line for copy in self._waiting if copy.kind == kind]

    def overdue(self, line: int) -> Iterator[Found]:
        """Import the texts that no item repeated in time."""
        while self._item_texts and self._item_texts[0][0] < line - NEAR:
            self._item_texts.popleft()
        while self._waiting and self._waiting[0].line < line - NEAR:
            copy = self._waiting.pop(0)
            yield replace(copy.found, line=line, origin=copy.line)

    def end(self) -> Iterator[Item]:
        """Yield the texts that still wait, as skipped."""
        for copy in self._waiting:
            yield Skipped(
                copy.line, f"event_msg/{copy.kind} at the end of the file: its item may follow"
            )
        self._waiting.clear()


def texts_of(payload: dict[str, Json]) -> set[str]:
    """Return the texts under which an item may be repeated: its parts, and all of them."""
    texts: list[str] = []
    for name in ("content", "summary"):
        parts = payload.get(name)
        if isinstance(parts, str):
            texts.append(parts)
        elif isinstance(parts, list):
            texts.extend(
                part["text"]
                for part in parts
                if isinstance(part, dict) and isinstance(part.get("text"), str)
            )
    stripped = {text.strip() for text in texts}
    if len(texts) > 1:
        stripped.add("\n".join(texts).strip())
    return stripped - {""}


def _repeats(kind: str) -> str:
    return f"event_msg/{kind} that repeats its item"
