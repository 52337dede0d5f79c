"""What requests forget of an event."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from journal.erasure.hashes import event_hash, message_hashes, session_hash
from journal.erasure.request import Request, request_of
from journal.erasure.requests import Forgotten
from journal.format.event import Event
from journal.format.keyed_hash import Key
from journal.format.redacted import Redacted

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY = Key(bytes(range(32)))
OTHER = Key(bytes(32))
UUID = "0199c0de-0000-7000-8000-000000000001"
MOMENT = 1_700_000_000_000_000


def event(
    id: str = "m1", type: str = "message.appended", session: str = "s", **data: object
) -> Event:
    """Return an event."""
    return Event(session, id, type, 1, 1, data)


def forgotten(*requests: Request) -> Forgotten:
    """Return what requests with the key forget."""
    return Forgotten(requests, [KEY])


def request(
    sessions: Iterable[str] = (),
    events: Iterable[str] = (),
    messages: Iterable[str] = (),
    reach: dict[str, int] | None = None,
) -> Request:
    """Return a request with the key."""
    hashes = frozenset(sessions), frozenset(events), frozenset(messages)
    return Request("r1", 1, KEY.id, *hashes, reach)


def left(what: Forgotten, event: Event, lane: str = "L", seq: int = 1) -> Event | None:
    """Return what is left of an event."""
    return what.apply(event, lane, seq)[0]


def test_without_requests_nothing_is_forgotten() -> None:
    """`Forgotten` is false then, and gives each event as it is."""
    nothing = Forgotten(())
    assert not nothing
    assert nothing.apply(event(), "L", 1) == (event(), "")


def test_a_forgotten_session_has_no_events() -> None:
    """Every event of the session is forgotten, and no other one."""
    what = forgotten(request(sessions=[session_hash(KEY, "s")]))
    assert what.apply(event(), "L", 1) == (None, "r1")
    assert left(what, event(type="key.set", key="k", value=1)) is None
    assert left(what, event(session="s2")) == event(session="s2")


def test_a_message_is_forgotten_with_its_revisions() -> None:
    """The hash of session and id takes the message, and what revises it."""
    what = forgotten(request(events=[event_hash(KEY, "s", "m1")]))
    assert left(what, event()) is None
    assert left(what, event("x", "message.revised", message="m1", content="new")) is None
    other = event("x", "message.revised", message="m2", content="new")
    assert left(what, other) == other
    assert left(what, event(session="s2")) is not None


@pytest.mark.parametrize("which", range(3))
def test_a_message_is_forgotten_in_every_session(which: int) -> None:
    """Each of the hashes of line, of message and of original takes the copies in forks."""
    said: dict[str, Any] = {"role": "user", "content": "my secret", "timestamp": MOMENT}
    named = list(message_hashes(KEY, UUID, said))[which]
    what = forgotten(request(messages=[named]))
    assert left(what, event(UUID, session="fork", **said)) is None
    assert left(what, event("1" + UUID[1:], session="fork", **said | {"timestamp": 1})) is not None


def test_words_alone_do_not_name_a_message() -> None:
    """A message without a timestamp and with an own id has no hash that others could share."""
    assert list(message_hashes(KEY, "m1", {"role": "user", "content": "yes"})) == []


def test_the_hash_of_a_message_holds_what_the_format_says() -> None:
    """Role, content and timestamp; an absent content is null; the id where it is a uuid."""
    data = {"role": "tool", "timestamp": MOMENT, "model": "m"}
    assert list(message_hashes(KEY, UUID, data)) == [
        KEY.hash("line", UUID),
        KEY.hash("message", ["tool", None, MOMENT]),
        KEY.hash("original", ["message.appended", data]),
    ]
    assert len(list(message_hashes(KEY, UUID.upper(), data))) == 2


def test_a_redacted_message_is_named_by_its_original() -> None:
    """Rules of another version redact one message to other words: its original names both."""
    clear: dict[str, Any] = {"role": "user", "content": "my secret", "timestamp": MOMENT}
    original = KEY.hash("original", ["message.appended", clear])
    what = forgotten(request(messages=[original]))
    said = event(**clear | {"content": "my [redacted:password:1f3a9c]"})
    redacted = replace(said, redacted=Redacted(KEY.id, original, "own 1", {"password": 1}))
    assert left(what, redacted) is None
    assert left(what, event(**clear)) is None
    assert left(what, said) is not None
    other = replace(said, redacted=Redacted(OTHER.id, original, "own 1", {"password": 1}))
    assert left(what, other) is not None


def test_a_redacted_message_whose_original_is_not_known_is_named_by_its_data() -> None:
    """A message that a new transcript holds has no hash of its original: its data are hashed."""
    data = {"role": "user", "content": "my [redacted:password:1f3a9c]", "timestamp": MOMENT}
    redacted = Redacted(KEY.id, "", "own 1", {"password": 1})
    found = list(message_hashes(KEY, "m1", data, redacted))
    assert found == list(message_hashes(KEY, "m1", data))


def test_a_request_with_a_reach_forgets_only_what_was_there() -> None:
    """What is appended later, or in another lane, is not forgotten."""
    what = forgotten(request(sessions=[session_hash(KEY, "s")], reach={"L": 7}))
    assert left(what, event(), "L", 7) is None
    assert left(what, event(), "L", 8) is not None
    assert left(what, event(), "M", 1) is not None
    assert left(what, event(), "", 0) is not None


@pytest.mark.parametrize("type", ["message.removed", "message.archived", "message.restored"])
def test_an_id_is_forgotten_in_a_list(type: str) -> None:
    """The event is applied without the id, and forgotten if no id is left."""
    what = forgotten(request(events=[event_hash(KEY, "s", "m1")]))
    assert what.apply(event("x", type, messages=["m1", "m2"]), "L", 1) == (
        event("x", type, messages=["m2"]),
        "r1",
    )
    assert what.apply(event("x", type, messages=["m1"]), "L", 1) == (None, "r1")
    assert what.apply(event("x", type, messages=[]), "L", 1) == (event("x", type, messages=[]), "")


def test_a_message_is_forgotten_in_a_transcript() -> None:
    """A message that a transcript keeps or brings goes, and the others and the rest stay."""
    said = {"role": "user", "content": "secret", "timestamp": MOMENT}
    by_hash = KEY.hash("message", ["user", "secret", MOMENT])
    what = forgotten(request(events=[event_hash(KEY, "s", "m1")], messages=[by_hash]))
    whole = event(
        "t",
        "transcript.replaced",
        messages=[{"message": "m1"}, {"id": "m2", **said}, {"message": "m3"}],
        rest="archived",
    )
    reduced = event("t", "transcript.replaced", messages=[{"message": "m3"}], rest="archived")
    assert what.apply(whole, "L", 1) == (reduced, "r1")
    assert what.apply(reduced, "L", 1) == (reduced, "")
    empty = event("t", "transcript.replaced", messages=[{"id": "m1", "role": "user"}])
    assert left(what, empty) == event("t", "transcript.replaced", messages=[])


@pytest.mark.parametrize("type", ["session.created", "session.ensured", "session.revised"])
def test_a_forgotten_session_is_no_parent(type: str) -> None:
    """The id of a forgotten session does not stay in the fields of its forks."""
    what = forgotten(request(sessions=[session_hash(KEY, "secret")]))
    assert left(what, event(type=type, parent="secret", title="t")) == event(type=type, title="t")
    kept = event(type=type, parent="s2")
    assert left(what, kept) == kept


def test_the_events_of_erasure_are_never_forgotten() -> None:
    """A request cannot hide another one."""
    what = forgotten(
        request(sessions=[session_hash(KEY, "@forget")], events=[event_hash(KEY, "@forget", "r0")])
    )
    assert left(what, event("r0", "erasure.requested", "@forget")) is not None


def test_a_key_that_the_journal_lacks_is_named() -> None:
    """What such a request forgets cannot be determined; the others count."""
    requests = [
        request(sessions=[session_hash(KEY, "s")]),
        Request("r2", 1, OTHER.id, sessions=frozenset([session_hash(OTHER, "s2")])),
    ]
    what = Forgotten(requests, [KEY])
    assert what.unknown_keys == (OTHER.id,)
    assert left(what, event()) is None
    assert left(what, event(session="s2")) is not None
    assert Forgotten(requests, [OTHER, KEY]).unknown_keys == ()
    assert left(Forgotten(requests, [OTHER, KEY]), event(session="s2")) is None


def test_requests_count_in_any_order_and_number() -> None:
    """Of two requests with one id both count: what was asked to be forgotten stays forgotten."""
    one = request(sessions=[session_hash(KEY, "s")])
    two = request(sessions=[session_hash(KEY, "s2")])
    assert forgotten(one, two, one).requests == forgotten(one, two).requests
    for what in (forgotten(one, two), forgotten(two, one)):
        assert left(what, event()) is None
        assert left(what, event(session="s2")) is None


@pytest.mark.parametrize(
    "odd",
    [
        event("r", "erasure.requested", "s", key=KEY.id),
        event("r", "message.appended", "@forget", key=KEY.id),
        event("r", "erasure.requested", "@forget", sessions=[]),
        event("r", "erasure.requested", "@forget", key=KEY.id, reach=[]),
        event("r", "erasure.requested", "@forget", key=7),
    ],
)
def test_what_is_no_request_has_no_effect(odd: Event) -> None:
    """A wrong session, or a key or reach of another kind: the event forgets nothing."""
    assert request_of(odd) is None


def test_fields_of_another_kind_are_ignored() -> None:
    """Another program's request counts as far as it can be read."""
    odd = event(
        "r",
        "erasure.requested",
        "@forget",
        key=KEY.id,
        sessions="x",
        events=[7, "h"],
        reach={"L": "7", "M": 1},
        reason=3,
    )
    assert request_of(odd) == Request("r", 1, KEY.id, events=frozenset(["h"]), reach={"M": 1})
