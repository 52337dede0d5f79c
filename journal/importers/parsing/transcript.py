"""Completes the items of one source: everything that depends on several lines.

A parser gives messages under the source's own ids, in the source's order, and names the lines that
the source retracts. Here they get keys (`reused_ids`) and, if their times do not give it, their
order (`file_order`). Retracted messages are archived: they are not in the transcript, and a search
still finds them; if the source takes them up again, they are restored.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import orjson

from journal.format.event_types import MESSAGE_APPENDED, MESSAGE_ARCHIVED, MESSAGE_RESTORED
from journal.importers.parsing.events import fact, key
from journal.importers.parsing.file_order import FileOrder
from journal.importers.parsing.parser import (
    Duplicate,
    Found,
    Restoration,
    Retraction,
    SessionEnd,
    SessionStart,
    SideFile,
    Skipped,
)
from journal.importers.parsing.reused_ids import ReusedIds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from journal.importers.parsing.parser import Item

_LISTED = 5_000
"""Messages that one event archives, so that records stay small."""


@dataclass(slots=True)
class Transcript:
    """One source, as far as it was read.

    Attributes:
        equal_is_same: as of `Parser`.
        modified: when the source was changed last, in microseconds; None if that is not known.
    """

    equal_is_same: bool
    modified: int | None = None
    _ids: ReusedIds = field(init=False)
    _order: FileOrder = field(init=False)
    _lines: dict[int, list[tuple[str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ids = ReusedIds(self.equal_is_same)
        self._order = FileOrder(self.modified)

    def take(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items of a parser, completed by what follows from the lines before."""
        for item in items:
            yield from self.complete(item)

    def complete(self, item: Item) -> Sequence[Item]:
        """Return the next item of a parser, completed, and those that follow from it."""
        if isinstance(item, Found):
            return self._found(item)
        if isinstance(item, Skipped):  # as are most of the others
            return (item,)
        return [*self._other(item)]

    def _other(self, item: Item) -> Iterator[Item]:
        if isinstance(item, SessionStart):
            self._order.began(key(item.session), item.micros)
        elif isinstance(item, SessionEnd):
            self._ids.ended(key(item.session))
            yield from self._order.ended(key(item.session))
            self._lines.pop(item.line, None)
        elif isinstance(item, Retraction):
            yield from self._moved(item, MESSAGE_ARCHIVED)
        elif isinstance(item, Restoration):
            yield from self._moved(item, MESSAGE_RESTORED)
        elif isinstance(item, SideFile) and (parent := item.data.get("parent")) is not None:
            latest = self._ids.latest(key(item.session), key(parent))
            yield replace(item, data={**item.data, "parent": latest})
        else:
            yield item

    def guesses(self) -> Iterator[Item]:
        """Yield the times of messages that have none so far, at the present end of the source."""
        return self._order.guesses()

    def estimate(self, found: Found) -> Iterator[Item]:
        """Yield the time of a message without one that is no message of a line, if one is known."""
        return self._order.estimate(found)

    def _found(self, item: Found) -> Sequence[Item]:
        """Return an event, completed, and those that follow from it."""
        event = item.event
        session, data = event["session"], event["data"]
        if event["type"] != MESSAGE_APPENDED:
            started = data.get("started")
            if started is not None:
                self._order.began(session, started)
            return (item,)
        parent = data.get("parent")
        if parent is not None and (latest := self._ids.latest(session, parent)) != parent:
            data = {**data, "parent": latest}
        try:
            id = self._ids.key_of(session, event["id"], data)
        except orjson.JSONEncodeError:
            return (item,)  # the journal refuses it, with the reason
        if id is None:
            return (Duplicate(item.line, session),)
        if id != event["id"] or data is not event["data"]:
            item = replace(item, event={**event, "id": id, "data": data})
        self._lines.setdefault(item.origin or item.line, []).append((session, id))
        after = self._order.take(item)
        return (item, *after) if after else (item,)

    def _moved(self, item: Retraction | Restoration, type: str) -> Iterator[Item]:
        """Archive or restore the messages of lines."""
        sessions: dict[str, list[str]] = {}
        for line in item.lines:
            for session, id in self._lines.get(line, ()):
                sessions.setdefault(session, []).append(id)
        for session, ids in sessions.items():
            for start in range(0, len(ids), _LISTED):
                data = {"messages": ids[start : start + _LISTED], "reason": item.reason}
                yield fact(item.line, session, type, data)
