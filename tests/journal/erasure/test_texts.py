"""Texts that requests redact: the events that readers see, and how a request is written."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.erasure.hashes import event_hash, message_hashes
from journal.erasure.marked import Marked
from journal.erasure.request import Request, request_of
from journal.erasure.requests import Forgotten
from journal.erasure.texts import text_hash
from journal.format.event import Event, is_same
from journal.format.keyed_hash import Key
from journal.format.redacted import Redacted, mark
from journal.redact.redactor import Redactor
from journal.redact.setup import own_rules
from journal.redact.values import _LEFT as LEFT
from tests.support.redaction.document import DOC, block, program

KEY = Key(b"k" * 32)
OTHER = Key(b"o" * 32)
CLEAR = "My password is hunter2."
MARKED = "My password is [redacted:password:406a37]."
ENTRY = Marked(23, ((15, 22, "[redacted:password:406a37]"),))
T = 1_700_000_000_000_000
REDACTOR = Redactor([own_rules()], lambda: KEY)


def event(type: str = "message.appended", **data: object) -> Event:
    """Return an event."""
    return Event("s", "m1", type, 1, 2, data)


def naming(*names: str, id: str = "r1", key: Key = KEY, **more: Any) -> Request:  # noqa: ANN401 - fields of a request
    """Return a request that redacts the clear text under some names."""
    return Request(id, 1, key.id, texts={text_hash(key, n, CLEAR): ENTRY for n in names}, **more)


def left(request: Request, of: Event, lane: str = "L", seq: int = 1) -> Event | None:
    """Return what a request leaves of an event."""
    return Forgotten([request], [KEY, OTHER]).apply(of, lane, seq)[0]


def test_a_named_text_has_its_marks_and_the_event_says_so() -> None:
    """The event is the one that a writer with these rules would have written."""
    clear = event(role="user", content=CLEAR)
    found, by = Forgotten([naming("content")], [KEY]).apply(clear, "L", 1)
    assert by == "r1"
    original = KEY.hash("original", ["message.appended", clear.data])
    content = KEY.hash("content", CLEAR)
    redacted = Redacted(KEY.id, original, "request", {"password": 1}, content)
    assert found == Event(
        "s", "m1", "message.appended", 1, 2, {"role": "user", "content": MARKED}, redacted
    )
    written = Redacted(KEY.id, original, "rules 9", {"password": 1})
    assert is_same(found, Event("s", "m1", "message.appended", 9, 9, found.data, written))
    assert is_same(found, clear)


@pytest.mark.parametrize(
    ("type", "data"),
    [
        ("message.appended", {"role": "user", "content": ["@", {"type": "text", "text": "-"}]}),
        ("message.appended", {"role": "user", "extra": {"content": [["@"]]}}),
        ("message.revised", {"message": "m1", "content": "@"}),
        ("transcript.replaced", {"messages": [{"id": "m1", "role": "user", "content": "@"}]}),
        ("key.set", {"key": "content", "value": "@"}),
        ("x", {"a": {"content": ["-", "@"]}}),
    ],
)
def test_a_text_is_redacted_wherever_it_is(type: str, data: dict[str, Any]) -> None:
    """In parts, lists and objects, under the name that the request means."""
    spelled = json.dumps(data)
    clear = event(type, **json.loads(spelled.replace("@", CLEAR)))
    found = left(naming("content"), clear)
    assert found is not None
    assert found.data == json.loads(spelled.replace("@", MARKED))


@pytest.mark.parametrize(
    ("type", "data"),
    [
        ("message.appended", {"role": CLEAR, "source": CLEAR, "parent": CLEAR}),
        ("message.appended", {"role": "user", "reasoning": CLEAR, "extra": {CLEAR: 1}}),
        ("message.appended", {"role": "user", "content": CLEAR[:-1]}),
        ("message.removed", {"messages": [CLEAR]}),
        ("key.set", {"key": CLEAR, "value": 1}),
        ("transcript.replaced", {"messages": 7}),
        ("transcript.replaced", {"messages": [CLEAR]}),
        ("erasure.requested", {"content": CLEAR}),
    ],
)
def test_everything_else_is_left(type: str, data: dict[str, Any]) -> None:
    """Ids, names, other texts, texts under another name, and data of another form."""
    clear = event(type, **data)
    assert left(naming("content"), clear) is clear


def test_what_was_redacted_before_keeps_its_key_and_its_original() -> None:
    """The names of the rules are joined, and the marks are added to the counts."""
    before = Redacted(OTHER.id, "1" * 32, "journal 1", {"password": 2, "token": 1})
    clear = Event("s", "m1", "message.appended", 1, 2, {"content": CLEAR}, before)
    found = left(naming("content"), clear)
    assert found is not None
    assert found.redacted == Redacted(
        OTHER.id, "1" * 32, "journal 1+request", {"password": 3, "token": 1}
    )


def test_a_redacted_text_can_be_redacted_again() -> None:
    """Later rules find more; it is the same in one step and in two."""
    both = f"token=abc {CLEAR}"
    first = Marked(len(both), ((25, 32, "[redacted:password:406a37]"),))
    once = first.apply(both)
    second = Marked(len(once), ((6, 9, "[redacted:token:0a0a0a]"),))
    one = Request("r2", 1, KEY.id, texts={text_hash(KEY, "content", both): first})
    two = Request("r1", 1, KEY.id, texts={text_hash(KEY, "content", once): second})
    clear = event(content=both)
    whole = Forgotten([one, two], [KEY]).apply(clear, "L", 1)[0]
    half = left(one, clear)
    assert half is not None
    assert whole == Forgotten([one, two], [KEY]).apply(half, "L", 1)[0]
    assert whole is not None
    assert whole.data["content"] == second.apply(once)
    assert whole.redacted is not None
    assert whole.redacted.counts == {"password": 1, "token": 1}


def test_of_two_requests_the_lowest_counts() -> None:
    """In any order; one that names no more, or whose key is not known, changes nothing."""
    other = Marked(23, ((0, 23, "[redacted:all:000000]"),))
    name = text_hash(KEY, "content", CLEAR)
    low = Request("r1", 1, KEY.id, texts={name: ENTRY})
    high = Request("r2", 1, KEY.id, texts={name: other})
    clear = event(content=CLEAR)
    for requests in ([low, high], [high, low]):
        found = Forgotten(requests, [KEY]).apply(clear, "L", 1)[0]
        assert found is not None
        assert found.data["content"] == MARKED
    assert Forgotten([low], [KEY]).covers(high)
    assert not Forgotten([high], [KEY]).covers(low)
    assert Forgotten([high], [KEY]).covers(Request("r0", 1, KEY.id, texts={name: other}))
    assert not Forgotten([low], [KEY]).covers(naming("extra"))
    assert left(naming("content", key=Key(b"z" * 32)), clear) is clear


def test_a_request_with_a_reach_redacts_only_what_was_there() -> None:
    """What is appended later stays as it is."""
    request = naming("content", reach={"L": 7})
    clear = event(content=CLEAR)
    assert left(request, clear, "L", 7) is not clear
    assert left(request, clear, "L", 8) is clear
    assert left(request, clear, "", 0) is clear


def test_requests_that_lead_in_a_circle_end() -> None:
    """Only a program that means harm writes them."""
    marks = [f"[redacted:a:00000{n}]" for n in range(2)]
    texts = {
        text_hash(KEY, "content", marks[n]): Marked(len(marks[n]), ((0, 19, marks[1 - n]),))
        for n in range(2)
    }
    request = Request("r1", 1, KEY.id, texts=texts)
    found = left(request, event(content=marks[0]))
    assert found is not None
    assert found.data["content"] == marks[1]


def test_what_is_forgotten_by_its_clear_or_its_redacted_text_stays_forgotten() -> None:
    """Requests that name the message before it was redacted, and after."""
    clear: dict[str, Any] = {"role": "user", "content": CLEAR, "timestamp": T}
    for data in (clear, clear | {"content": MARKED}):
        hashes = frozenset(message_hashes(KEY, "m1", data))
        forget = Request("r0", 1, KEY.id, messages=hashes)
        what = Forgotten([naming("content"), forget], [KEY])
        assert what.apply(event(**clear), "L", 1)[0] is None
        transcript = event("transcript.replaced", messages=[{"id": "m1", **clear}])
        found = what.apply(transcript, "L", 1)[0]
        assert found is not None
        assert found.data["messages"] == []


def test_a_transcript_that_loses_a_message_tells_nothing_of_it() -> None:
    """Its counts are those of the marks that are left, in whatever order it was redacted."""
    items = [{"id": id, "role": "user", "content": CLEAR} for id in ("m8", "m9")]
    clear = event("transcript.replaced", messages=items)
    forget = Request("r0", 1, KEY.id, events=frozenset([event_hash(KEY, "s", "m8")]))
    redact = naming("content")
    whole = Forgotten([forget, redact], [KEY])
    found = whole.apply(clear, "L", 1)[0]
    assert found is not None
    assert found.redacted == Redacted(KEY.id, "", "request", {"password": 1})
    for first, second in ((forget, redact), (redact, forget)):
        half = left(first, clear)
        assert half is not None
        assert whole.apply(half, "L", 1)[0] == found
        assert left(second, half) == found


_ODD: list[Any] = [
    7,
    {},
    {"length": 23},
    {"length": 23, "marks": []},
    {"length": 23, "marks": [[15, 22]]},
    {"length": 23, "marks": [[15, 22, "hunter2"]]},
    {"length": 21, "marks": [[15, 22, "[redacted:password:406a37]"]]},
    {"length": 23, "marks": [[15, 15, "[redacted:password:406a37]"]]},
    {"length": 23, "marks": [[True, 22, "[redacted:password:406a37]"]]},
    {"length": -1, "marks": [[15, 22, "[redacted:password:406a37]"]]},
    {"length": 23, "marks": [[9, 22, "[redacted:a:406a37]"], [15, 22, "[redacted:a:406a37]"]]},
]


@pytest.mark.parametrize("odd", _ODD)
def test_what_cannot_be_carried_out_has_no_effect(odd: object) -> None:
    """Another program's request counts as far as it can be read."""
    name = text_hash(KEY, "content", CLEAR)
    data = {"key": KEY.id, "texts": {name: odd, "x": ENTRY.fields()}}
    found = request_of(Event("@forget", "r1", "erasure.requested", 1, 1, data))
    assert found == Request("r1", 1, KEY.id, texts={"x": ENTRY})


