"""Appends events in batches, and counts them for the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from journal.errors import EventError, JournalError, ReadError
from journal.format.event_types import MESSAGE_APPENDED
from journal.importers.parsing.events import key
from journal.importers.parsing.parser import Duplicate, Found, Repaired, Skipped
from journal.importers.run.ahead.made import Made
from journal.importers.run.known.corrections import correction_of, revision_of
from journal.importers.run.known.recent import Recent, mark_of
from journal.importers.run.known.unsure import is_unsure
from journal.importers.run.placeholder import placeholder_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from journal.erasure.requests import RequestScan
    from journal.format.redacted import Redacted
    from journal.importers.parsing.parser import Item
    from journal.importers.run.known.forms import Forms
    from journal.importers.run.known.keys import KnownKeys, Origin
    from journal.importers.run.report import Report
    from journal.writer import Journal

_EVENTS = 256
_BYTES = 1024 * 1024
"""Maximum size of a batch: events, and bytes of their lines."""


_Event = dict[str, Any] | Made
"""An event of a batch: the arguments of `Journal.append`, or encoded."""
_AnyEvent = TypeVar("_AnyEvent", dict[str, Any], _Event)


@dataclass(slots=True)
class EventWriter:
    """Appends events in batches. They are durable after `flush` and a sync of the journal.

    Attributes:
        journal: the events are appended to it.
        report: counts them.
        keys: the keys in the journal.
        forms: the forms in which the journal may have an event.
        requests: finds the requests to forget; forgotten events are not appended.
        origin: the importer whose events follow; None if that is not known.
        source: path of the file whose events follow.
        found: number of messages so far, new or not.
        sessions: ids of the sessions that the present source has; the driver replaces it.
    """

    journal: Journal
    report: Report
    keys: KnownKeys
    forms: Forms
    requests: RequestScan
    origin: Origin | None = None
    source: str = ""
    found: int = 0
    sessions: set[str] = field(default_factory=set)
    # by the identity of data, which must not be freed while it counts: the data, what is redacted
    # in them, and what is left
    _redacted: dict[int, tuple[dict[str, Any], Redacted, dict[str, Any]]] = field(
        default_factory=dict
    )
    # as this: the data, and the event of the source
    _clear: dict[int, tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=dict)
    _batch: list[_Event] = field(default_factory=list)
    _revisable: set[int] = field(default_factory=set)  # by the identity of the event
    _bytes: int = 0
    _recent: Recent = field(default_factory=Recent)
    _is_unsure: bool = False  # whether what this run appended may be lost

    def __post_init__(self) -> None:
        self._is_unsure = is_unsure(self.journal)
        if self.journal.redactor is not None:
            self.journal.redactor.on_redacted = self._note_redacted
        self.report.redact = self._without_secrets

    def _without_secrets(self, text: str) -> str:
        """Redact what a report shows, also where the journal keeps secrets as they are."""
        return self.forms.redactor().text(text)

    def _note_redacted(
        self, data: dict[str, Any], redacted: Redacted, left: dict[str, Any]
    ) -> None:
        self._redacted[id(data)] = data, redacted, left

    def take(self, items: Iterable[Item], raw: bytes | None, *, known: int = 0) -> None:
        """Append the items of a line.

        Args:
            items: the items of the parser.
            raw: the line, or None if there is none.
            known: events of lines up to this one are in the journal already.
        """
        self.take_line(items, *mark_of(raw), known=known)

    def take_line(
        self, items: Iterable[Item], size: int, mark: int | None, *, known: int = 0
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
        self._took(size)

    def take_made(self, events: Sequence[Made], size: int) -> None:
        """Append events that are encoded, of lines of a size in bytes."""
        sessions = {event.encoded.session for event in events}
        self.report.sessions |= sessions
        self.sessions |= sessions
        self.found += sum(event.encoded.type == MESSAGE_APPENDED for event in events)
        marks = [event.marks.content for event in events]
        if self._recent.add_new(marks):
            self._batch += events
        else:
            new = [event for event in events if not self._recent.has_mark(event.marks.content)]
            self.report.already += len(events) - len(new)
            self._batch += new
        self._took(size)

    def _took(self, size: int) -> None:
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
        what = event["session"], event["id"], event["type"]
        if item.line <= known or self._recent.has(*what, line):
            self.report.already += 1
        else:
            self._batch.append(event)
            if item.revisable:
                self._revisable.add(id(event))

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
        # a request may have been added since the last batch: following can run for days
        self.forms.forgotten = self.requests.read_understood()
        # as is almost every batch of a first import
        if not self.forms.forgotten and self._is_new(batch):
            ready = [*self._with_origin(batch)]
        else:
            ready = [*self._to_append(map(_plain, batch))]
        self._revisable.clear()
        try:
            self._append(ready)
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
        self._recent.forget()

    def _append(self, batch: list[_Event]) -> None:
        made = [event for event in batch if isinstance(event, Made)]
        try:
            self.journal.append_many(
                event.encoded if isinstance(event, Made) else event for event in batch
            )
        except EventError:
            self._append_one_by_one(batch)
            return
        if made and self.keys.add_new([event.marks for event in made]):
            messages = sum(event.encoded.type == MESSAGE_APPENDED for event in made)
            self.report.messages += messages
            self.report.events += len(made) - messages
            batch = [event for event in batch if not isinstance(event, Made)]
        for event in batch:
            self._count(_plain(event))

    def _is_new(self, batch: list[_Event]) -> bool:
        """Return whether the journal has no key of a batch."""
        made = [event.marks.key for event in batch if isinstance(event, Made)]
        if self.keys.has_any(made):
            return False
        has_key = self.keys.has_key
        try:
            return not any(has_key(event) for event in batch if not isinstance(event, Made))
        except TypeError:
            return False  # one is no JSON: the journal raises the reason

    def _to_append(self, batch: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield what the journal lacks of a batch, and what corrects what it has.

        The ledger knows most of what it has. It does not where it is lost, where a file was moved
        or has come back, where a newer importer reads it again, and where an event is in two
        sources.
        """
        for event in self._not_forgotten(self._with_origin(self._corrected(batch))):
            if self._is_unsure or not self._is_known(event):
                yield event
            else:
                self.report.already += 1

    def _corrected(self, batch: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for event in batch:
            is_revisable = id(event) in self._revisable
            new = revision_of(event, self.keys, self.origin) if is_revisable else event
            if (left := correction_of(new, self.keys, self.origin)) is not None:
                yield left
            else:
                self.report.already += 1

    def _is_known(self, event: dict[str, Any]) -> bool:
        try:
            return self.keys.has(self._in_clear(event))
        except TypeError:
            return False  # it is no JSON: the journal raises the reason

    def _with_origin(self, events: Iterable[_AnyEvent]) -> Iterable[_AnyEvent]:
        """Return events with the importer that they are of; those that are encoded have it."""
        if self.origin is None:
            return events
        about = {"importer": f"{self.origin.name} {self.origin.version}"}
        return (event if isinstance(event, Made) else event | about for event in events)

    def _not_forgotten(self, batch: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield events without their forgotten parts; forgotten events are skipped."""
        for event in batch:
            left = self.forms.left(event)
            if left is None:
                self.report.forgotten += 1
                continue
            if left is not event:
                self._clear[id(left["data"])] = left["data"], event
            yield left

    def _append_one_by_one(self, batch: list[_Event]) -> None:
        """Append the events one by one, so that only a refused one is left out."""
        for event in map(_plain, batch):
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
        """Return an event as its source has it, with what requests name."""
        found = self._clear.get(id(event["data"]))
        return event if found is None else found[1]

    def _count(self, event: dict[str, Any]) -> None:
        given = event["data"]
        as_it_is = given, event.get("redacted"), given
        _, redacted, data = self._redacted.get(id(given), as_it_is)
        if redacted is not None:
            self.report.redacted.update(redacted.counts)
        if self.keys.conflicts(self._in_clear(event), redacted, data):
            self.report.conflict(event["session"], event["id"], self.source)
        elif event["type"] == MESSAGE_APPENDED:
            self.report.messages += 1
        else:
            self.report.events += 1


def _plain(event: _Event) -> dict[str, Any]:
    return event.plain() if isinstance(event, Made) else event
