"""A session's transcript, read from the projection and updated from the lanes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.bounds import is_moment
from journal.format.event_types import (
    MESSAGE_APPENDED,
    MESSAGE_RESTORED,
    MESSAGE_REVISED,
    SWEEPING,
    TRANSCRIPT_REPLACED,
)
from journal.format.transcript_order import place_after
from projector.db.columns import Columns, from_columns
from projector.db.kinds import MESSAGE
from projector.fold.messages import (
    IN_TRANSCRIPT,
    LISTING,
    changed_fields,
    items,
    named,
    new_messages,
)
from projector.fold.order import Linked, place_all
from projector.store.flush.words import COMPARED, Words, digest, revised, words
from projector.views.sessions import TIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

    from journal.format.event import Event

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
        epoch: id of the last event that swept it; empty if there is none.
        swept: order of that event.
        messages: every message that was ever appended, by id.
        missing: parents of messages that were never appended.
    """

    epoch: str = ""
    swept: int = 0
    messages: dict[str, Recorded] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    _is_placed: bool = True
    _sorted: list[Recorded] | None = None

    def visible(self) -> list[Recorded]:
        """Return the messages that are in the transcript, in order."""
        if not self._is_placed:
            found = [Linked(m.id, m.moment, _other(m.parent, m.id)) for m in self.messages.values()]
            for id, place in place_all(found).items():
                self.messages[id].place = place
            self._is_placed, self._sorted = True, None
        if self._sorted is None:
            there = (message for message in self.messages.values() if message.is_there)
            self._sorted = sorted(there, key=_key)
        return self._sorted

    def go_on(self, event: Event, lane: str, seq: int) -> None:
        """Apply an event of the session that was read after those applied before.

        A message may come before earlier ones in the order of events: its writer had not read them,
        or their orders are equal and its lane has a lower uuid.

        A sweep is applied to all messages before it. Those that its author had not read count as
        removed here, though they are not: to restore one of them changes nothing.
        """
        is_later = (event.order, event.id) > (self.swept, self.epoch)
        if event.type in SWEEPING and is_later:
            self._sweep(event, lane, seq)
        elif event.type in LISTING and (event.type != MESSAGE_RESTORED or is_later):
            for id in named(event.type, event.data) & self.messages.keys():
                self.messages[id].is_there = event.type == MESSAGE_RESTORED
            self._sorted = None
        elif event.type == MESSAGE_REVISED:
            for id in named(event.type, event.data) & self.messages.keys():
                self._revise(self.messages[id], event.data)
        elif event.type == MESSAGE_APPENDED:
            rank = event.order, lane, seq, 0
            self._add(event.id, event.data, rank, is_there=event.order > self.swept)

    def _sweep(self, event: Event, lane: str, seq: int) -> None:
        self.epoch, self.swept = event.id, event.order
        kept = items(event.data)
        for id, known in self.messages.items():
            known.is_there = id in kept
            fields = changed_fields(event.type, kept[id]) if id in kept else None
            if fields:
                self._revise(known, fields)
        new = new_messages(event.data) if event.type == TRANSCRIPT_REPLACED else ()
        for part, id, data in new:
            self._add(id, data, (event.order, lane, seq, part), is_there=True)
        self._sorted = None

    def _revise(self, known: Recorded, fields: Mapping[str, Any]) -> None:
        known.words = revised(known.words, fields)
        if not fields.keys().isdisjoint((*COMPARED, "extra")):
            known.refused = _refused(fields)
        if is_moment(fields.get("timestamp")):
            known.moment = fields["timestamp"]
            self._is_placed = False
        parent = fields.get("parent")
        if isinstance(parent, str):
            known.parent = _other(parent, known.id)
            if parent not in self.messages:
                self.missing.add(parent)
            self._is_placed = False

    def _add(self, id: str, data: Mapping[str, Any], rank: Rank, *, is_there: bool) -> None:
        if id in self.messages:
            return
        timestamp, parent = data.get("timestamp"), data.get("parent")
        moment = timestamp if is_moment(timestamp) else rank[0]
        parent = _other(parent, id) if isinstance(parent, str) else None
        above = self.messages.get(parent) if parent is not None else None
        if parent is not None and above is None:
            self.missing.add(parent)
        place = place_after(moment, None if above is None else above.place)
        found = words(data)
        known = Recorded(id, found, found, _refused(data), moment, parent, place, rank, is_there)
        self.messages[id] = known
        if id in self.missing:
            self._is_placed = False
        if is_there and self._sorted is not None:
            if self._is_placed and (not self._sorted or self._sorted[-1].key < known.key):
                self._sorted.append(known)
            else:
                self._sorted = None

    def load(self, db: apsw.Connection, session: str) -> None:
        """Read the messages of a session from the projection."""
        number = db.execute("SELECT id FROM _sessions WHERE session = ?", (session,)).get
        if number is None:
            return
        query = (
            "SELECT e.event_id, e.ord FROM _changes c JOIN _events e ON e.id = c.event"
            " WHERE c.session = ? AND c.message = '' ORDER BY e.ord DESC, e.event_id DESC LIMIT 1"
        )
        epoch, swept = db.execute(query, (number,)).fetchone() or ("", 0)
        self.epoch, self.swept = str(epoch), int(swept)
        query = (
            "SELECT event_id, order_time, order_depth, state, original, timestamp, parent, role,"
            f" content, content_is_json, other_fields, {TIES} FROM _events"
            f" WHERE session = ? AND kind = {MESSAGE} ORDER BY {TIES}"
        )
        for row in db.execute(query, (number,)):
            known = _known(row)
            self.messages[known.id] = known
        self.missing = {
            message.parent
            for message in self.messages.values()
            if message.parent is not None and message.parent not in self.messages
        }


def _known(row: tuple[Any, ...]) -> Recorded:
    """Make a message of a row of the projection."""
    (
        id,
        order_time,
        depth,
        state,
        original,
        timestamp,
        parent,
        role,
        content,
        is_json,
        other,
        *ties,
    ) = row
    ord, lane, seq, part = ties
    data = from_columns(Columns(timestamp, parent, role, None, content, bool(is_json), other))
    now = words(data)
    first = now if original is None else words(orjson.loads(original))
    moment = timestamp if timestamp is not None else ord if depth else order_time
    is_there = state == IN_TRANSCRIPT
    refused = None if other is None else _refused(data)
    at, rank = (order_time, depth), (ord, lane, seq, part)
    return Recorded(id, now, first, refused, moment, _other(parent, id), at, rank, is_there)


def _refused(data: Mapping[str, Any]) -> str | None:
    """Return the digest of the message that this is a placeholder of; None if it is none."""
    extra = data.get("extra")
    mark = extra.get(REFUSED) if isinstance(extra, dict) else None
    if not isinstance(mark, dict) or mark.get("stored") != digest(data):
        return None
    found = mark.get("words")
    return found if isinstance(found, str) else None


def _other(parent: str | None, id: str) -> str | None:
    """Return a message's parent; None if it is the message itself, which means no parent."""
    return None if parent == id else parent


def _key(known: Recorded) -> tuple[tuple[int, int], Rank]:
    return known.key
