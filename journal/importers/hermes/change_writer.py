"""Appends changes of a Hermes database, as events whose ids are computed from their content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.event_types import MESSAGE_APPENDED
from journal.format.new_event import new_event
from journal.importers.parsing.events import key
from journal.importers.parsing.parser import Duplicate, Found, Repaired, Skipped
from journal.importers.parsing.values import fingerprint

if TYPE_CHECKING:
    from journal.importers.formats import ItemWriter
    from journal.importers.parsing.parser import Item

_BYTES = 1024 * 1024
"""Maximum bytes of messages in one write, except for the last message."""


@dataclass(slots=True)
class ChangeWriter:
    """Appends events, and counts rows that need none.

    Attributes:
        writer: appends the events.
        round: number of imports that found changes.
        first: whether this is the first read of the database: known rows are counted only then.
        written: events that were appended.
    """

    writer: ItemWriter
    round: int
    first: bool
    written: int = 0
    _weight: int = 0

    def fact(
        self, session: str, type: str, data: dict[str, Any], repairs: tuple[str, ...] = ()
    ) -> None:
        """Append an event whose id is a hash of its content: appended twice, it is one event."""
        self._append(session, _id(type, data), type, data, repairs)

    def change(
        self, session: str, type: str, data: dict[str, Any], repairs: tuple[str, ...] = ()
    ) -> None:
        """Append an event that counts again when an equal one was appended earlier."""
        id = _id(type, data)
        self._append(session, f"{id}-{self.round}" if self.round else id, type, data, repairs)

    def message(
        self, session: str, id: str, data: dict[str, Any], repairs: tuple[str, ...], size: int
    ) -> None:
        """Append a message of this number of bytes."""
        self._append(session, id, MESSAGE_APPENDED, data, repairs)
        self._weight += size
        if self._weight > _BYTES:  # it may contain images: the batch must stay small
            self._weight = 0
            self.writer.flush()

    def already(self, session: str) -> None:
        """Count a row that an earlier import appended."""
        if self.first:
            self._take(Duplicate(0, key(session)))

    def skip(self, reason: str) -> None:
        """Count a row that cannot be imported."""
        if self.first:
            self._take(Skipped(0, reason))

    def repair(self, reason: str) -> None:
        """Count a row that is imported with a change."""
        if self.first:
            self._take(Repaired(0, reason))

    def _append(
        self, session: str, id: str, type: str, data: dict[str, Any], repairs: tuple[str, ...]
    ) -> None:
        self.written += 1
        event = new_event(key(session), type, data, id=id)
        self._take(Found(self.written, event, repairs))

    def _take(self, item: Item) -> None:
        self.writer.take(iter((item,)), None)


def _id(type: str, data: dict[str, Any]) -> str:
    return f"{type}:{fingerprint(orjson.dumps(data, option=orjson.OPT_SORT_KEYS))}"
