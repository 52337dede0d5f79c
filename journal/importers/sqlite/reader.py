"""Imports the conversations of another program's database: those that are new, and changes.

A conversation that may have changed is read whole, since a row may be rewritten at any place. Its
events are compared with the known ones, so only new ones are appended. A message with another
content becomes `message.revised`. Messages that a conversation has no more are archived: they leave
the transcript, and a search still finds them. A conversation that is gone stays as it was.
"""

from __future__ import annotations

import time
from array import array
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson

from journal.errors import ImportFailed
from journal.format.event_types import MESSAGE_APPENDED, MESSAGE_ARCHIVED, MESSAGE_RESTORED
from journal.importers.formats import DatabaseResult
from journal.importers.parsing.events import fact, key
from journal.importers.parsing.parser import Duplicate, Found
from journal.importers.parsing.transcript import Transcript
from journal.importers.sqlite.changes import changed, known_rows
from journal.importers.sqlite.known import KnownConversation, KnownDatabase, mark_of
from journal.importers.sqlite.snapshot import open_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from journal.importers.formats import ItemWriter
    from journal.importers.parsing.parser import Item
    from journal.importers.sqlite.conversations import Conversations, Head
    from journal.importers.sqlite.snapshot import Snapshot

_SETTLED = 3_000_000
"""Microseconds after which the next change has another time: some programs store whole seconds."""
_REASONS = {
    MESSAGE_ARCHIVED: "no longer in its source",
    MESSAGE_RESTORED: "in its source again",
}
_BYTES = 1024 * 1024
"""Maximum bytes of the events of one write, except for the last one."""


def read_conversations(
    source: Conversations,
    path: Path,
    known: str,
    writer: ItemWriter,
    *,
    reread: bool,
    first: bool,
    step: Callable[[int], None],
) -> DatabaseResult:
    """Read one database, as `DatabaseReader` specifies."""
    state = KnownDatabase.unpack(known)
    if reread and first:
        state = KnownDatabase(state.round + 1)
    with open_snapshot(path, source.program) as snapshot:
        modified = path.stat().st_mtime_ns // 1000
        work = _Import(source, snapshot, state, writer, first, modified)
        failure = work.run(step)
    return DatabaseResult(work.messages, state.packed(), failure, work.there)


@dataclass(slots=True)
class _Import:
    """One reading of one database.

    Attributes:
        known: what is known of it; updated with each conversation that is read.
        first: whether this run reads it for the first time: known events are counted only then.
        modified: when the database was changed last, in microseconds since 1970.
        messages: messages of all conversations, those that are known among them.
        there: ids of the sessions that the database has now.
    """

    source: Conversations
    snapshot: Snapshot
    known: KnownDatabase
    writer: ItemWriter
    first: bool
    modified: int
    messages: int = 0
    there: frozenset[str] = frozenset()
    _wrote: bool = False
    _weight: int = 0
    _failures: list[str] = field(default_factory=list)

    def run(self, step: Callable[[int], None]) -> str | None:
        """Read the conversations that changed; return why a part could not be read, or None.

        Raises:
            ImportFailed: the list of conversations cannot be read; nothing was appended.
        """
        with self.snapshot.moment():
            heads = list(self.source.heads(self.snapshot))
            waiting = changed(self.snapshot, self.source, self.known, heads)
            tables = {
                growth.table: known_rows(self.snapshot, growth)
                for growth in self.source.growth(self.snapshot)
            }
            size = self.snapshot.size()
        for number, head in enumerate(waiting, 1):
            self._take(head)
            step(size * number // len(waiting))
        read = {head.id for head in waiting}
        for head in heads:
            if head.id not in read:
                self._already(head.id, self.known.conversations[head.id])
        if not self._failures:  # rows that could not be read are not passed over the next time
            self.known.tables = tables
        self.known.round += self._wrote
        known = self.known.conversations
        have = (head.id for head in heads if head.id in known and known[head.id].messages)
        self.there = frozenset(map(key, have))
        self.messages = sum(len(of.messages) for of in self.known.conversations.values())
        return self._failures[0] if self._failures else None

    def _take(self, head: Head) -> None:
        """Read one conversation; if it cannot be read, the others are."""
        before = self.known.conversations.get(head.id)
        now = KnownConversation(head=mark_of(head.stamp))
        began = time.time_ns() // 1000
        try:
            with self.snapshot.moment():
                probe = self.source.probe(self.snapshot, head.id)
                now.rows, now.newest = mark_of(probe.stamp) or 1, probe.newest or 0
                if before is not None and (before.head, before.rows) == (now.head, now.rows):
                    self._already(head.id, before)
                    return
                items = self.source.items(self.snapshot, head.id)
        except ImportFailed as error:
            self._failures.append(str(error))
            return
        if probe.newest is not None and probe.newest > began - _SETTLED:
            now.rows = 0
        self._compare(head.id, items, KnownConversation() if before is None else before, now)
        self.known.conversations[head.id] = now

    def _already(self, id: str, known: KnownConversation) -> None:
        """Count the messages of a conversation that has not changed."""
        if self.first:
            for _ in known.messages:
                self._append(Duplicate(0, key(id)))

    def _compare(
        self, id: str, items: Iterator[Item], before: KnownConversation, now: KnownConversation
    ) -> None:
        """Append the events of a conversation that are not known."""
        known, marks = set(before.marks), set[int]()
        session, dated = key(id), set[str]()
        transcript = Transcript(equal_is_same=True, modified=self.modified)
        for item in chain(transcript.take(items), transcript.guesses()):
            if isinstance(item, Found):
                event = item.event
                if item.guessed and event["data"]["message"] in dated:
                    continue  # an earlier import dated it, as of the database then
                session = event["session"]
                mark = _mark(event)
                marks.add(mark)
                if event["type"] == MESSAGE_APPENDED:
                    now.messages.append(event["id"])
                    if mark in known and "timestamp" not in event["data"]:
                        dated.add(event["id"])
                if mark not in known:
                    self._found(replace(item, revisable=True))
                elif self.first:
                    self._append(Duplicate(item.line, session))
            elif self.first:
                self._append(item)
        now.marks = array("Q", sorted(marks))
        here = set(now.messages)
        gone = [id for id in before.messages if id not in here]
        now.archived = [*(id for id in before.archived if id not in here), *gone]
        self._move(session, MESSAGE_ARCHIVED, gone)
        self._move(session, MESSAGE_RESTORED, [id for id in before.archived if id in here])

    def _move(self, session: str, type: str, ids: list[str]) -> None:
        if not ids:
            return
        found = fact(1, session, type, {"messages": ids, "reason": _REASONS[type]})
        if self.known.round:  # an equal change may have been made before
            found.event["id"] += f"-{self.known.round}"
        self._found(found)

    def _found(self, item: Found) -> None:
        self._wrote = True
        self._append(item)
        self._weight += _size(item.event["data"])
        if self._weight > _BYTES:  # it may contain images: the batch must stay small
            self._weight = 0
            self.writer.flush()

    def _append(self, item: Item) -> None:
        self.writer.take(iter((item,)), None)


def _mark(event: dict[str, Any]) -> int:
    try:
        return mark_of(event)
    except orjson.JSONEncodeError:
        return 0  # the journal will refuse it, with the reason


def _size(data: dict[str, Any]) -> int:
    try:
        return len(orjson.dumps(data))
    except orjson.JSONEncodeError:
        return 0
