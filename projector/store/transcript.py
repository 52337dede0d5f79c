"""A conversation that is handed over whole, and the transcript that stands."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Self

from journal import clock
from journal.bounds import is_moment
from journal.errors import EventError
from journal.lossless import culprit
from journal.moment import moment
from journal.vocabulary import MESSAGE_APPENDED, MESSAGE_RESTORED
from projector.effects import OUT, SWEEPING, items, named, new_messages
from projector.fold import canonical
from projector.schema import MESSAGE
from projector.store.fields import present

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import apsw

    from journal.event import Event

_SAID = ("role", "content", "tool_calls", "tool_call_id", "tool_name")
"""What makes a message without an id the same when it is handed over again."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A message that was handed over: its id and its data."""

    id: str
    data: dict[str, Any]


def hand_over(messages: Sequence[Mapping[str, Any]], epoch: str) -> list[Handed]:
    """Give every message of a conversation an id, the same whenever it is handed over.

    A message without an `id` is known by its place and by what it says.

    Args:
        messages: the fields of a message each, and perhaps `id`; None means absent.
        epoch: id of the event that swept the transcript last: what is said after it is new.

    Raises:
        EventError: a message is no mapping, its time stamp is none, or its id stands twice; its
            index is named.
    """
    handed: list[Handed] = []
    seen: set[str] = set()
    for index, message in enumerate(messages):
        try:
            data = present(dict(message))
            if "timestamp" in data:
                data["timestamp"] = moment("timestamp", data["timestamp"])
        except (TypeError, ValueError) as error:
            raise EventError(f"messages[{index}]: {error}") from error
        id = data.pop("id", None)
        if id in seen:
            raise EventError(f"messages[{index}]: the id {id!r} stands twice in one conversation")
        handed.append(Handed(_id(index, data, epoch) if id is None else id, data))
        seen.add(handed[-1].id)
    return handed


def _id(index: int, data: Mapping[str, Any], epoch: str) -> str:
    try:
        said = canonical([epoch, index, *(data.get(name) for name in _SAID)])
    except TypeError as error:
        raise EventError(f"messages[{index}]: {culprit(data)}; nothing was written") from error
    return f"{index}-{blake2b(said, digest_size=10).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Known:
    """A message that was appended: its place, and whether the transcript was swept since."""

    place: int
    is_swept: bool


@dataclass(slots=True)
class Standing:
    """What stands of a session's transcript.

    Attributes:
        epoch: id of the last event that swept it; empty if there is none.
        swept: time of that event.
        messages: every message that ever was, by id.
    """

    epoch: str
    swept: int
    messages: dict[str, Known]

    @classmethod
    def none(cls) -> Self:
        """Return what stands where nothing was said."""
        return cls("", 0, {})

    def go_on(self, event: Event) -> None:
        """Take in an event of the session that the projection has not applied."""
        if event.type in SWEEPING and (event.time, event.id) > (self.swept, self.epoch):
            self.epoch, self.swept = event.id, event.time
            kept = items(event.data)
            for id, known in self.messages.items():
                self.messages[id] = Known(known.place, id not in kept)
            for _, id, data in new_messages(event.data):
                self.messages.setdefault(id, Known(_place(event, data), is_swept=False))
        elif event.type == MESSAGE_RESTORED and (event.time, event.id) > (self.swept, self.epoch):
            for id in named(event.type, event.data) & self.messages.keys():
                self.messages[id] = Known(self.messages[id].place, is_swept=False)
        elif event.type == MESSAGE_APPENDED:
            known = Known(_place(event, event.data), event.time <= self.swept)
            self.messages.setdefault(event.id, known)


def _place(event: Event, data: Mapping[str, Any]) -> int:
    said = data.get("timestamp")
    return said if is_moment(said) else event.time


def standing(db: apsw.Connection, session: str) -> Standing:
    """Return what stands of a session's transcript, as far as it is applied."""
    query = (
        "SELECT e.key, e.time FROM changes c JOIN events e ON e.id = c.event"
        " WHERE c.session = (SELECT id FROM sessions WHERE session = ?) AND c.message = ''"
        " ORDER BY e.time DESC, e.key DESC LIMIT 1"
    )
    epoch, swept = db.execute(query, (session,)).fetchone() or ("", 0)
    query = (
        "SELECT key, place, state >= ? AND time <= ? FROM events"  # noqa: S608 - a constant
        f" WHERE session = (SELECT id FROM sessions WHERE session = ?) AND kind = {MESSAGE}"
    )
    found = db.execute(query, (OUT, swept, session))
    messages = {str(key): Known(place, bool(out)) for key, place, out in found}
    return Standing(str(epoch), int(swept), messages)


def new_transcript(handed: Sequence[Handed], known: Standing) -> list[dict[str, Any]]:
    """Return the items of `transcript.replaced`, with time stamps that keep them in order."""
    places = [_said(message, known) for message in handed]
    listed, last = [], 0
    for index, message in enumerate(handed):
        place = places[index]
        if place is None:
            later = next(((n, p) for n, p in enumerate(places[index:]) if p is not None), None)
            place = clock.wall() if later is None else later[1] - later[0]
        last = max(place, last + 1)
        there = known.messages.get(message.id)
        data = dict(message.data)
        if there is None or last != there.place:
            data["timestamp"] = last
        listed.append({("id" if there is None else "message"): message.id, **data})
    return listed


def _said(message: Handed, known: Standing) -> int | None:
    """Return a message's place as it is given, or as it stands; None if it has none."""
    there = known.messages.get(message.id)
    given: int | None = message.data.get("timestamp")
    return there.place if given is None and there is not None else given
