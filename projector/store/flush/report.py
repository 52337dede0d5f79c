"""What a flush did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that no record can hold; a placeholder is stored.

    Attributes:
        index: its place in the caller's list.
        id: its id.
        reason: why it cannot be stored as it is.
    """

    index: int
    id: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class FlushReport(Sequence[str]):
    """What a flush did with each message of the list; ids are in the order of the list.

    Each message of the list is in exactly one of `added`, `restored`, `revised`, `kept` and
    `forgotten`. As a sequence it is the ids that came into the transcript: those added and those
    restored.

    Attributes:
        ids: the id of every message of the list.
        added: those that are new.
        restored: those that were out of the transcript and are in it again.
        revised: those that were in the transcript and have other words now.
        kept: those that were in the transcript and are unchanged.
        moved: messages whose place was changed, of the list or behind a message of the list.
        hidden: messages behind the last match that the list lacks; they are archived.
        refused: those that no record can hold, when their placeholders were stored.
        forgotten: those that a request to forget names; they are not written.
    """

    ids: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    revised: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    forgotten: tuple[str, ...] = ()

    @property
    def _came(self) -> list[str]:
        came = {*self.added, *self.restored}
        return [id for id in self.ids if id in came]

    def __len__(self) -> int:
        return len(self.added) + len(self.restored)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        return self._came[index]

    def __eq__(self, other: object) -> bool:
        """Compare with another report, or with a list of ids."""
        if isinstance(other, FlushReport):
            return self._all == other._all
        if isinstance(other, list | tuple):
            return self._came == list(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._all)

    @property
    def _all(self) -> tuple[tuple[object, ...], ...]:
        return (
            *(self.ids, self.added, self.restored, self.revised),
            *(self.kept, self.moved, self.hidden, self.refused, self.forgotten),
        )
