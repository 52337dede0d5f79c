"""Appends events in batches, and counts them for the report."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from journal.arriving import without_forgotten
from journal.errors import EventError, JournalError, ReadError
from journal.format.event_types import MESSAGE_APPENDED
from journal.importers.parsing.events import corrected, key, revision
from journal.importers.parsing.parser import Duplicate, Found, Repaired, Skipped
from journal.importers.parsing.provisional import is_provisional
from journal.importers.run.known.unsure import is_unsure
from journal.importers.run.placeholder import placeholder_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from journal.erasure.requests import RequestScan
    from journal.format.redacted import Redacted
    from journal.importers.parsing.parser import Item
    from journal.importers.run.known.keys import KnownKeys, Origin
    from journal.importers.run.report import Report
    from journal.redact.redactor import Redactor
    from journal.writer import Journal

_EVENTS = 256
_BYTES = 1024 * 1024
"""Maximum size of a batch: events, and bytes of their lines."""
_RECENT = 1 << 15
"""Events that are remembered, so that snapshots of one session are not appended repeatedly."""


@dataclass(slots=True)
class EventWriter:
    """Appends events in batches. They are durable after `flush` and a sync of the journal.

    Attributes:
        journal: the events are appended to it.
        report: counts them.
        keys: the keys in the journal.
        requests: finds the requests to forget; forgotten events are not appended.
        origin: the importer whose events follow; None if that is not known.
        source: path of the file whose events follow.
        found: number of messages so far, new or not.
        sessions: ids of the sessions that the present source has; the driver replaces it.
    """

    journal: Journal
    report: Report
    keys: KnownKeys
    requests: RequestScan
    origin: Origin | None = None
    source: str = ""
    found: int = 0
    sessions: set[str] = field(default_factory=set)
    _redacted: dict[int, Redacted] = field(default_factory=dict)  # by the identity of the data
    _clear: dict[int, dict[str, Any]] = field(default_factory=dict)  # as it was before, as above
    _batch: list[dict[str, Any]] = field(default_factory=list)
    _revisable: set[int] = field(default_factory=set)  # by the identity of the event
    _bytes: int = 0
    _recent: set[int] = field(default_factory=set)
    _order: deque[int] = field(default_factory=deque)
    _is_unsure: bool = False  # whether what this run appended may be lost
    _rules: Redactor | None = None

    def __post_init__(self) -> None:
        self._is_unsure = is_unsure(self.journal)
        if self.journal.redactor is not None:
            self.journal.redactor.on_redacted = self._note_redacted
        self.report.redact = self._without_secrets

    def _without_secrets(self, text: str) -> str:
        """Redact what a report shows, also where the journal keeps secrets as they are."""
        return self._redactor().text(text)

    def _note_redacted(self, data: dict[str, Any], redacted: Redacted) -> None:
        self._redacted[id(data)] = redacted

    def take(self, items: Iterator[Item], raw: bytes | None, *, known: int = 0) -> None:
        """Append the items of a line.

        Args:
            items: the items of the parser.
            raw: the line, or None if there is none.
            known: events of lines up to this one are in the journal already.
        """
        self.take_line(items, *mark_of(raw), known=known)

    def take_line(
        self, items: Iterator[Item], size: int, mark: int | None, *, known: int = 0
    ) -> None:
        """Append the items of a line that is known by its `mark_of` alone."""
        for item in items:
            if isinstance(item, Found):
                self._found(item, mark, known)
            elif isinstance(item, Skipped):
                self.report.skip_line(item.reason, self.source, item.line)
            elif isinstance(item, Duplicate):
                self.report.sessions.add(key(item.session))
                self.sessions.add(key(item.session))
                self.report.already += 1
                self.found += 1
            elif isinstance(item, Repaired):
                self.report.repair(item.reason)
        self._bytes += size
        if len(self._batch) >= _EVENTS or self._bytes >= _BYTES:
            self.flush()

    def _found(self, item: Found, line: int | None, known: int) -> None:
        event = item.event
        self.found += event["type"] == MESSAGE_APPENDED
        self.report.sessions.add(event["session"])
        self.sessions.add(event["session"])
        for repair in item.repairs:
            self.report.repair(repair)
        if item.line <= known or self._repeats(event, line):
            self.report.already += 1
        else:
            self._batch.append(event)
            if item.revisable:
                self._revisable.add(id(event))

    def _repeats(self, event: dict[str, Any], line: int | None) -> bool:
        """Return whether this run appended the same event from the same line before."""
        if event["type"] != MESSAGE_APPENDED:
            line = 0  # its id is a hash of its content
        elif line is None:
            return False
        mark = hash((event["session"], event["id"], line))
        if mark in self._recent:
            return True
        self._recent.add(mark)
        self._order.append(mark)
        if len(self._order) > _RECENT:
            self._recent.discard(self._order.popleft())
        return False

    def flush(self) -> None:
        """Append the batch.

        Raises:
            JournalError: the journal could not write, or could not be searched for requests to
                forget; nothing of the batch is acknowledged.
        """
        batch, self._batch, self._bytes = self._batch, [], 0
        if not batch:
            return
        try:
            self.keys.load()
        except ReadError as error:
            self.report.skip(f"conflicts are not counted: {error}")
        if self._revisable:
            batch = [self._revised(event) for event in batch]
            self._revisable.clear()
        is_new = self._is_new(batch)  # as is almost every batch of a first import
        events = batch if is_new else filter(None, map(self._correction, batch))
        left = self._not_forgotten(self._with_origin(events))
        batch = list(left) if is_new else self._without_known(left)
        try:
            self._append(batch)
        except JournalError:
            # they are found again when their file is read again, and are not in the journal
            self.forget_recent()
            raise
        finally:
            self._redacted.clear()
            self._clear.clear()

    def forget_recent(self) -> None:
        """Append what is read again, also if this run appended it: it may be lost."""
        self._is_unsure = True
        self._recent.clear()
        self._order.clear()

    def _append(self, batch: list[dict[str, Any]]) -> None:
        try:
            self.journal.append_many(batch)
        except EventError:
            self._append_one_by_one(batch)
        else:
            for event in batch:
                self._count(event)

    def _without_known(self, events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return a batch without the events that the journal has.

        The ledger knows most of them. It does not where it is lost, where a file was moved or has
        come back, where a newer importer reads it again, and where an event is in two sources.
        """
        batch = list(events)
        if self._is_unsure:
            return batch
        new = [event for event in batch if not self._is_known(event)]
        self.report.already += len(batch) - len(new)
        return new

    def _is_new(self, batch: list[dict[str, Any]]) -> bool:
        """Return whether the journal has no key of a batch."""
        try:
            return not any(map(self.keys.has_key, batch))
        except TypeError:
            return False  # one is no JSON: the journal raises the reason

    def _is_known(self, event: dict[str, Any]) -> bool:
        try:
            return self.keys.has_key(event) and self.keys.has(self._in_clear(event))
        except TypeError:
            return False  # it is no JSON: the journal raises the reason

    def _revised(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return the revision of a message that the journal has with another content."""
        if id(event) not in self._revisable or event["type"] != MESSAGE_APPENDED:
            return event
        try:
            if not self.keys.has_other(event):
                return event
            if self.origin is not None and self.keys.is_of_older(event, self.origin):
                return event  # all of it is corrected, also a content that it has no more
        except TypeError:
            return event  # it is no JSON: the journal raises the reason
        return revision(0, event["session"], event["id"], event["data"]).event

    def _correction(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """Return an event, or what corrects an older importer's; None if the journal has that."""
        origin, is_message = self.origin, event["type"] == MESSAGE_APPENDED
        if origin is None or not is_message:
            return event
        if not (self.keys.has_key(event) and self.keys.differs(event)):
            return event
        correction = corrected(event)
        if is_provisional(event["data"]) or self.keys.has(correction):
            self.report.already += 1
            return None
        return correction if self.keys.is_of_older(event, origin) else event

    def _with_origin(self, events: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        """Return events with the importer that they are of."""
        if self.origin is None:
            return events
        about = {"importer": f"{self.origin.name} {self.origin.version}"}
        return (event | about for event in events)

    def _not_forgotten(self, batch: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield events without their forgotten parts; forgotten events are skipped."""
        # a request may have been added since the last batch: following can run for days
        forgotten = self.requests.read_understood()
        if not forgotten:
            yield from batch
            return
        for event in batch:
            left = without_forgotten(event, forgotten, self._redactor)
            if left is None:
                self.report.forgotten += 1
                continue
            if left is not event:
                self._clear[id(left["data"])] = event["data"]
            yield left

    def _redactor(self) -> Redactor:
        """Return what redacts by the rules of today, also where nothing is to be redacted."""
        if self.journal.redactor is not None:
            return self.journal.redactor
        if self._rules is None:
            from journal.redact.setup import way_out  # noqa: PLC0415 - few imports need the rules

            self._rules = way_out(self.journal.path)
        return self._rules

    def _append_one_by_one(self, batch: list[dict[str, Any]]) -> None:
        """Append the events one by one, so that only a refused one is left out."""
        for event in batch:
            try:
                self.journal.append(**event)
            except EventError as error:
                self.report.skip(f"refused by the journal: {error}")
                self._append_placeholder(event, error)
            else:
                self._count(event)

    def _append_placeholder(self, event: dict[str, Any], error: EventError) -> None:
        """Append a placeholder for a refused message, in its place and under its id."""
        if event["type"] != MESSAGE_APPENDED:
            return
        stand_in = {**event, "data": placeholder_data(event["data"], error), "redacted": None}
        try:
            self.journal.append(**stand_in)
        except EventError as again:
            self.report.skip(f"refused by the journal, and so was its placeholder: {again}")
        else:
            self._count(stand_in)

    def _in_clear(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return an event as it was before its texts were redacted for a request."""
        clear = self._clear.get(id(event["data"])) if self._clear else None
        return event if clear is None else event | {"data": clear}

    def _count(self, event: dict[str, Any]) -> None:
        data = event["data"]
        redacted = self._redacted.get(id(data)) or event.get("redacted")
        if redacted is not None:
            self.report.redacted.update(redacted.counts)
        if self.keys.conflicts(self._in_clear(event), redacted):
            self.report.conflict(event["session"], event["id"])
        elif event["type"] == MESSAGE_APPENDED:
            self.report.messages += 1
        else:
            self.report.events += 1


def mark_of(raw: bytes | None) -> tuple[int, int | None]:
    """Return the size of a line, about, and a hash of it; None if it is no line of a file."""
    if raw is None:
        return _BYTES // _EVENTS, None
    # Python's own hash has another seed in the process that reads ahead
    # most processors have instructions for this one
    return len(raw), int.from_bytes(sha256(raw).digest()[:8])
