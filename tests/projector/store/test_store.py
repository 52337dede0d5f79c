"""The store for sessions: what it writes, what its handle reads back, and repeated writes."""

from __future__ import annotations

import errno
import json
import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from journal import EventError
from journal.errors import AppendError, ArbiterBusy, Reentered
from projector import ABSENT, MessageState, NotFound, NotProjected, SessionStore, TitleTaken
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.reading.private import beside
from tests.support.journals import events, patch_write
from tests.support.projections import projector

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path


_TALK: list[dict[str, Any]] = [
    {"role": "user", "content": "Where is the bug?"},
    {"role": "assistant", "content": "In line three."},
    {"role": "user", "content": "Mend it."},
]


@pytest.fixture
def store(journal_dir: Path) -> Iterator[SessionStore]:
    """A store in a new journal."""
    with SessionStore.open(journal_dir) as opened:
        yield opened


@pytest.fixture
def other(store: SessionStore) -> Iterator[SessionStore]:
    """Another handle on the same journal."""
    with SessionStore.open(store.journal.path) as opened:
        yield opened


def contents(store: SessionStore, session: str) -> list[Any]:
    """Return the contents of a transcript, in order."""
    return [message.content for message in store.messages(session)]


def test_a_handle_sees_what_it_has_written(store: SessionStore) -> None:
    """The next read shows the session, messages and usage that the handle wrote."""
    session = store.create(title="A bug", source="cli", config={"temperature": 0}, user="ada")
    store.append(session, "user", "hello", extra={"tone": "friendly"})
    store.add_usage(session, input_tokens=5, api_calls=1, estimated_cost=0.1)
    view = store.session(session)
    assert (view.title, view.source, view.user, view.messages) == ("A bug", "cli", "ada", 1)
    assert view.config == {"temperature": 0}
    assert view.usage == {"input_tokens": 5, "api_calls": 1, "estimated_cost": 0.1}
    assert [hit.session for hit in store.search("hello").hits] == [session]
    assert store.sessions().fresh


def test_creating_again_adds_nothing(store: SessionStore) -> None:
    """Creating a session repeatedly, by any handle, adds one event."""
    for _ in range(3):
        store.create("s1", title="one", source="cli")
    assert len(events(store.journal.path)) == 3
    assert store.exists("s1")
    assert store.projection.status().events == 1


@pytest.mark.parametrize("order", list(permutations(["create", "ensure", "append"])))
def test_messages_and_creation_come_in_any_order(
    store: SessionStore, order: tuple[str, ...]
) -> None:
    """`ensure` never overrides a value that a creation gave, whichever came first."""
    does: dict[str, Callable[[], object]] = {
        "create": lambda: store.create("s1", source="cli"),
        "ensure": lambda: store.ensure("s1", source="unknown", model="m"),
        "append": lambda: store.append("s1", "user", "hello"),
    }
    for name in order:
        does[name]()
    view = store.session("s1")
    assert (view.source, view.model, view.messages) == ("cli", "m", 1)


def test_the_first_ensured_value_counts(store: SessionStore, other: SessionStore) -> None:
    """Of two ensured values of a field the first counts, and neither if a creation gives one."""
    store.ensure("s1", source="cli", extra={"a": 1})
    other.ensure("s1", source="web", user="ada", extra={"a": 2, "b": 2})
    view = store.session("s1")
    assert (view.source, view.user, view.extra) == ("cli", "ada", {"a": 1, "b": 2})


def test_fields_are_changed_and_cleared(store: SessionStore) -> None:
    """The last write of a field wins; a cleared field has no value, also if one was ensured."""
    store.ensure("s1", model="m", extra={"k": 1, "l": 1})
    store.revise("s1", title="two", clear=["model", "extra.k"])
    store.ensure("s1", model="n")
    view = store.session("s1")
    assert (view.title, view.model, view.extra) == ("two", None, {"l": 1})
    with pytest.raises(EventError, match="'colour' is no field of a session"):
        store.revise("s1", clear=["colour"])


