"""Which events, and which parts of an event, requests forget."""

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
    """Return the parts of an event that are not forgotten."""
    return what.apply(event, lane, seq)[0]


def test_without_requests_nothing_is_forgotten() -> None:
    """`Forgotten` is false then, and returns each event unchanged."""
    nothing = Forgotten(())
    assert not nothing
    assert nothing.apply(event(), "L", 1) == (event(), "")


def test_a_forgotten_session_has_no_events() -> None:
    """Every event of the session is forgotten, and no event of another session."""
    what = forgotten(request(sessions=[session_hash(KEY, "s")]))
    assert what.apply(event(), "L", 1) == (None, "r1")
    assert left(what, event(type="key.set", key="k", value=1)) is None
    assert left(what, event(session="s2")) == event(session="s2")


def test_a_message_is_forgotten_with_its_revisions() -> None:
    """The hash of session and id forgets the message and its revisions."""
    what = forgotten(request(events=[event_hash(KEY, "s", "m1")]))
    assert left(what, event()) is None
    assert left(what, event("x", "message.revised", message="m1", content="new")) is None
    other = event("x", "message.revised", message="m2", content="new")
    assert left(what, other) == other
    assert left(what, event(session="s2")) is not None


@pytest.mark.parametrize("which", range(4))
def test_a_message_is_forgotten_in_all_sessions(which: int) -> None:
    """The hash of the line, of the message or of the original also forgets copies in forks."""
    message: dict[str, Any] = {"role": "user", "content": "my secret", "timestamp": MOMENT}
    named = list(message_hashes(KEY, UUID, message))[which]
    what = forgotten(request(messages=[named]))
    assert left(what, event(UUID, session="fork", **message)) is None
    assert (
        left(what, event("1" + UUID[1:], session="fork", **message | {"timestamp": 1})) is not None
    )


def test_the_text_alone_does_not_name_a_message() -> None:
    """A message with an own id and without a timestamp has no hash that another one could have."""
    assert list(message_hashes(KEY, "m1", {"role": "user", "content": "yes"})) == []


def test_the_hash_of_a_message_is_that_of_the_format() -> None:
    """It covers role, content and timestamp, with null for no content; the id if it is a uuid."""
    data = {"role": "tool", "timestamp": MOMENT, "model": "m"}
    assert list(message_hashes(KEY, UUID, data)) == [
        KEY.hash("line", UUID),
        KEY.hash("message", ["tool", None, MOMENT]),
        KEY.hash("message", ["tool", KEY.hash("content", None), MOMENT]),
        KEY.hash("original", ["message.appended", data]),
    ]
    assert len(list(message_hashes(KEY, UUID.upper(), data))) == 3


def test_a_redacted_message_is_named_by_its_original() -> None:
    """Two versions of the rules redact a message differently; the hash of its original is one."""
    clear: dict[str, Any] = {"role": "user", "content": "my secret", "timestamp": MOMENT}
    original = KEY.hash("original", ["message.appended", clear])
    what = forgotten(request(messages=[original]))
    message = event(**clear | {"content": "my [redacted:password:1f3a9c]"})
    redacted = replace(message, redacted=Redacted(KEY.id, original, "own 1", {"password": 1}))
    assert left(what, redacted) is None
    assert left(what, event(**clear)) is None
    assert left(what, message) is not None
    other = replace(message, redacted=Redacted(OTHER.id, original, "own 1", {"password": 1}))
    assert left(what, other) is not None


_CLEAR = "my pass1 and my token2"
_FORMS = {
    "in clear": (_CLEAR, None),
    "by old rules": ("my [redacted:password:1f3a9c] and my token2", KEY),
    "by new rules": ("my [redacted:password:1f3a9c] and my [redacted:token:0a0a0a]", KEY),
    "with another key": ("my [redacted:password:bbbbbb] and my [redacted:token:bbbbbb]", OTHER),
    "of an export": ("my [redacted:secret:cccccc] and my [redacted:token:cccccc]", None),
}


def _form(name: str, parent: str) -> Event:
    """Return the same message in one of its forms; its parent, and so its original, are others."""
    content, key = _FORMS[name]
    found = event(parent + UUID[1:], role="user", timestamp=MOMENT, content=content, parent=parent)
    if key is None:
        return found
    original = key.hash("original", [found.type, {**found.data, "content": _CLEAR}])
    redacted = Redacted(key.id, original, "own", {}, key.hash("content", _CLEAR))
    return replace(found, redacted=redacted)