def test_a_request_is_written_and_read() -> None:
    """Its data give the same request again."""
    request = naming("content", "extra", scope="redaction")
    data = json.loads(json.dumps(request.data()))
    assert request_of(Event("@forget", "r1", "erasure.requested", 1, 1, data)) == request


@given(
    st.lists(st.sampled_from(["a", "b\n", "京", "x=", mark("k", "00000a"), "secret"]), max_size=9)
)
def test_any_text_becomes_what_the_redactor_made_of_it(parts: list[str]) -> None:
    """Whatever surrounds the secrets, and marks that were there before."""
    text = "".join(parts)
    new = text.replace("secret", mark("s", "123abc"))
    if new != text:
        found = Marked.between(text, new)
        assert Marked.of(found.fields()) == found
        assert found.apply(text) == new


def test_a_text_that_was_written_anew_becomes_one_mark() -> None:
    """As JSON in which a key occurs twice: no piece of it may stay beside the mark."""
    found = Marked.between('{"a":"x","a":1}', f'{{"a": "{mark("s", "123abc")}"}}')
    assert found.apply('{"a":"x","a":1}') == mark("s", "123abc")


@pytest.mark.parametrize(
    "text",
    [
        "DB_PASSWORD=Tr0ub4dor-3 and gh" + "p_" + "aB3" * 12,
        '{"password":"Tr0ub4dor-3","note":"Tr0ub4dor-3", "n":[1,  2]}',
        f'{{"password": "Tr0ub4dor-3", "old": "{mark("password", "00000a")}"}}',
    ],
)
def test_what_this_program_redacts_can_be_said_in_a_request(text: str) -> None:
    """The event of a request is that of a redacting writer, but for the names of the rules."""
    clear = event(role="user", content=text, extra={"env": {"password": "Tr0ub4dor-3"}})
    texts: dict[str, Marked] = {}

    def see(name: str, text: str, new: str) -> None:
        texts[text_hash(KEY, name, text)] = Marked.between(text, new)

    REDACTOR.redact_texts(clear.type, clear.data, see)
    found = left(Request("r1", 1, KEY.id, texts=texts), clear)
    data, redacted = REDACTOR.redact(clear.type, clear.data)
    assert found is not None
    assert redacted is not None
    assert found.data == data
    assert found.redacted == replace(redacted, rules="request")
    assert "Tr0ub" not in json.dumps(data["extra"])
    if text[0] == "{":
        json.loads(data["content"])


def test_the_document_redacts_the_text_of_its_example() -> None:
    """The entry, the hash and the program of the document agree with this program."""
    entry = json.loads(block("redaction"))
    assert entry == {text_hash(KEY, "content", CLEAR): ENTRY.fields()}
    redact_text = program("hashes", "texts")["redact_text"]
    assert redact_text(KEY.secret, entry, "content", CLEAR) == MARKED
    assert redact_text(KEY.secret, entry, "extra", CLEAR) == CLEAR
    names = DOC[DOC.index("with the names `call_id`") :]
    listed = names[: names.index(" are no texts")].removeprefix("with the names ").split(", ")
    assert Counter(listed) == Counter(f"`{name}`" for name in LEFT)