def test_the_first_end_counts_until_the_session_is_reopened(store: SessionStore) -> None:
    """A second end does not overwrite the first; after reopening, a new end counts."""
    store.create("s1")
    store.end("s1", "compression", ended=datetime(2026, 1, 1, tzinfo=UTC))
    store.end("s1", "stale")
    assert store.session("s1").end_reason == "compression"
    store.reopen("s1")
    assert store.session("s1").ended is None
    store.end("s1", "done")
    assert store.session("s1").end_reason == "done"


def test_a_flush_adds_exactly_what_is_new(store: SessionStore, other: SessionStore) -> None:
    """Two handles flush a growing conversation many times; each message is stored once."""
    added = [store.flush("s1", _TALK[:2]), store.flush("s1", _TALK[:2]), other.flush("s1", _TALK)]
    assert [len(ids) for ids in added] == [2, 0, 1]
    assert contents(store, "s1") == [message["content"] for message in _TALK]
    assert len(events(store.journal.path)) == 3


def test_equal_messages_at_two_places_are_two(store: SessionStore) -> None:
    """Messages without ids are also identified by their place, so "yes" may occur twice."""
    talk = [{"role": "user", "content": "yes"}] * 2
    assert len(store.flush("s1", talk)) == 2
    assert store.flush("s1", talk) == []
    assert contents(store, "s1") == ["yes", "yes"]


def test_metadata_does_not_make_another_message(store: SessionStore) -> None:
    """A token count or finish reason that is added later does not add a message."""
    store.flush("s1", _TALK)
    assert store.flush("s1", [{**message, "token_count": 3} for message in _TALK]) == []


def test_the_callers_ids_are_the_messages_ids(store: SessionStore) -> None:
    """An id that the caller gives identifies the message; the same id twice in a list is wrong."""
    talk = [{"id": "m1", "role": "user", "content": "one"}]
    assert store.flush("s1", talk) == ["m1"]
    report = store.flush("s1", [{**talk[0], "content": "changed"}])
    assert (list(report), report.revised) == ([], ("m1",))
    assert contents(store, "s1") == ["changed"]
    with pytest.raises(EventError, match="the id 'm1' occurs twice"):
        store.flush("s1", talk * 2)


