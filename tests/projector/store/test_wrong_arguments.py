"""Arguments of the wrong kind or out of range: one rule for every public method.

The error says which argument it is, what it must be, and what was given. It is raised before
anything is written.
"""

from __future__ import annotations

import copy
import math
import pickle
from typing import TYPE_CHECKING, Any

import pytest

import journal
from journal import EventError, Journal, JournalOpenError, Position
from projector import ABSENT, Claim, Look, Projection, QueryError, SessionStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Call = Callable[[Any, Any], object]

NO_TEXT: tuple[object, ...] = (None, 5, [], b"x", "\ud800")
NO_COUNT = (None, 1.5, "5", -1, 2**70, True)
NO_TIME: tuple[object, ...] = (None, "5", [], -1, math.nan, True)
NO_LENGTH = (*NO_TIME, 0, math.inf, 1e18)
NO_POSITION = (None, "x", ("lane", 1), Position("lane", -1), Position("lane", 2**70))
NO_FUNCTION = (None, 5, "SELECT 1")
LATER = "0199c0de-0000-7000-8000-000000000001:1"

WRITES: dict[str, tuple[str, tuple[object, ...], Call]] = {
    "acquire name": (
        "name",
        (*NO_TEXT, ""),
        lambda s, v: s.claims.acquire(v, holder="h", seconds=5),
    ),
    "acquire holder": ("holder", NO_TEXT, lambda s, v: s.claims.acquire("n", holder=v, seconds=5)),
    "acquire seconds": (
        "seconds",
        NO_LENGTH,
        lambda s, v: s.claims.acquire("n", holder="h", seconds=v),
    ),
    "renew claim": ("claim", (None, "n"), lambda s, v: s.claims.renew(v, seconds=5)),
    "renew seconds": ("seconds", NO_LENGTH, lambda s, v: s.claims.renew(_claim(), seconds=v)),
    "release": ("claim", (None, "n"), lambda s, v: s.claims.release(v)),
    "set key": ("key", (*NO_TEXT, ""), lambda s, v: s.keys.set(v, 1)),
    "set namespace": (
        "namespace",
        (*NO_TEXT, "", "x"),
        lambda s, v: s.keys.set("k", 1, namespace=v),
    ),
    "set value": ("value", ((1,), math.nan, {1}, 2**70), lambda s, v: s.keys.set("k", v)),
    "delete key": ("key", (*NO_TEXT, ""), lambda s, v: s.keys.delete(v)),
    "delete namespace": (
        "namespace",
        (*NO_TEXT, "x"),
        lambda s, v: s.keys.delete("k", namespace=v),
    ),
    "compare key": (
        "key",
        (*NO_TEXT, ""),
        lambda s, v: s.keys.compare_and_set(v, 1, expected=ABSENT),
    ),
    "compare namespace": (
        "namespace",
        (*NO_TEXT, "x"),
        lambda s, v: s.keys.compare_and_set("k", 1, expected=ABSENT, namespace=v),
    ),
    "compare value": (
        "value",
        ((1,), math.nan, ABSENT),
        lambda s, v: s.keys.compare_and_set("k", v, expected=ABSENT),
    ),
    "compare expected": (
        "expected",
        ((1,), math.nan, {1}, 2**70),
        lambda s, v: s.keys.compare_and_set("k", 1, expected=v),
    ),
    "claim_title session": ("session", NO_TEXT, lambda s, v: s.claim_title(v, "t")),
    "claim_title title": ("title", (*NO_TEXT, ""), lambda s, v: s.claim_title("s", v)),
    "revise clear": (
        r"clear\[0\] must be a string",
        (None, 5, []),
        lambda s, v: s.revise("s", clear=[v]),
    ),
    "set_title": ("title", NO_TEXT, lambda s, v: s.set_title("s", v)),
    "create": ("session", (5, [], ""), lambda s, v: s.create(v)),
    "end": ("session", NO_TEXT, lambda s, v: s.end(v)),
    "delete": ("session", NO_TEXT, lambda s, v: s.delete(v)),
    "clear": ("session", NO_TEXT, lambda s, v: s.clear(v)),
    "append role": ("role", (5, []), lambda s, v: s.append("s", v, "x")),
    "flush": ("messages", (None, 5, "abc"), lambda s, v: s.flush("s", v)),
    "flush session": ("session", NO_TEXT, lambda s, v: s.flush(v, [])),
    "replace_messages": ("messages", (None, 5), lambda s, v: s.replace_messages("s", v)),
    "remove_messages session": ("session", NO_TEXT, lambda s, v: s.remove_messages(v, [])),
    "remove_messages ids": ("ids", (None, 5, "m"), lambda s, v: s.remove_messages("s", v)),
    "add_usage": ("input_tokens", ("5", -1, 1.5), lambda s, v: s.add_usage("s", input_tokens=v)),
    "add": ("events", (None, 5, "x"), lambda s, v: s.add(v)),
    "decide": ("question", NO_FUNCTION, lambda s, v: s.decide(v)),
    "decide answer": ("question", (5, None, (1, 2, 3)), lambda s, v: s.decide(lambda _: v)),
    "decide events": ("events", (5, None, "x"), lambda s, v: s.decide(lambda _: (1, v))),
    "prune": ("before", (None, [], "x", True), lambda s, v: s.prune(v)),
    "journal.read session": (
        "session",
        (5, []),
        lambda s, v: journal.read(s.journal.path, session=v),
    ),
    "journal.read types": (
        "types",
        (5, [5], b"x"),
        lambda s, v: journal.read(s.journal.path, types=v),
    ),
    "journal.read on_damage": (
        "on_damage",
        (5, "x"),
        lambda s, v: journal.read(s.journal.path, on_damage=v),
    ),
}
"""Method and argument: the beginning of the message, the wrong values, and the call."""