@pytest.mark.parametrize("named", _FORMS)
def test_a_message_is_forgotten_in_each_form_that_has_a_hash_of_another(named: str) -> None:
    """By its content in clear where that is known, else by its text without the digits of marks."""
    first = _form(named, "1")
    hashes = message_hashes(KEY, first.id, first.data, first.redacted)
    what = forgotten(request(messages=hashes))
    known = {"in clear", "by old rules", "by new rules"}
    alike = {"by new rules", "with another key", "of an export"}
    expected = (known if named in known else set()) | (alike if named in alike else set())
    assert {name for name in _FORMS if left(what, _form(name, "2")) is None} == expected
    other = event("3" + UUID[1:], role="user", timestamp=MOMENT, content="my [redacted] yes")
    assert left(what, other) is other


def test_a_redacted_message_without_an_original_is_named_by_its_data() -> None:
    """A message in a new transcript has no hash of its original, so its data are hashed."""
    data = {"role": "user", "content": "my [redacted:password:1f3a9c]", "timestamp": MOMENT}
    redacted = Redacted(KEY.id, "", "own 1", {"password": 1})
    found = list(message_hashes(KEY, "m1", data, redacted))
    assert found == list(message_hashes(KEY, "m1", data))


def test_a_request_with_a_reach_forgets_only_earlier_events() -> None:
    """Events that are appended later, or in another lane, are not forgotten."""
    what = forgotten(request(sessions=[session_hash(KEY, "s")], reach={"L": 7}))
    assert left(what, event(), "L", 7) is None
    assert left(what, event(), "L", 8) is not None
    assert left(what, event(), "M", 1) is not None
    assert left(what, event(), "", 0) is not None


@pytest.mark.parametrize("type", ["message.removed", "message.archived", "message.restored"])
def test_an_id_is_forgotten_in_a_list(type: str) -> None:
    """The event is applied without the id, and forgotten if its list would be empty."""
    what = forgotten(request(events=[event_hash(KEY, "s", "m1")]))
    assert what.apply(event("x", type, messages=["m1", "m2"]), "L", 1) == (
        event("x", type, messages=["m2"]),
        "r1",
    )
    assert what.apply(event("x", type, messages=["m1"]), "L", 1) == (None, "r1")
    assert what.apply(event("x", type, messages=[]), "L", 1) == (event("x", type, messages=[]), "")


def test_a_message_is_forgotten_in_a_transcript() -> None:
    """A forgotten message is removed from a transcript; the other messages and fields stay."""
    message = {"role": "user", "content": "secret", "timestamp": MOMENT}
    by_hash = KEY.hash("message", ["user", "secret", MOMENT])
    what = forgotten(request(events=[event_hash(KEY, "s", "m1")], messages=[by_hash]))
    whole = event(
        "t",
        "transcript.replaced",
        messages=[{"message": "m1"}, {"id": "m2", **message}, {"message": "m3"}],
        rest="archived",
    )
    reduced = event("t", "transcript.replaced", messages=[{"message": "m3"}], rest="archived")
    assert what.apply(whole, "L", 1) == (reduced, "r1")
    assert what.apply(reduced, "L", 1) == (reduced, "")
    empty = event("t", "transcript.replaced", messages=[{"id": "m1", "role": "user"}])
    assert left(what, empty) == event("t", "transcript.replaced", messages=[])


@pytest.mark.parametrize("type", ["session.created", "session.ensured", "session.revised"])
def test_a_forgotten_session_is_no_parent(type: str) -> None:
    """The id of a forgotten session is removed from the fields of its forks."""
    what = forgotten(request(sessions=[session_hash(KEY, "secret")]))
    assert left(what, event(type=type, parent="secret", title="t")) == event(type=type, title="t")
    kept = event(type=type, parent="s2")
    assert left(what, kept) == kept


def test_the_events_of_erasure_are_never_forgotten() -> None:
    """A request cannot hide another request."""
    what = forgotten(
        request(sessions=[session_hash(KEY, "@forget")], events=[event_hash(KEY, "@forget", "r0")])
    )
    assert left(what, event("r0", "erasure.requested", "@forget")) is not None


def test_a_key_that_the_journal_lacks_is_named() -> None:
    """What such a request forgets cannot be determined; the other requests are in force."""
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


def test_all_requests_are_in_force_in_any_order() -> None:
    """Two requests with one id are both in force, so that nothing forgotten is shown again."""
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
def test_an_invalid_request_has_no_effect(odd: Event) -> None:
    """An event of a wrong session, or with a wrong key or reach, forgets nothing."""
    assert request_of(odd) is None


def test_fields_of_the_wrong_type_are_ignored() -> None:
    """A request of another program is in force as far as it can be read."""
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
