"""The turns of a Codex rollout, and those that the user rolled back.

A turn begins with a text of the user. `thread_rolled_back` retracts the last `num_turns` of
them, with everything from there to its own line; codex-rs does the same to the history that it
gives to the model. A text that the program itself writes with the role "user" begins no turn.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.importers.parsing.parser import Retraction, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from journal.importers.parsing.parser import Found, Item
    from journal.importers.parsing.values import Json

_CONTEXT = {
    "# agents.md instructions": "instructions",
    "<environment_context>": "environment",
    "<skill>": "instructions",
    "<subagent_notification>": "notification",
    "<turn_aborted>": "notification",
    "<user_instructions>": "instructions",
    "<user_shell_command>": "command",
}
"""The beginnings of texts that the program itself writes with the role "user", and their `meta`."""
_REASON = "rolled back in Codex"


@dataclass(slots=True)
class Turns:
    """The turns of one rollout, as far as it was read.

    Attributes:
        _begun: numbers of the lines that begin a turn which is not retracted.
        _undone: first and last line of each range that is retracted, latest last.
        _seen: fingerprints of the lines that begin or retract a turn: one that is written twice
            counts once.
    """

    _begun: list[int] = field(default_factory=list)
    _undone: list[tuple[int, int]] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def begin(self, line: int, id: str) -> None:
        """Record that a turn begins, with a line of this fingerprint."""
        if id not in self._seen:
            self._seen.add(id)
            self._begun.append(line)

    def roll_back(self, line: int, id: str, count: Json, waiting: Iterable[int]) -> Item:
        """Retract the last turns.

        Args:
            line: number of the line that retracts them.
            id: its fingerprint.
            count: turns.
            waiting: lines that also begin a turn, unless a later line repeats them.
        """
        if type(count) is not int or count < 1:
            return Skipped(line, "event_msg/thread_rolled_back without a number of turns")
        if id in self._seen:
            return Skipped(line, "event_msg/thread_rolled_back, written twice")
        self._seen.add(id)
        begun = sorted({*self._begun, *waiting})
        if not begun:
            return Skipped(line, "event_msg/thread_rolled_back of turns that are not in this file")
        first = begun[-min(count, len(begun))]
        self._begun = [turn for turn in self._begun if turn < first]
        while self._undone and self._undone[-1][0] >= first:
            self._undone.pop()  # within the range that is being retracted
        self._undone.append((first, line))
        return Retraction(line, range(first, line), _REASON)

    def late(self, found: Found) -> Iterator[Item]:
        """Record a message that is yielded after later lines."""
        for first, last in self._undone:
            if first <= found.origin < last:
                yield Retraction(found.line, (found.origin,), _REASON)
                return
        if found.event["data"].get("role") == "user":
            insort(self._begun, found.origin)


def begins_turn(payload: dict[str, Json]) -> bool:
    """Return whether the user wrote a text, rather than the program itself."""
    content = payload.get("content")
    return isinstance(content, str | list) and not any(_metas(content))


def meta_of(content: Json) -> str | None:
    """Return what a message with the role "user" is, if the program itself wrote all of it."""
    found = _metas(content)
    return found[0] if all(found) and found else None


def _metas(content: Json) -> list[str | None]:
    """Return for each text of a content what it is; None for one that the user wrote."""
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    heads = [text[:64].lstrip().lower() for text in texts if isinstance(text, str)]
    return [
        next((meta for beginning, meta in _CONTEXT.items() if head.startswith(beginning)), None)
        for head in heads
    ]