TEXT_READS: dict[str, tuple[str, tuple[object, ...], Call]] = {
    "get key": ("key", (*NO_TEXT, ""), lambda s, v: s.keys.get(v)),
    "get namespace": ("namespace", (*NO_TEXT, "x"), lambda s, v: s.keys.get("k", namespace=v)),
    "items": ("namespace", (*NO_TEXT, "x"), lambda s, v: s.keys.items(v)),
    "claims.get": ("name", NO_TEXT, lambda s, v: s.claims.get(v)),
    "session": ("name", (*NO_TEXT, 2**70), lambda s, v: s.session(v)),
    "exists": ("name", NO_TEXT, lambda s, v: s.exists(v)),
    "messages": ("session", NO_TEXT, lambda s, v: s.messages(v)),
    "rewind session": ("session", NO_TEXT, lambda s, v: s.rewind(v, "m")),
    "rewind id": ("id", NO_TEXT, lambda s, v: s.rewind("s", v)),
    "sessions source": ("source", NO_TEXT[1:], lambda s, v: s.sessions(source=v)),
    "sessions parent": ("parent", NO_TEXT[1:], lambda s, v: s.sessions(parent=v)),
    "prune source": ("source", NO_TEXT[1:], lambda s, v: s.prune("2026-01-01T00:00:00Z", source=v)),
    "search query": ("query", NO_TEXT, lambda s, v: s.search(v)),
    "search role": ("role", NO_TEXT[1:], lambda s, v: s.search("a", role=v)),
    "search source": ("source", NO_TEXT[1:], lambda s, v: s.search("a", source=v)),
    "search session": ("session", NO_TEXT[1:], lambda s, v: s.search("a", session=v)),
    "projection.session": ("name", NO_TEXT, lambda s, v: s.projection.session(v)),
    "projection.messages": ("session", NO_TEXT, lambda s, v: s.projection.messages(v)),
    "projection.conversation": ("name", NO_TEXT, lambda s, v: s.projection.conversation(v)),
    "look.open": ("look.open", NO_TEXT, lambda s, v: s.search("a", look=Look(open=v))),
}
"""The same for texts that are searched for; they raise QueryError."""

READS: dict[str, tuple[str, tuple[object, ...], Call]] = {
    "sessions limit": ("limit", NO_COUNT, lambda s, v: s.sessions(limit=v)),
    "sessions offset": ("offset", NO_COUNT, lambda s, v: s.sessions(offset=v)),
    "projection.sessions": ("limit", NO_COUNT, lambda s, v: s.projection.sessions(limit=v)),
    "projection.sessions offset": (
        "offset",
        NO_COUNT,
        lambda s, v: s.projection.sessions(offset=v),
    ),
    "search limit": ("limit", (*NO_COUNT, 0), lambda s, v: s.search("a", limit=v)),
    "search offset": ("offset", NO_COUNT, lambda s, v: s.search("a", offset=v)),
    "search context": ("context", NO_COUNT, lambda s, v: s.search("a", context=v)),
    "search sort": ("sort", (None, "x", []), lambda s, v: s.search("a", sort=v)),
    "search look": ("look", (5, "x"), lambda s, v: s.search("a", look=v)),
    "search look.width": (
        "look.width",
        (*NO_COUNT, 0),
        lambda s, v: s.search("a", look=Look(width=v)),
    ),
    "wait_for": ("position", NO_POSITION, lambda s, v: s.wait_for(v)),
    "wait_for timeout": (
        "timeout",
        NO_TIME,
        lambda s, v: s.wait_for(Position.parse(LATER), timeout=v),
    ),
    "has": ("position", NO_POSITION, lambda s, v: s.projection.has(v)),
    "after": ("position", NO_POSITION[1:], lambda s, v: s.projection.after(v)),
    "after timeout": ("timeout", NO_TIME, lambda s, v: s.projection.after(None, v)),
    "read": ("query", NO_FUNCTION, lambda s, v: s.read(v)),
    "peek": ("query", NO_FUNCTION, lambda s, v: s.projection.peek(v)),
    "read patience": (
        "patience",
        NO_TIME,
        lambda s, v: s.projection.read(lambda _: 1, patience=v),
    ),
    "catch_up patience": (
        "patience",
        NO_TIME,
        lambda s, v: s.projection.catch_up(patience=v),
    ),
    "store timeout": ("timeout", NO_TIME, lambda s, v: SessionStore(s.journal.path, timeout=v)),
    "projection timeout": (
        "timeout",
        NO_TIME[1:],
        lambda s, v: Projection(s.journal.path, timeout=v),
    ),
}
"""The same for numbers, positions and functions; they raise ValueError."""

