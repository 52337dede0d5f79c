"""A session's transcript, updated with the events that the lanes have gained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from journal.erasure.request import request_of
from journal.erasure.requests import Forgotten
from journal.format.bounds import is_moment
from journal.format.event_types import (
    FORGET,
    MESSAGE_APPENDED,
    MESSAGE_RESTORED,
    MESSAGE_REVISED,
    SWEEPING,
    TRANSCRIPT_REPLACED,
)
from journal.format.transcript_order import place_after
from projector.fold.messages import (
    LISTING,
    changed_fields,
    items,
    named,
    new_messages,
)
from projector.fold.order import Linked, place_all
from projector.fold.sweeps import Reach, joined, reach
from projector.store.flush.words import COMPARED, Words, digest, revised, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journal.format.event import Event
    from projector.fold.sweeps import Copies, Order

_EDITS = frozenset((*SWEEPING, *LISTING, MESSAGE_REVISED))
Rank = tuple[int, str, int, int]
REFUSED = "refused"
"""Key of `extra` that marks the placeholder of a message that no record can hold."""


@dataclass(slots=True)
class Recorded:
    """A message that was appended, in the transcript or out of it.

    Attributes:
        id: its id.
        words: its words now.
        first: its words when it was appended.
        refused: digest of the message that it is a placeholder of; None if it is none.
        moment: its own moment, microseconds.
        parent: id of its parent.
        place: its place and depth in the conversation.
        rank: order, lane uuid, sequence number and number in its record: the order of events,
            which decides among messages of one place.
        is_there: whether it is in the transcript.
    """

    id: str
    words: Words
    first: Words
    refused: str | None
    moment: int
    parent: str | None
    place: tuple[int, int]
    rank: Rank
    is_there: bool

    @property
    def key(self) -> tuple[tuple[int, int], Rank]:
        """Its sort key."""
        return self.place, self.rank


@dataclass(slots=True)
class Transcript:
    """The messages of a session, and the order in which they are read.

    Attributes:
        forgotten: what the requests to forget hide of the events that it is given.
        epoch: id of the last event that swept it; empty if there is none.
        swept: order of that event.
        messages: every message that was ever appended, by id.
        missing: parents of messages that were never appended.
        reach: the records that its sweeps reach together.
        edited: sort key of the last edit.
        unmet: ids of messages that edits name and that were not appended yet.
        copies: the lanes that hold a message which was appended more than once, by id.
        ahead: the latest date of a message that is later than its own order, by lane uuid.
        is_exact: whether it is what the projection shows. It is not where an event was read after
            events that come behind it and that decide about it: then the projection must be read.
    """

    forgotten: Forgotten = field(default_factory=lambda: Forgotten(()))
    epoch: str = ""
    swept: int = 0
    messages: dict[str, Recorded] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    reach: Reach = field(default_factory=lambda: Reach(None, {}))
    edited: Order = (0, "", 0)
    unmet: set[str] = field(default_factory=set)
    copies: dict[str, Copies] = field(default_factory=dict)
    ahead: dict[str, int] = field(default_factory=dict)
    is_exact: bool = True
    _is_placed: bool = True
    _sorted: list[Recorded] | None = None

    def placed(self) -> dict[str, Recorded]:
        """Return every message that was ever appended, by id, with its place of now.

        In `messages` a place may be that of before the last events.
        """
        if not self._is_placed:
            found = [Linked(m.id, m.moment, m.parent) for m in self.messages.values()]
            for id, place in place_all(found).items():
                self.messages[id].place = place
            self._is_placed, self._sorted = True, None
        return self.messages

    def visible(self) -> list[Recorded]:
        """Return the messages that are in the transcript, in order."""
        messages = self.placed()
        if self._sorted is None:
            there = (message for message in messages.values() if message.is_there)
            self._sorted = sorted(there, key=_key)
        return self._sorted

    def go_on(self, event: Event, lane: str, seq: int) -> None:
        """Apply an event of the session, or a request to forget.

        After a request it is not exact: messages that it has may be forgotten. A message may come
        before earlier ones in the order of events: its writer had not read them, or their orders
        are equal and its lane has a lower uuid. Edits must come in their order: the last one that
        is applied wins.
        """
        if event.session == FORGET:
            self.is_exact &= self._knows(event)
            return
        left, _ = self.forgotten.apply(event, lane, seq) if self.forgotten else (event, "")
        if left is not None:
            self._apply(left, lane, seq)

    def _knows(self, event: Event) -> bool:
        """Return whether an event in `@forget` hides nothing more."""
        request = request_of(event)
        return request is None or self.forgotten.knows(request)

    def _apply(self, event: Event, lane: str, seq: int) -> None:
        at = event.order, lane, seq
        if event.type == MESSAGE_APPENDED:
            self._add(event.id, event.data, (*at, 0))
        elif event.type in _EDITS:
            self.is_exact &= at >= self.edited
            self.edited = max(at, self.edited)
            targets = named(event.type, event.data)
            self.unmet |= targets - self.messages.keys()
            if event.type in SWEEPING:
                self._sweep(event, at)
            elif event.type == MESSAGE_REVISED:
                for id in targets & self.messages.keys():
                    self._revise(self.messages[id], event.data)
            else:
                for id in targets & self.messages.keys():
                    self.messages[id].is_there = event.type == MESSAGE_RESTORED
                self._sorted = None

    def _sweep(self, event: Event, at: Order) -> None:
        self.swept, self.epoch = max((self.swept, self.epoch), (event.order, event.id))
        swept = reach(at, event.data)
        self.reach = joined((self.reach, swept))
        kept = items(event.data) if event.type == TRANSCRIPT_REPLACED else {}
        for id, known in self.messages.items():
            fields = changed_fields(event.type, kept[id]) if id in kept else None
            if fields:
                self._revise(known, fields)
            if id in kept:
                known.is_there = True
            elif self._has(swept, known):
                known.is_there = False
        new = new_messages(event.data) if event.type == TRANSCRIPT_REPLACED else ()
        self.unmet -= {id for _, id, _ in new}
        for part, id, data in new:
            self._add(id, data, (*at, part))
        self._sorted = None

    def _has(self, swept: Reach, known: Recorded) -> bool:
        """Return whether a sweep reaches a message."""
        order, lane, seq, _ = known.rank
        return swept.has((order, lane, seq), self.copies.get(known.id, {lane: seq}))

    def date(self, rank: Rank, own: int | None, appended: int | None) -> int:
        """Return the moment of a message; of one lane they must be given by number.

        Args:
            rank: of the message.
            own: its timestamp now; None if it has none.
            appended: the one with which it was appended; None if there was none.
        """
        order, lane, *_ = rank
        if appended is not None and appended > order:
            self.ahead[lane] = max(appended, self.ahead.get(lane, 0))
        return max(order, self.ahead.get(lane, 0)) if own is None else own

    def _revise(self, known: Recorded, fields: Mapping[str, Any]) -> None:
        known.words = revised(known.words, fields)
        if not fields.keys().isdisjoint((*COMPARED, "extra")):
            known.refused = refused(fields)
        if is_moment(fields.get("timestamp")):
            known.moment = fields["timestamp"]
            self._is_placed = False
        parent = fields.get("parent")
        if isinstance(parent, str):
            known.parent = other_parent(parent, known.id)
            if parent not in self.messages:
                self.missing.add(parent)
            self._is_placed = False

    def _add(self, id: str, data: Mapping[str, Any], rank: Rank) -> None:
        order, lane, seq, part = rank
        if id in self.messages:
            self._add_copy(self.messages[id], rank)
            return
        # an edit that was applied decides about it
        self.is_exact &= id not in self.unmet
        given, parent = data.get("timestamp"), data.get("parent")
        timestamp = given if is_moment(given) else None
        moment = self.date(rank, timestamp, timestamp)
        parent = other_parent(parent, id) if isinstance(parent, str) else None
        above = self.messages.get(parent) if parent is not None else None
        if parent is not None and above is None:
            self.missing.add(parent)
        place = place_after(moment, None if above is None else above.place)
        found = words(data)
        is_there = part > 0 or not self.reach.has((order, lane, seq), {lane: seq})
        known = Recorded(id, found, found, refused(data), moment, parent, place, rank, is_there)
        self.messages[id] = known
        if id in self.missing:
            self._is_placed = False
        if is_there and self._sorted is not None:
            if self._is_placed and (not self._sorted or self._sorted[-1].key < known.key):
                self._sorted.append(known)
            else:
                self._sorted = None

    def _add_copy(self, known: Recorded, rank: Rank) -> None:
        """Note another record of a message."""
        order, lane, seq, _ = rank
        _, first, number, _ = known.rank
        if (lane, seq) == (first, number):
            return
        copies = self.copies.setdefault(known.id, {first: number})
        copies[lane] = min(seq, copies.get(lane, seq))
        # the earliest record is in force; and a sweep that has read one of them reaches all
        is_reached = self.reach.has((order, lane, seq), {lane: seq})
        self.is_exact &= rank > known.rank and not (is_reached and known.is_there)


def refused(data: Mapping[str, Any]) -> str | None:
    """Return the digest of the message that this is a placeholder of; None if it is none."""
    extra = data.get("extra")
    mark = extra.get(REFUSED) if isinstance(extra, dict) else None
    if not isinstance(mark, dict) or mark.get("stored") != digest(data):
        return None
    found = mark.get("words")
    return found if isinstance(found, str) else None


def other_parent(parent: str | None, id: str) -> str | None:
    """Return a message's parent; None if it is the message itself, which means no parent."""
    return None if parent == id else parent


def _key(known: Recorded) -> tuple[tuple[int, int], Rank]:
    return known.key
