"""Texts that a Codex rollout has twice are imported once.

Each text is written as a `response_item` and as an `event_msg`, with a line or two between them, in
any order. The item is imported. The event is imported only if no item within a few lines has its
text. At the end of a file that may still grow, the item may follow later, so the event is not
imported yet, and is counted as skipped. At the beginning of a slice without the session's meta, the
item may be in the previous slice.
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
"""Maximum lines between the two; in known rollouts they are neighbours."""


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
        """Record the texts of an item; it matches one copy that waits for it."""
        for copy in self._waiting:
            if copy.text in texts:
                self._waiting.remove(copy)
                yield Skipped(line, _repeats(copy.kind))
                return  # an item matches one copy
        if texts:
            self._item_texts.append((line, texts))

    def repeated(
        self, line: int, kind: str, text: str, found: Found, *, begins: bool
    ) -> Iterator[Item]:
        """Record an event's text, and the message that it would become.

        Args:
            line: number of the line.
            kind: the event's type.
            text: its text.
            found: the message to import if no item has the text.
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
        """Return the line numbers of the events of one kind whose text has no item yet."""
        return [copy.line for copy in self._waiting if copy.kind == kind]

    def overdue(self, line: int) -> Iterator[Found]:
        """Yield the messages for texts that no item repeated in time."""
        while self._item_texts and self._item_texts[0][0] < line - NEAR:
            self._item_texts.popleft()
        while self._waiting and self._waiting[0].line < line - NEAR:
            copy = self._waiting.pop(0)
            yield replace(copy.found, line=line, origin=copy.line)

    def end(self) -> Iterator[Item]:
        """Yield the texts without an item at the end of the file, as skipped."""
        for copy in self._waiting:
            yield Skipped(
                copy.line, f"event_msg/{copy.kind} at the end of the file: its item may follow"
            )
        self._waiting.clear()


def texts_of(payload: dict[str, Json]) -> set[str]:
    """Return the texts by which an item may match: each of its parts, and all of them."""
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