CASES = [
    (error, name, value)
    for error, table in ((EventError, WRITES), (QueryError, TEXT_READS), (ValueError, READS))
    for name, (_, values, _) in table.items()
    for value in values
]


def _claim() -> Claim:
    return Claim("n", "h", 1, 0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SessionStore]:
    """A store with one message."""
    with SessionStore(tmp_path_factory.mktemp("journal") / "j") as store:
        store.append("s", "user", "a", id="m")
        yield store


@pytest.mark.parametrize(
    ("error", "name", "value"), CASES, ids=[f"{name}-{value!r:.20}" for _, name, value in CASES]
)
def test_a_wrong_argument_is_named(
    store: SessionStore, error: type[ValueError], name: str, value: object
) -> None:
    """The error has the documented type and names the argument, and nothing was written."""
    argument, _, call = (WRITES | TEXT_READS | READS)[name]
    before = store.journal.ends()
    with pytest.raises(error, match=rf"^{argument}\b|^.+ must be .*{argument}|data\.{argument}"):
        call(store, value)
    assert store.journal.ends() == before
    assert [message.id for message in store.messages("s")] == ["m"]


@pytest.mark.parametrize("path", [None, 5, b"x"])
@pytest.mark.parametrize("opened", [Journal, Projection, SessionStore, journal.read])
def test_a_path_of_the_wrong_kind_is_named(opened: Callable[[Any], object], path: object) -> None:
    """Every function that opens a journal raises the same error for a path of the wrong type."""
    with pytest.raises(JournalOpenError, match=r"path must be a string or an os\.PathLike, not"):
        opened(path)


@pytest.mark.parametrize(
    "text",
    [
        *(None, 5, b"x", "", "x", ":", "x:1"),
        *(
            f"{LATER[:-1]}{number}"
            for number in ("0", "-1", " 1", "01", "+1", "1_0", "\u0661", "", "9" * 400)
        ),
        LATER.upper(),
        f" {LATER}",
        f"{LATER}\n",
        f"{LATER}:1",
    ],
)
def test_only_the_printed_form_of_a_position_is_parsed(text: str) -> None:
    """A position is a lower-case uuid and a number from 1, in ASCII; other text is a ValueError."""
    with pytest.raises(ValueError, match="is no position: it must be <lane uuid>:<number>"):
        Position.parse(text)
    assert str(Position.parse(LATER)) == LATER


@pytest.mark.parametrize(
    ("present", "other"),
    [(True, 1), (1, True), (False, 0), (1, 1.0), (1.0, 1), ([1], [True]), ({"a": 0}, {"a": 0.0})],
)
def test_values_are_compared_as_json(store: SessionStore, present: object, other: object) -> None:
    """Values that Python calls equal may differ as JSON; the order of members does not count."""
    store.keys.set("k", present)
    assert not store.keys.compare_and_set("k", "won", expected=other)
    assert store.keys.compare_and_set("k", {"b": 1, "a": None}, expected=present)
    assert store.keys.compare_and_set("k", None, expected={"a": None, "b": 1})
    assert not store.keys.compare_and_set("k", 1, expected=ABSENT)
    assert store.keys.compare_and_set("k", 1, expected=None)


def test_a_copy_of_absent_is_absent() -> None:
    """`ABSENT` stays identical when it is copied or sent to another process."""
    assert pickle.loads(pickle.dumps(ABSENT)) is ABSENT  # noqa: S301 - of this test itself
    assert copy.deepcopy([ABSENT])[0] is ABSENT
    assert copy.copy(ABSENT) is ABSENT


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.keys.set("k", "x" * (17 << 20)),
        lambda s: s.keys.compare_and_set("k", "x" * (17 << 20), expected=ABSENT),
        lambda s: s.claims.acquire("n" * (17 << 20), holder="h", seconds=5),
        lambda s: s.claim_title("s", "x" * (17 << 20)),
    ],
)
def test_an_error_names_no_event_of_a_list_that_was_not_given(
    store: SessionStore, call: Callable[[SessionStore], object]
) -> None:
    """Only the errors of methods that take a list name an index."""
    with pytest.raises(EventError) as raised:
        call(store)
    assert "event 0" not in str(raised.value)