def test_a_flush_that_failed_half_way_is_repeated(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write fails within the third of five messages; after a second flush there are five."""
    talk = [{"role": "user", "content": f"message {n}"} for n in range(5)]
    store.append("s0", "user", "before")
    failed: list[bool] = []

    def half(fd: int, data: bytes | memoryview) -> int:
        if failed:
            raise OSError(errno.ENOSPC, "No space left on device")
        failed.append(True)
        return os.pwrite(fd, bytes(data)[: len(data) // 2], 0)  # O_APPEND ignores 0

    with monkeypatch.context() as broken:
        patch_write(broken, half)
        with pytest.raises(AppendError):
            store.flush("s1", talk)
    store.flush("s1", talk)
    assert contents(store, "s1") == [message["content"] for message in talk]
    assert store.session("s1").messages == 5
    for n in range(5):
        assert len(store.search(f'"message {n}"').hits) == 1


def test_the_same_messages_are_new_after_clearing(store: SessionStore, other: SessionStore) -> None:
    """The same messages after a clear are new messages, for every handle, with ids or without."""
    store.flush("s1", _TALK)
    named = [{"id": "m1", "role": "user", "content": "named"}]
    store.flush("s2", named)
    store.clear("s1")
    store.clear("s2")
    assert contents(store, "s1") == []
    assert len(other.flush("s1", _TALK)) == 3
    assert other.flush("s2", named) == ["m1"]
    assert other.flush("s2", named) == []
    assert contents(store, "s1") == [message["content"] for message in _TALK]
    assert contents(store, "s2") == ["named"]


def test_a_flush_waits_for_no_projector(store: SessionStore, other: SessionStore) -> None:
    """A flush reads all events although the holder of the projector's lock applies none."""
    store.flush("s1", _TALK)
    store.messages("s1")
    lock = ProcessLock(generations(store.journal.path).lock)
    assert lock.acquire()
    try:
        assert other.flush("s1", _TALK) == []
        store.clear("s1")
        assert len(other.flush("s1", _TALK[:1])) == 1
        assert other.flush("s1", _TALK[:1]) == []
    finally:
        lock.release()
    assert contents(store, "s1") == [_TALK[0]["content"]]


def test_a_flush_needs_no_readable_projection(store: SessionStore) -> None:
    """A flush succeeds although the database is damaged."""
    store.flush("s1", _TALK)
    store.messages("s1")
    kept = generations(store.journal.path)
    number = kept.current()
    assert number is not None
    store.projection._reader.release()
    kept.path(number).write_bytes(b"garbage" * 1000)
    assert store.flush("s1", _TALK) == []
    assert contents(store, "s1") == [message["content"] for message in _TALK]


def test_a_transcript_is_replaced_at_once(store: SessionStore) -> None:
    """The new transcript is one record; messages that it leaves out are archived, still found."""
    store.flush("s1", _TALK)
    last = store.messages("s1")[-1]
    before = len(events(store.journal.path))
    ids = store.replace_messages(
        "s1",
        [{"role": "system", "content": "A summary."}, {"id": last.id}],
        rest="archived",
    )
    assert len(events(store.journal.path)) == before + 1
    assert contents(store, "s1") == ["A summary.", "Mend it."]
    assert [message.id for message in store.messages("s1")] == ids
    assert len(store.messages("s1", archived=True)) == 4
    assert len(store.search("bug").hits) == 1
    talk = [{"role": "system", "content": "A summary."}, {"id": last.id, "role": "user"}]
    assert store.flush("s1", talk) == []


def test_a_kept_message_takes_the_fields_of_the_new_transcript(store: SessionStore) -> None:
    """The new transcript's content of a message that it keeps replaces the old content."""
    store.flush("s1", [{"id": "m1", "role": "user", "content": "old"}])
    store.replace_messages("s1", [{"id": "m1", "content": "new"}])
    assert contents(store, "s1") == ["new"]
    assert store.search("old").hits == ()


def test_messages_keep_the_order_of_the_new_transcript(store: SessionStore) -> None:
    """Kept messages in another order, with new ones between them, are read in the new order."""
    store.flush("s1", [{"id": f"m{n}", "role": "user", "content": f"{n}"} for n in range(3)])
    new = {"role": "user", "content": "between"}
    store.replace_messages(
        "s1", [{"id": "m2"}, new, {"id": "m0"}, {"role": "user", "content": "last"}]
    )
    assert contents(store, "s1") == ["2", "between", "0", "last"]


@pytest.mark.slow
def test_two_handles_reorder_a_transcript_in_turn(journal_dir: Path) -> None:
    """The order that one handle gives is the transcript, whatever another handle gave before."""
    ids = [f"m{n}" for n in range(4)]
    with SessionStore.open(journal_dir) as one, SessionStore.open(journal_dir) as other:
        one.flush("s1", [{"id": id, "role": "user", "content": id} for id in ids])
        for number, order in enumerate(permutations(ids)):
            store = (one, other)[number % 2]
            store.replace_messages("s1", [{"id": id} for id in order])
            assert [message.id for message in store.messages("s1")] == list(order)


def test_messages_are_removed_archived_and_restored(store: SessionStore) -> None:
    """A removed message is not found, an archived one is, and both are restored to their places."""
    ids = store.flush("s1", _TALK)
    store.remove_messages("s1", ids[:1])
    store.archive_messages("s1", ids[1:2])
    assert contents(store, "s1") == ["Mend it."]
    assert store.search("bug").hits == ()
    assert len(store.search("three").hits) == 1
    store.restore_messages("s1", ids)
    assert contents(store, "s1") == [message["content"] for message in _TALK]
    assert len(store.search("bug").hits) == 1


def test_rewinding_removes_a_message_and_what_follows(store: SessionStore) -> None:
    """`rewind` hides a message and all after it; an id that the session lacks is an error."""
    ids = store.flush("s1", _TALK)
    assert store.rewind("s1", ids[1]) == ids[1:]
    assert contents(store, "s1") == ["Where is the bug?"]
    with pytest.raises(NotFound, match="has no message"):
        store.rewind("s1", ids[1])


def test_a_deleted_session_is_gone_and_its_id_may_be_used_again(store: SessionStore) -> None:
    """Nothing of a deleted session is shown, and the same id may be used again."""
    store.create("s1", title="one")
    store.flush("s1", _TALK)
    store.add_usage("s1", input_tokens=5)
    store.delete("s1")
    assert not store.exists("s1")
    assert store.sessions().items == ()
    assert store.search("bug").hits == ()
    store.flush("s1", _TALK[:1])
    view = store.session("s1")
    assert (view.title, view.messages, view.usage) == (None, 1, {})


def test_an_event_that_was_deleted_stays_deleted(store: SessionStore) -> None:
    """An append that is repeated late brings nothing back; another id does."""
    store.append("s1", "user", "Where is the bug?", id="m1")
    store.delete("s1")
    store.append("s1", "user", "Where is the bug?", id="m1")
    assert not store.exists("s1")
    store.append("s1", "user", "Where is the bug?", id="m2")
    assert [message.id for message in store.messages("s1")] == ["m2"]


def test_pruning_deletes_old_sessions_that_ended(store: SessionStore) -> None:
    """Sessions that are open, young or from another source stay."""
    old = datetime.now(UTC) - timedelta(days=100)
    for name, source in (("a", "cli"), ("b", "web"), ("c", "cli")):
        store.create(name, source=source, started=old)
    store.create("d", source="cli")
    for name in "abd":
        store.end(name)
    assert store.prune(datetime.now(UTC) - timedelta(days=90), source="cli") == ["a"]
    assert sorted(view.session for view in store.sessions().items) == ["b", "c", "d"]


def test_a_repeated_delivery_of_usage_adds_nothing(
    store: SessionStore, other: SessionStore
) -> None:
    """Usage is a sum over ids; a total that is set is the base of later additions."""
    for handle in (store, other, store):
        handle.add_usage("s1", id="call-1", output_tokens=7, actual_cost=0.1)
    store.create("s1")
    store.add_usage("s1", id="call-2", output_tokens=1, actual_cost=0.2)
    assert store.session("s1").usage == {"output_tokens": 8, "actual_cost": 0.3}
    store.set_usage("s1", output_tokens=100)
    store.add_usage("s1", output_tokens=1)
    assert store.session("s1").usage == {"output_tokens": 101, "actual_cost": 0.3}


def test_only_one_session_has_a_title(store: SessionStore, other: SessionStore) -> None:
    """A claim of a title that another session has is refused, with the id of that session."""
    store.claim_title("s1", "Plan")
    with pytest.raises(TitleTaken, match="'s1' has the title 'Plan'") as caught:
        other.claim_title("s2", "Plan")
    assert caught.value.session == "s1"
    store.claim_title("s1", "Plan")
    store.delete("s1")
    other.claim_title("s2", "Plan")


def test_keys_have_the_last_value(store: SessionStore, other: SessionStore) -> None:
    """A value may be any JSON, null too; a deleted key is absent."""
    store.keys.set("k", {"a": [1, None]})
    store.keys.set("null", None)
    other.keys.set("k", 2)
    store.keys.set("k", 3, namespace="@elsewhere")
    assert store.keys.get("k") == 2
    assert store.keys.items() == {"k": 2, "null": None}
    assert store.keys.get("null", "default") is None
    store.keys.delete("k")
    assert other.keys.get("k", "default") == "default"
    assert other.keys.get("k", namespace="@elsewhere") == 3
    assert store.sessions().items == ()


def test_a_decision_within_a_decision_is_refused_at_once(
    store: SessionStore, other: SessionStore
) -> None:
    """A decision within a decision raises an error that names the cause and no other process."""

    def question(_: object) -> tuple[None, list[dict[str, Any]]]:
        with pytest.raises(Reentered, match="in the middle of a decision"):
            other.keys.compare_and_set("k", expected=ABSENT, value=1)
        return None, []

    began = time.monotonic()
    store.decide(question)
    assert time.monotonic() - began < 2.0
    assert other.keys.compare_and_set("k", expected=ABSENT, value=1)
    assert store.keys.compare_and_set("k", expected=1, value=2)


def test_a_value_is_set_only_if_it_equals_the_expected_one(
    store: SessionStore, other: SessionStore
) -> None:
    """Only one of two compare-and-set calls that expect the same value succeeds."""
    assert store.keys.compare_and_set("k", 1, expected=ABSENT)
    assert not other.keys.compare_and_set("k", 2, expected=ABSENT)
    assert other.keys.compare_and_set("k", 2, expected=1)
    assert store.keys.get("k") == 2


@pytest.mark.parametrize(
    "value", ["text", {"a": 1}, {"token": "x"}, {"token": 3, "holder": 1, "expires": "never"}]
)
def test_a_value_that_is_no_claim_does_not_hold_a_name(store: SessionStore, value: object) -> None:
    """Any program can set a key of the namespace; a token of it counts."""
    store.keys.set("door", value, namespace="@claims")
    assert store.claims.get("door") is None
    claim = store.claims.acquire("door", holder="ada", seconds=60)
    assert claim is not None
    assert claim.token == (4 if value == {"token": 3, "holder": 1, "expires": "never"} else 1)


def test_a_claim_is_in_force_until_it_is_released_or_expires(
    store: SessionStore, other: SessionStore
) -> None:
    """Tokens grow with every claim, so that a resource can refuse a late holder."""
    claim = store.claims.acquire("door", holder="ada", seconds=60)
    assert claim is not None
    assert other.claims.acquire("door", holder="bob", seconds=60) is None
    assert other.claims.get("door") == claim
    renewed = store.claims.renew(claim, seconds=120)
    assert renewed is not None
    assert renewed.expires > claim.expires
    assert store.claims.release(renewed)
    assert not store.claims.release(renewed)
    short = other.claims.acquire("door", holder="bob", seconds=0.000_001)
    assert short is not None
    assert short.token == claim.token + 1
    third = store.claims.acquire("door", holder="ada", seconds=60)
    assert third is not None
    assert third.token == short.token + 1
    assert other.claims.renew(short, seconds=60) is None
    assert not other.claims.release(short)


_CONTEND = """
import sys
from projector import SessionStore, TitleTaken
with SessionStore.open(sys.argv[1], timeout=60) as store:
    sys.stdin.readline()
    claim = store.claims.acquire("door", holder=sys.argv[2], seconds=60)
    first = store.keys.compare_and_set("k", sys.argv[2], expected=None)
    try:
        store.claim_title(sys.argv[2], "Plan")
        title = True
    except TitleTaken:
        title = False
    print(claim is not None, first, title)
"""


def test_of_many_processes_exactly_one_wins(
    store: SessionStore, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """Of 12 processes, exactly one gets a claim, one sets a value and one gets a title."""
    store.keys.set("k", None)
    contenders = [start(_CONTEND, store.journal.path, n) for n in range(12)]
    for process in contenders:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = []
    for process in contenders:
        out, err = process.communicate(timeout=100)
        assert not err
        answers.append(out.split())
    for won in zip(*answers, strict=True):
        assert won.count("True") == 1


_DIE = """
import os, signal, sys
from projector import SessionStore
store = SessionStore.open(sys.argv[1])
print(store.claims.acquire("door", holder="dead", seconds=float(sys.argv[2])).token, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_claim_of_a_killed_process_expires(
    store: SessionStore, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """The claim of a dead process expires, and another process gets it."""
    process = start(_DIE, store.journal.path, 0.3)
    assert process.wait(timeout=60) == -9
    until = threading.Event()
    for _ in range(200):
        claim = store.claims.acquire("door", holder="heir", seconds=60)
        if claim is not None:
            break
        until.wait(0.02)
    assert claim is not None
    assert claim.token == 2


def test_a_decision_needs_all_events(
    store: SessionStore, journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If another projector runs and applies nothing of too much, nothing is decided or written."""
    monkeypatch.setattr(beside, "LIMIT", 0)
    store.append("s1", "user", "hello")
    store.messages("s1")
    with SessionStore.open(journal_dir, timeout=0.05) as hasty, projector(journal_dir):
        store.append("s1", "user", "unseen")
        before = len(events(journal_dir))
        with pytest.raises(NotProjected, match="nothing was decided"):
            hasty.claim_title("s1", "Plan")
        assert len(events(journal_dir)) == before


def test_a_decision_waits_for_another_decision(store: SessionStore, journal_dir: Path) -> None:
    """A decision waits for another up to its timeout, and then raises ArbiterBusy."""
    with SessionStore.open(journal_dir, timeout=0.05) as hasty:

        def question(_db: object) -> tuple[None, list[dict[str, Any]]]:
            with ThreadPoolExecutor(1) as another:
                claiming = another.submit(hasty.claim_title, "s1", "Plan")
                with pytest.raises(ArbiterBusy, match="nothing was decided: try again"):
                    claiming.result()
            return None, []

        store.decide(question)


@pytest.mark.slow
def test_a_read_that_lacks_own_events_is_an_error(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If another projector applies nothing of too much, a read of own writes is NotProjected."""
    monkeypatch.setattr(beside, "LIMIT", 0)
    with SessionStore.open(journal_dir, timeout=0.05) as store, projector(journal_dir):
        store.append("s1", "user", "hello")
        with pytest.raises(NotProjected):
            store.messages("s1")


def test_threads_share_a_store(store: SessionStore) -> None:
    """Threads that flush their own conversations lose and duplicate no message."""
    talks = {
        f"s{n}": [{"role": "user", "content": f"{n} {m}"} for m in range(20)] for n in range(4)
    }

    def talk(session: str) -> None:
        for end in range(1, 21):
            store.flush(session, talks[session][:end])

    threads = [threading.Thread(target=talk, args=(name,)) for name in talks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, messages in talks.items():
        assert contents(store, name) == [message["content"] for message in messages]


def test_a_malformed_message_is_named_and_the_others_are_stored(store: SessionStore) -> None:
    """Each flush names the malformed message by its index; the others are stored, and only once."""
    bad: list[tuple[Any, str]] = [
        ({"role": "user", "content": 1}, "content must be a string or an array"),
        ({"role": "user", "timestamp": "yesterday"}, r"messages\[1\]: timestamp must be an ISO"),
        ({"content": "no role"}, "needs 'role'"),
        ("text", r"messages\[1\]"),
    ]
    for message, reason in bad:
        for _ in range(2):
            with pytest.raises(EventError, match=r"messages\[1\]") as caught:
                store.flush("s1", [_TALK[0], message, _TALK[1]])
            assert re.search(reason, str(caught.value))
    assert contents(store, "s1") == [message["content"] for message in _TALK[:2]]
    assert len(events(store.journal.path)) == 2


def test_a_message_that_is_appended_alone_has_no_index(store: SessionStore) -> None:
    """The error of `append` names the field and no index."""
    with pytest.raises(EventError, match=r"^timestamp must be an ISO"):
        store.append("s1", "user", "hello", timestamp="yesterday")


_NO_LIST: dict[str, Callable[[SessionStore, Any], object]] = {
    "flush": lambda s, v: s.flush("s1", v),
    "replace_messages": lambda s, v: s.replace_messages("s1", v),
    "remove_messages": lambda s, v: s.remove_messages("s1", v),
    "archive_messages": lambda s, v: s.archive_messages("s1", v),
    "restore_messages": lambda s, v: s.restore_messages("s1", v),
    "add": lambda s, v: s.add(v),
    "revise": lambda s, v: s.revise("s1", clear=v),
    "decide": lambda s, v: s.decide(lambda _: (None, v)),
}
"""Methods that take a list."""


@pytest.mark.parametrize("name", _NO_LIST)
@pytest.mark.parametrize("given", [5, "m1", {"role": "user"}])
def test_a_value_that_is_no_list_is_refused(store: SessionStore, name: str, given: object) -> None:
    """One item in place of a list is an error, and a text is not read as a list of characters."""
    with pytest.raises(EventError, match=r"^(messages|ids|events|clear) must be a list, not "):
        _NO_LIST[name](store, given)
    assert events(store.journal.path) == []


@pytest.mark.parametrize("given", [5, None, ["s1", "s2"], {"session": "s1"}, ""])
@pytest.mark.parametrize("name", ["delete", "clear", "reopen", "flush", "append", "set_title"])
def test_a_wrong_session_id_is_refused(store: SessionStore, name: str, given: Any) -> None:  # noqa: ANN401 - the mistake at hand
    """A wrong value for a session's id is an error that says what an id is."""
    more: dict[str, tuple[Any, ...]] = {
        "flush": ([{"role": "user"}],),
        "append": ("user",),
        "set_title": ("title",),
    }
    with pytest.raises(EventError, match=r"^session must be a string of 1 to 1024 characters"):
        getattr(store, name)(given, *more.get(name, ()))
    assert events(store.journal.path) == []


@pytest.mark.parametrize("given", [5, None, "text", ["role", "user"]])
def test_a_malformed_message_is_named_by_its_index(store: SessionStore, given: Any) -> None:  # noqa: ANN401 - the mistake at hand
    """The error names the index in the caller's list, also behind messages already stored."""
    talk: list[Any] = [*_TALK, given]
    store.flush("s1", _TALK)
    for method in (store.flush, store.replace_messages):
        with pytest.raises(EventError, match=r"^messages\[3\]: must be a mapping with the fields"):
            method("s1", talk)
    assert contents(store, "s1") == [message["content"] for message in _TALK]


def test_the_results_of_a_search_are_a_sequence_of_hits(store: SessionStore) -> None:
    """Results and listings are iterable and sized."""
    store.flush("s1", _TALK)
    results = store.search("bug OR line", sort="oldest")
    assert [hit.snippet for hit in results] == [hit.snippet for hit in results.hits]
    assert (len(results), results[0], results[-1:]) == (2, results.hits[0], results.hits[1:])
    assert results.hits[1] in results
    assert not store.search("nowhere")
    assert [view.session for view in store.sessions()] == ["s1"]
    assert len(store.messages("s1")) == 3


def test_states_and_times_are_readable(store: SessionStore) -> None:
    """A state has a name and serializes as its number; each time has a datetime beside it."""
    ids = store.flush("s1", [message | {"timestamp": "2026-01-31T12:00:00Z"} for message in _TALK])
    store.archive_messages("s1", ids[1:2])
    first, second, _ = store.messages("s1", archived=True)
    assert (first.state, second.state) == (MessageState.IN_TRANSCRIPT, MessageState.ARCHIVED)
    assert json.dumps([first.state, second.state]) == "[0, 1]"
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert (first.time, first.time_utc) == (1_769_860_800_000_000, noon)
    view = store.session("s1")
    assert (view.started_utc, view.last_utc, view.ended_utc) == (noon, noon, None)
    assert store.search("bug")[0].time_utc == noon
