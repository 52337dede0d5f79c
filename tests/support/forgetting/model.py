"""What requests forget, computed from the format alone, and sets of records with requests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from journal.format.event import Event
from journal.format.event_types import ERASURE_REQUESTED, FORGET, MESSAGE_APPENDED
from tests.support.forgetting.texts import (
    KEY,
    Texts,
    bare,
    hashed,
    named_texts,
    with_marks_counted,
)
from tests.support.made_up import LINES
from tests.support.projections import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from journal.format.redacted import Redacted

_OTHER = "00000000"
"""The id of a key that no journal has."""
_UUIDS = tuple(f"0199c0de-0000-7000-8000-00000000000{n}" for n in range(3))


def put_key(journal: Path) -> None:
    """Give a folder the file with the key."""
    file = journal / "key"
    file.write_text(f"{KEY.secret.hex()}\n")
    file.chmod(0o600)


@dataclass(frozen=True, slots=True)
class _Named:
    """The hashes of all requests that apply to one record."""

    sessions: set[str]
    events: set[str]
    messages: set[str]

    def session(self, session: object) -> bool:
        return hashed("session", session) in self.sessions

    def event(self, session: str, id: object) -> bool:
        return hashed("event", [session, id]) in self.events

    def message(self, id: object, data: dict[str, Any], redacted: Redacted | None = None) -> bool:
        hashes = {hashed("line", id)} if id in _UUIDS + LINES else set()
        if "line" in data:
            hashes.add(hashed("line", data["line"]))
        if "timestamp" in data:
            hashes.update(_message_hashes(data, redacted))
            is_known = redacted is not None and redacted.key == KEY.id
            original = hashed("original", [MESSAGE_APPENDED, data])
            hashes.add(redacted.original if redacted is not None and is_known else original)
        return not hashes.isdisjoint(self.messages)


def _message_hashes(data: dict[str, Any], redacted: Redacted | None) -> list[str]:
    """Return the `message` hashes of a message: as it is, without digits, and in clear."""
    content = data.get("content")
    in_clear = hashed("content", content)
    if redacted is not None and redacted.key == KEY.id and redacted.content:
        in_clear = redacted.content
    contents = (content, bare(content), in_clear)
    return [hashed("message", [data.get("role"), it, data["timestamp"]]) for it in contents]


def without_forgotten(records: Sequence[Fact]) -> list[Fact]:
    """Return records without what their requests forget."""
    requests = [
        (fact.event.id, fact.event.data)
        for fact in records
        if (fact.event.session, fact.event.type) == (FORGET, ERASURE_REQUESTED)
        and fact.event.data["key"] == KEY.id
    ]
    return [left for fact in records for left in _with_texts(requests, fact)]


def _with_texts(requests: list[tuple[str, dict[str, Any]]], fact: Fact) -> Iterator[Fact]:
    """Yield what is left of a record when the texts in it are redacted, too."""
    named = _named([data for _, data in requests], fact)
    texts = Texts([(id, data) for id, data in requests if _reaches(data, fact)])
    for left in _remaining(fact, named):
        new = texts.redacted(left)
        if new is left:
            yield left
        else:
            yield from _remaining(new, named)


def _reaches(request: dict[str, Any], fact: Fact) -> bool:
    return bool(fact.seq <= request.get("reach", {fact.lane: fact.seq}).get(fact.lane, 0))


def _named(requests: list[dict[str, Any]], fact: Fact) -> _Named:
    named = _Named(set(), set(), set())
    for request in requests:
        if _reaches(request, fact):
            named.sessions.update(request.get("sessions", []))
            named.events.update(request.get("events", []))
            named.messages.update(request.get("messages", []))
    return named


def _remaining(fact: Fact, named: _Named) -> Iterator[Fact]:
    """Yield the rest of a record: nothing, or the record, perhaps without a part."""
    session, id, type, data = fact.event.session, fact.event.id, fact.event.type, fact.event.data
    if session == FORGET and type in {"erasure.requested", "erasure.completed"}:
        yield fact
        return
    if named.session(session) or named.event(session, id):
        return
    if type == "message.revised" and named.event(session, data["message"]):
        return
    if type == MESSAGE_APPENDED and named.message(id, data, fact.event.redacted):
        return
    if type in {"message.removed", "message.archived", "message.restored"}:
        ids = [each for each in data["messages"] if not named.event(session, each)]
        if data["messages"] and not ids:
            return
        data = data | {"messages": ids}
    elif type == "transcript.replaced":
        items = [item for item in data["messages"] if not _is_named(named, session, item)]
        fact = with_marks_counted(fact, items)
        data = data | {"messages": items}
    elif type.startswith("session.") and named.session(data.get("parent")):
        data = {name: value for name, value in data.items() if name != "parent"}
    yield replace(fact, event=replace(fact.event, data=data))


def _is_named(named: _Named, session: str, item: dict[str, Any]) -> bool:
    if "message" in item:
        return named.event(session, item["message"])
    data = {name: value for name, value in item.items() if name != "id"}
    return named.event(session, item["id"]) or named.message(item["id"], data)


def with_requests(random: Random, records: Sequence[Fact]) -> list[Fact]:
    """Add requests to made-up records, and further records that they may forget.

    The further records are replays of messages in another session, with their own id or the uuid of
    a line, and sessions with a parent.
    """
    made = [*records]
    last: dict[str, int] = {}
    for fact in records:
        last[fact.lane] = max(fact.seq, last.get(fact.lane, 0))
    lanes = sorted(last)

    def add(event: Event) -> None:
        lane = random.choice(lanes)
        last[lane] += 1
        time = random.randint(1, 12)
        made.append(Fact(lane, last[lane], replace(event, time=time, order=time)))

    messages = [fact.event for fact in records if fact.event.type == MESSAGE_APPENDED]
    for _ in range(random.randint(0, 3)):
        if messages:
            message = random.choice(messages)
            id = random.choice([message.id, "fork", *_UUIDS])
            add(replace(message, session=random.choice(["s1", "s2", "s3"]), id=id))
    if random.random() < 0.5:
        about = {"parent": random.choice(["s1", "s2"]), "title": "t"}
        add(Event("s3", "e1", "session.created", 0, 0, about))
    for _ in range(random.randint(1, 3)):
        data = _request(random, made, last)
        # two requests may have one id, and one may occur twice
        for _ in range(random.choice([1, 1, 2])):
            add(Event(FORGET, random.choice(["r1", "r2"]), ERASURE_REQUESTED, 0, 0, data))
    return made


def _request(random: Random, made: Sequence[Fact], last: dict[str, int]) -> dict[str, Any]:
    data: dict[str, Any] = {"key": KEY.id if random.random() < 0.9 else _OTHER}
    some = [random.choice(made).event for _ in range(random.randint(1, 3))]
    if random.random() < 0.25:
        data["sessions"] = [hashed("session", random.choice(["s1", "s2", "s3"]))]
    if random.random() < 0.6 or len(data) == 1:
        data["events"] = [hashed("event", [event.session, event.id]) for event in some]
    if random.random() < 0.5:
        data["messages"] = [_message_hash(random, event) for event in some]
    if random.random() < 0.5 and (texts := named_texts(random, made)):
        data["texts"] = texts
    if random.random() < 0.3:
        lanes = random.sample(sorted(last), random.randint(0, len(last)))
        data["reach"] = {lane: random.randint(0, last[lane]) for lane in lanes}
    return data


def _message_hash(random: Random, event: Event) -> str:
    """Return a hash of a message, or of a message within a new transcript."""
    id, data = event.id, event.data
    items = data.get("messages", [])
    if items and isinstance(items[0], dict):
        item = random.choice(items)
        id = item.get("id", id)
        data = {name: value for name, value in item.items() if name != "id"}
    named = _message_hashes({"timestamp": None, **data}, event.redacted)
    if event.redacted is not None and random.random() < 0.5:
        return event.redacted.original
    return random.choice(
        [
            hashed("line", random.choice([id, data.get("line", id), *_UUIDS])),
            Random(id).choice(named),  # noqa: S311 - a draw of its own keeps the sets of the seeds
            hashed("original", [MESSAGE_APPENDED, data]),
        ]
    )
