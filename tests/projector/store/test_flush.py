"""Conversations that are flushed as a whole: each message is in the transcript once, in order."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from journal import EventError
from journal.errors import AppendError
from journal.process import clock
from projector import FlushReport, SessionStore
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from tests.support.journals import patch_write
from tests.support.skewed import elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import ExpectedProblems

Message = dict[str, Any]


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


def user(text: str, **fields: object) -> Message:
    """Return a message of the user."""
    return {"role": "user", "content": text, **fields}


def answer(text: str | None, **fields: object) -> Message:
    """Return an answer."""
    return {"role": "assistant", "content": text, **fields}


def said(store: SessionStore, session: str = "s1") -> list[Any]:
    """Return the contents of a transcript, in order."""
    return [message.content for message in store.messages(session)]


TALK = [user("q1"), answer("a1"), user("q2"), answer("bad")]


# what is taken back, and said again


def test_what_was_rewound_comes_back_when_it_is_said_again(store: SessionStore) -> None:
    """A rewound message that is in the list again is restored, with another answer after it."""
    ids = store.flush("s1", TALK).ids
    store.rewind("s1", ids[2])
    report = store.flush("s1", [*TALK[:3], answer("good")])
    assert said(store) == ["q1", "a1", "q2", "good"]
    assert (report.kept, report.restored, len(report.added)) == (ids[:2], ids[2:3], 1)
    assert list(report) == [ids[2], report.added[0]]


def test_an_answer_that_is_equal_again_comes_back(store: SessionStore) -> None:
    """A regenerated answer may say what the old one did."""
    ids = store.flush("s1", [user("q1"), answer("yes")])
    store.rewind("s1", ids[1])
    assert said(store) == ["q1"]
    assert store.flush("s1", [user("q1"), answer("yes")]).restored == (ids[1],)
    assert said(store) == ["q1", "yes"]


def test_what_the_list_takes_back_is_archived(store: SessionStore) -> None:
    """Messages after the last common one are archived, still found, and restored later."""
    ids = store.flush("s1", TALK).ids
    report = store.flush("s1", TALK[:2])
    assert (report.kept, report.hidden) == (ids[:2], ids[2:])
    assert said(store) == ["q1", "a1"]
    assert [hit.id for hit in store.search("bad").hits] == [ids[3]]
    assert [m.content for m in store.messages("s1", archived=True)] == ["q1", "a1", "q2", "bad"]
    assert store.flush("s1", TALK).restored == (ids[2], ids[3])
    assert said(store) == ["q1", "a1", "q2", "bad"]


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2), (2, 0, 1), (0, 2, 1)])
def test_a_list_in_another_order_doubles_nothing(
    store: SessionStore, order: tuple[int, ...]
) -> None:
    """A list that has every message again, in another order, puts them in that order."""
    talk = [user("q1"), answer("r1"), answer("r2")]
    store.flush("s1", talk)
    report = store.flush("s1", [talk[n] for n in order])
    assert (report.added, report.hidden) == ((), ())
    assert said(store) == [talk[n]["content"] for n in order]
    assert store.flush("s1", [talk[n] for n in order]) == []


def test_a_long_list_that_comes_back_reversed_doubles_nothing(store: SessionStore) -> None:
    """Also where some of its messages say the same, and something new comes with it."""
    talk = [user(f"q{n % 7}") for n in range(30)]
    store.flush("s1", talk)
    report = store.flush("s1", [*reversed(talk), user("new")])
    assert (len(report.added), report.hidden) == (1, ())
    assert said(store) == [message["content"] for message in [*reversed(talk), user("new")]]


def test_what_may_have_left_a_window_and_been_said_again_is_new(store: SessionStore) -> None:
    """First messages that come again behind all others, in their order, are said twice."""
    store.flush("s1", [user("yes"), answer("done"), user("go on"), answer("ready")])
    store.flush("s1", [user("go on"), answer("ready"), user("yes"), answer("done")])
    assert said(store) == ["yes", "done", "go on", "ready", "yes", "done"]


def test_another_answer_takes_the_place_of_the_old_one(store: SessionStore) -> None:
    """A regenerated answer hides the one that this handle flushed."""
    ids = store.flush("s1", TALK)
    report = store.flush("s1", [*TALK[:3], answer("good")])
    assert said(store) == ["q1", "a1", "q2", "good"]
    assert report.hidden == (ids[3],)


def test_a_new_handle_hides_nothing(store: SessionStore, other: SessionStore) -> None:
    """A new handle cannot know whether others wrote what its list lacks."""
    store.flush("s1", TALK)
    report = other.flush("s1", [*TALK[:3], answer("good")])
    assert report.hidden == ()
    assert said(store) == ["q1", "a1", "q2", "bad", "good"]


def test_a_handle_that_read_the_transcript_first_may_take_back(
    store: SessionStore, other: SessionStore
) -> None:
    """A list that begins with what was read has what was read."""
    ids = store.flush("s1", TALK)
    assert len(other.messages("s1")) == 4
    assert other.flush("s1", TALK[:3]).hidden == (ids[3],)
    assert said(store) == ["q1", "a1", "q2"]


def test_what_others_have_said_stays(store: SessionStore, other: SessionStore) -> None:
    """A flush does not hide others' messages, also if they were read after the first flush."""
    store.flush("s1", TALK[:2])
    other.append("s1", "user", "by the way")
    assert said(store) == ["q1", "a1", "by the way"]
    assert store.flush("s1", TALK).hidden == ()
    assert said(store) == ["q1", "a1", "by the way", "q2", "bad"]
    assert len(store.flush("s1", TALK[:2]).hidden) == 2
    assert said(store) == ["q1", "a1", "by the way"]


# what goes in front, and in between


def test_a_system_prompt_goes_in_front(store: SessionStore) -> None:
    """A new system prompt comes first, and the messages after it are not added again."""
    store.flush("s1", TALK[:2])
    prompt = {"role": "system", "content": "Be brief."}
    report = store.flush("s1", [prompt, *TALK[:3]])
    assert (len(report.kept), len(report.added)) == (2, 2)
    assert said(store) == ["Be brief.", "q1", "a1", "q2"]


def test_another_system_prompt_takes_the_place_of_the_old_one(store: SessionStore) -> None:
    """A prompt that is made anew for each turn is one message."""
    for n in range(3):
        prompt = {"role": "system", "content": f"It is {n} o'clock."}
        store.flush("s1", [prompt, *TALK[: n + 1]])
    assert said(store) == ["It is 2 o'clock.", "q1", "a1", "q2"]


def test_a_window_that_slides_loses_and_doubles_nothing(store: SessionStore) -> None:
    """A list that drops its oldest messages neither hides nor repeats them."""
    texts = [str(n) for n in range(9)]
    for start in range(6):
        report = store.flush("s1", [user(text) for text in texts[start : start + 4]])
        assert report.hidden == ()
    assert said(store) == texts
    store.flush("s2", [user("system", role="system"), *map(user, texts[:6])])
    store.flush("s2", [user("system", role="system"), *map(user, texts[3:])])
    assert said(store, "s2") == ["system", *texts]


def test_a_summary_goes_in_front_of_what_it_left(store: SessionStore) -> None:
    """A compressed context doubles no message, and takes none away."""
    store.flush("s1", [user("q1"), answer("a1"), user("q2"), answer("a2")])
    summary = user("[summary]")
    report = store.flush("s1", [summary, user("q2"), answer("a2"), user("q3")])
    assert (len(report.kept), len(report.added), report.hidden) == (2, 2, ())
    assert said(store) == ["q1", "a1", "[summary]", "q2", "a2", "q3"]


@pytest.mark.parametrize("ids", ["ids", ""])
def test_messages_between_others_are_read_between_them(store: SessionStore, ids: str) -> None:
    """Insertions, one after the other and many at one place, are read where the list has them."""
    talk = [user(f"m{n}") for n in range(4)]
    if ids:
        talk = [message | {"id": message["content"]} for message in talk]
    store.flush("s1", talk)
    for n, at in enumerate([1, 1, 2, 2, 0, 0, 5, 9]):
        message = answer(f"new {n}")
        talk.insert(at, message | {"id": f"n{n}"} if ids else message)
        report = store.flush("s1", talk)
        assert len(report.added) == 1
        assert said(store) == [message["content"] for message in talk]
    assert store.flush("s1", talk).kept == report.ids


def test_time_stamps_do_not_put_a_list_out_of_order(store: SessionStore) -> None:
    """A clock that stepped back, or a summary that is younger than what follows it."""
    moment = 1_790_000_000_000_000
    talk = [user("one", timestamp=moment), user("two", timestamp=moment - 5), user("three")]
    store.flush("s1", talk)
    assert said(store) == ["one", "two", "three"]
    talk.insert(0, user("summary", timestamp=moment + 10))
    store.flush("s1", talk)
    assert said(store) == ["summary", "one", "two", "three"]
    assert store.messages("s1")[0].fields["extra"] == {"timestamp": moment + 10}


def test_a_list_is_read_behind_what_has_a_later_date(
    store: SessionStore, other: SessionStore
) -> None:
    """A message that another machine dated in the future comes before new messages."""
    later = 4_000_000_000_000_000
    other.append("s1", "user", "from the future", timestamp=later)
    store.flush("s1", [user("from the future"), answer("now"), user("and then")])
    assert said(store) == ["from the future", "now", "and then"]


@pytest.mark.parametrize("hours", [0, 1, 100_000, -1, -100_000])
def test_clocks_that_differ_put_no_list_out_of_order(
    store: SessionStore, other: SessionStore, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """Hosts whose clocks are hours or years apart flush one list, and put messages between."""
    wall, talk = clock.wall, [user("1"), user("2"), user("3")]

    def at(skew: int) -> None:
        monkeypatch.setattr(clock, "wall", lambda: wall() + skew * 3_600_000_000)

    at(hours)
    store.flush("s1", talk)
    at(0)
    talk[1:1] = [user("1.5")]
    other.flush("s1", [*talk, user("4")])
    at(-hours)
    talk = [user("system"), *talk[:2], user("1.7"), *talk[2:], user("4"), user("5")]
    store.flush("s1", talk)
    at(0)
    assert said(store) == [message["content"] for message in talk]


# what says something else


def test_messages_of_one_order_are_compared_in_the_order_in_which_they_are_read(
    journal_dir: Path,
) -> None:
    """Two hosts have read the same, and both append: the lane decides, not who wrote first."""
    now = 1_790_000_000 * 10**9

    def store() -> SessionStore:
        return SessionStore.open(journal_dir, fsync="never")

    # the one that opens first has the first folder, and the higher uuid
    ahead = elsewhere(store, lambda: now + 1_800 * 10**9)
    behind = elsewhere(store, lambda: now)
    with closing(behind), closing(ahead):
        ahead.flush("s1", [user("1")])
        assert said(behind) == ["1"]
        ahead.flush("s1", [user("1"), user("2")])
        behind.append("s1", "user", "3")
        assert said(behind) == ["1", "3", "2"]
        report = ahead.flush("s1", [user("1"), user("3")])
        assert len(report.hidden) == 1
        assert said(behind) == ["1", "3"]


@pytest.mark.parametrize("gap", [1_800, 40_000_000])
def test_a_message_that_a_sweep_had_not_seen_is_not_added_again(
    journal_dir: Path, gap: int
) -> None:
    """A writer whose clock is behind appends after a session was cleared: its message is there."""
    now = 1_790_000_000 * 10**9

    def store() -> SessionStore:
        return SessionStore.open(journal_dir, fsync="never")

    ahead = elsewhere(store, lambda: now + gap * 10**9)
    behind = elsewhere(store, lambda: now)
    with closing(behind), closing(ahead):
        ahead.flush("s1", [user("1")])
        ahead.clear("s1")
        behind.append("s1", "user", "2")
        report = ahead.flush("s1", [user("2"), user("3")])
        assert len(report.kept) == len(report.added) == 1
        assert said(ahead) == said(behind) == ["2", "3"]


def test_a_message_without_a_date_keeps_its_place_behind_one_that_is_dated_ahead(
    store: SessionStore, other: SessionStore
) -> None:
    """The transcript that a flush works with has the order that readers see."""
    late = time.time_ns() // 1_000 + 3_600 * 10**6
    store.flush("s1", [user("1")])
    other.append("s1", "user", "2", timestamp=late)
    other.append("s1", "user", "3")
    store.append("s1", "user", "4", timestamp=late - 1)
    assert said(store) == ["1", "4", "2", "3"]
    report = store.flush("s1", [user("1"), user("4"), user("2"), user("3"), user("5")])
    assert (len(report.kept), report.moved) == (4, ())
    assert said(store) == ["1", "4", "2", "3", "5"]


def test_a_message_that_streams_is_one_message(store: SessionStore) -> None:
    """Text, parts and calls that grow are the same message, revised."""
    stages: list[list[Message]] = [
        [answer(text) for text in ("", "Hel", "Hello wor", "Hello world")],
        [answer(None, content=[{"type": "text", "text": text}]) for text in ("a", "ab", "abc")],
        [
            answer(None, tool_calls=[{"id": "c1", "function": {"name": "f", "arguments": text}}])
            for text in ('{"a', '{"a":1', '{"a":1}')
        ],
    ]
    for number, messages in enumerate(stages):
        session = f"s{number}"
        for message in messages:
            report = store.flush(session, [user("q"), message])
        assert len(report.revised) == 1
        assert len(store.messages(session, archived=True)) == 2
        assert said(store, session) == ["q", messages[-1].get("content")]
        store.flush(session, [user("q"), messages[-1], user("next")])
        assert len(store.messages(session)) == 3


def test_parts_that_grow_in_the_callers_own_list_are_one_message(store: SessionStore) -> None:
    """A caller may go on in the very list that it handed over."""
    parts: list[Any] = [{"type": "text", "text": "one"}]
    talk = [user("q"), answer(None, content=parts)]
    store.flush("s1", talk)
    parts.append({"type": "text", "text": "two"})
    assert len(store.flush("s1", talk).revised) == 1
    assert len(store.messages("s1", archived=True)) == 2


@pytest.mark.parametrize("ids", ["ids", ""])
def test_an_edit_in_the_middle_is_a_revision(store: SessionStore, ids: str) -> None:
    """Words that change between two messages that do not are the same message."""
    talk = [m | ({"id": str(n)} if ids else {}) for n, m in enumerate(TALK)]
    first = store.flush("s1", talk)
    talk[1] = talk[1] | {"content": "a better one"}
    report = store.flush("s1", talk)
    assert (report.ids, report.revised) == (first.ids, first.ids[1:2])
    assert said(store) == ["q1", "a better one", "q2", "bad"]


def test_a_list_that_did_not_change_takes_no_revision_back(
    store: SessionStore, other: SessionStore
) -> None:
    """A revision by others stays while the list does not change."""
    named = [message | {"id": str(n)} for n, message in enumerate(TALK)]
    for session, talk in (("s1", TALK), ("s2", named)):
        ids = store.flush(session, talk).ids
        other.revise_message(session, ids[1], content="redacted")
        for handle in (store, other):
            assert handle.flush(session, talk).kept == ids
            assert said(store, session) == ["q1", "redacted", "q2", "bad"]


def test_what_no_id_tells_apart_is_counted(store: SessionStore, other: SessionStore) -> None:
    """Words that are said again and again are as many messages as there are in the list."""
    talk = [user("yes")] * 3
    assert len(store.flush("s1", talk)) == 3
    assert other.flush("s1", talk) == []
    assert len(store.flush("s1", [*talk, user("yes")])) == 1
    assert len(store.flush("s1", [user("yes")] * 2).hidden) == 2
    assert said(store) == ["yes", "yes"]


@pytest.mark.parametrize("ids", ["ids", ""])
def test_another_order_is_read_in_that_order(store: SessionStore, ids: str) -> None:
    """Messages that change places are the same messages, whatever they name as parents."""
    talk = [user(f"m{n}") for n in range(5)]
    if ids:
        talk = [message | {"id": message["content"]} for message in talk]
        talk[2]["parent"] = "m1"
        talk[3]["parent"] = "m2"
    first = store.flush("s1", talk)
    for order in ([0, 2, 1, 3, 4], [0, 3, 2, 1, 4], [0, 2, 3, 1, 4]):
        again = [talk[n] for n in order]
        report = store.flush("s1", again)
        assert sorted(report.ids) == sorted(first.ids)
        assert (report.added, bool(report.moved)) == ((), True)
        assert said(store) == [message["content"] for message in again]
    if ids:
        store.flush("s1", talk[::-1])
        assert said(store) == ["m4", "m3", "m2", "m1", "m0"]


def test_two_messages_of_one_id_are_a_mistake(store: SessionStore) -> None:
    """The second is named; the first, and all others, are stored."""
    talk = [user("one", id="m1"), answer("two"), user("other", id="m1"), answer("three")]
    with pytest.raises(EventError, match=r"messages\[2\]: the id 'm1' occurs twice"):
        store.flush("s1", talk)
    assert said(store) == ["one", "two", "three"]


# others, failures, other processes


def test_a_clear_beside_a_flush_loses_and_doubles_nothing(
    store: SessionStore, other: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session is cleared between the look of a flush and its write; the next puts it right."""
    talk = [user("q1"), answer("a1")]
    store.flush("s1", talk)
    talk.append(user("q2"))
    add = other.add

    def cleared_first(events: list[Message]) -> None:
        store.clear("s1")
        add(events)

    with monkeypatch.context() as racing:
        racing.setattr(other, "add", cleared_first)
        other.flush("s1", talk)
    assert said(store) == ["q2"]
    other.flush("s1", talk)
    assert said(store) == ["q1", "a1", "q2"]


def test_handles_that_flush_at_the_same_time_add_the_same(
    store: SessionStore, other: SessionStore
) -> None:
    """Neither sees what the other writes: the ids are the same, so each message is one."""
    talk = [user("q1"), answer("a1")]
    store.flush("s1", talk)
    other.flush("s1", talk)
    talk += [user("yes"), user("yes"), answer("fine")]
    ready = threading.Barrier(2)

    def together(handle: SessionStore) -> None:
        add = handle.add

        def wait(events: list[Message]) -> None:
            ready.wait(timeout=60)
            add(events)

        handle.add = wait  # type: ignore[assignment,method-assign] # of this handle alone
        handle.flush("s1", talk)

    threads = [threading.Thread(target=together, args=(handle,)) for handle in (store, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said(store) == ["q1", "a1", "yes", "yes", "fine"]
    assert store.projection.status().conflicts == 0


_FLUSH = """
import json, sys
from projector import SessionStore
with SessionStore.open(sys.argv[1]) as store:
    print(len(store.flush("s1", json.loads(sys.argv[2]))))
"""


def test_another_process_adds_nothing_twice(store: SessionStore) -> None:
    """The ids are made of what is said alone, and not of what a process has in memory."""
    talk = json.dumps([user("q1"), user("q1"), answer("a1")])
    for added in ("3", "0"):
        run = [sys.executable, "-c", _FLUSH, str(store.journal.path), talk]
        found = subprocess.run(run, check=True, capture_output=True, text=True, timeout=60)
        assert found.stdout.strip() == added
    assert said(store) == ["q1", "q1", "a1"]


@pytest.mark.parametrize("is_anew", ["", "by a new handle"])
def test_a_write_that_failed_anywhere_is_done_again(
    journal_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    expect_problems: ExpectedProblems,
    is_anew: str,
) -> None:
    """A flush that takes back, puts in between and adds, cut off at any of its bytes."""
    expect_problems("torn", "newline")
    new = [user("q1"), answer("between"), answer("a1"), user("q2"), answer("good"), user("q3")]
    store = SessionStore.open(journal_dir, fsync="never")
    for cut in range(0, 101, 4):
        store.flush(f"s{cut}", TALK)
        with monkeypatch.context() as broken:
            patch_write(broken, _writes_part(cut))
            with pytest.raises(AppendError):
                store.flush(f"s{cut}", new)
        if is_anew:
            store.close()
            store = SessionStore.open(journal_dir, fsync="never")
        store.flush(f"s{cut}", new)
        found = said(store, f"s{cut}")
        assert [text for text in found if text != "bad"] == [message["content"] for message in new]
        # a new handle cannot know that the old one wanted to take it back
        assert found.count("bad") <= bool(is_anew)
    store.close()


def _writes_part(percent: int) -> Callable[[int, bytes | memoryview], int]:
    """Return a write(2) that writes so much the first time, and fails from then on."""
    failed: list[bool] = []

    def part(fd: int, data: bytes | memoryview) -> int:
        if failed:
            raise OSError(errno.ENOSPC, "No space left on device")
        failed.append(True)
        # O_APPEND: at the end all the same
        return os.pwrite(fd, bytes(data)[: (len(data) - 1) * percent // 100], 0)

    return part


def test_a_flush_waits_for_no_projector_that_stands_still(
    store: SessionStore, other: SessionStore
) -> None:
    """A flush also reads revisions, removals and restorations that are not applied yet."""
    ids = store.flush("s1", TALK).ids
    store.messages("s1")
    lock = ProcessLock(generations(store.journal.path).lock)
    assert lock.acquire()
    try:
        store.flush("s1", TALK[:2])
        assert other.flush("s1", TALK).restored == ids[2:]
        store.revise_message("s1", ids[1], content="other")
        with SessionStore.open(store.journal.path) as third:
            assert third.flush("s1", TALK).kept == ids
        other.remove_messages("s1", ids[:1])
        assert store.flush("s1", TALK).restored == ids[:1]
    finally:
        lock.release()
    assert said(store) == ["q1", "other", "q2", "bad"]


def test_a_handle_remembers_what_it_flushed_and_reads_on(
    store: SessionStore, other: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next flush asks no database, and sees what others have written since."""
    talk = [user(f"m{n}") for n in range(50)]
    store.flush("s1", talk)
    other.append("s1", "user", "from elsewhere")
    talk.append(user("from elsewhere"))
    with monkeypatch.context() as patched:
        patched.setattr(store.projection, "peek", None)
        patched.setattr(store.projection, "read", None)
        assert store.flush("s1", talk) == []


# what no record can hold


LARGE = "x" * 17_000_000


def test_a_message_that_is_too_long_does_not_stop_the_others(
    store: SessionStore, other: SessionStore
) -> None:
    """What no record can hold is kept as far as one can, once, with its size and the reason."""
    talk = [user("a"), {"role": "tool", "content": LARGE, "tool_call_id": "c1"}]
    report = store.flush("s1", talk)
    assert [refused.index for refused in report.refused] == [1]
    assert "the limit is 16,777,216" in report.refused[0].reason
    for handle in (store, other, store):
        talk.append(answer(f"after {len(talk)}"))
        report = handle.flush("s1", talk)
        assert (len(report.added), report.refused) == (1, ())
    found = store.messages("s1")
    assert [m.content for m in found if m.role != "tool"] == ["a", "after 2", "after 3", "after 4"]
    assert found[1].id == report.ids[1]
    assert found[1].fields["tool_call_id"] == "c1"
    assert found[1].content is not None
    assert found[1].content[:2000] == "x" * 2000
    assert "16,998,000 characters more are not stored" in found[1].content
    told = found[1].fields["extra"]["refused"]
    assert told["bytes"] > 17_000_000
    assert told["cut"] == ["content"]
    talk[1] = {**talk[1], "content": "short"}
    assert store.flush("s1", talk).revised == (found[1].id,)
    assert store.flush("s1", talk).kept == report.ids
    assert [m.content for m in store.messages("s1")][1] == "short"


_RING: list[Any] = []
_RING.append(_RING)
_DEEP: list[Any] = []
for _ in range(100_000):
    _DEEP = [_DEEP]


@pytest.mark.parametrize(
    "message",
    [
        user("half a pair: \ud83d"),
        user("ok", role="user\udc00"),
        user("", content=[{"type": "text", "text": "\udfff"}]),
        answer(None, tool_calls=[{"id": "c", "function": {"arguments": "\ud800"}}]),
        user("ok", extra={"n": math.nan}),
        user("ok", extra={"n": 2**64}),
        user("ok", extra={"n": -(10**30)}),
        user("ok", extra={"data": b"\xff"}),
        user("ok", extra={"t": (1, 2)}),
        user("ok", extra={1: 2}),
        user("ok", extra={"object": object()}),
        user("ok", extra={"ring": _RING}),
        user("ok", extra={"deep": _DEEP}),
        user("ok", extra={"large": LARGE}),
        user("", content=[{"type": "text", "text": LARGE}]),
        user(LARGE, id="named"),
    ],
    ids=range(16),
)
def test_what_json_has_not_does_not_stop_the_others(
    store: SessionStore, other: SessionStore, message: Message
) -> None:
    """Each is stored as it can be, and known again; a value keeps no message from being stored."""
    talk = [user("a"), message, answer("b")]
    report = store.flush("s1", talk)
    assert [refused.index for refused in report.refused] == [1]
    talk.append(user("c"))
    for handle in (other, store):
        again = handle.flush("s1", talk)
        assert again.ids[:3] == report.ids
        assert again.refused == ()
    found = store.messages("s1")
    assert [view.content for view in found if view.id != report.ids[1]] == ["a", "b", "c"]
    assert "refused" in found[1].fields["extra"]


@pytest.mark.parametrize(
    ("refused", "corrected", "is_other", "contents", "is_marked"),
    [
        (user("a\ud800"), user("b"), False, ["b"], [False]),
        (user("a\ud800"), user("b"), True, ["a\ufffd", "b"], [True, False]),
        (user("a\ud800", id="m"), user("b", id="m"), True, ["b"], [False]),
        (user("a", extra={"n": math.nan}), user("a", extra={"n": 1}), False, ["a"], [True]),
    ],
)
def test_a_message_that_no_record_could_hold_is_corrected(
    store: SessionStore,
    other: SessionStore,
    refused: Message,
    corrected: Message,
    contents: list[str],
    is_marked: list[bool],
    *,
    is_other: bool,
) -> None:
    """`docs/flush.md` says what becomes of what was stored in its place."""
    store.flush("s1", [user("first"), refused, user("last")])
    (other if is_other else store).flush("s1", [user("first"), corrected, user("last")])
    found = store.messages("s1")
    assert [message.content for message in found] == ["first", *contents, "last"]
    marks = ["refused" in (message.fields.get("extra") or {}) for message in found]
    assert marks == [False, *is_marked, False]


def test_a_part_of_the_list_that_is_none_is_named(store: SessionStore) -> None:
    """What is no mapping, and ids that are none, are errors that name the place."""
    for message in ("x", None, 5, ["role", "user"], user("x", id=5), user("x", id="\ud800")):
        with pytest.raises(EventError, match=r"^messages\[1\]: "):
            store.flush("s1", [user("a"), message])  # type: ignore[list-item] # that is the mistake
    with pytest.raises(EventError, match=r"messages\[0\].*messages\[3\].*the other 0 messages"):
        store.flush("s2", list("text"))  # type: ignore[arg-type] # that is the mistake
    assert said(store) == ["a"]


# the report


def test_a_report_is_the_ids_that_came_in(store: SessionStore) -> None:
    """A report is a sequence of the ids that were added to the transcript."""
    report = store.flush("s1", TALK)
    assert report == [*report.added] == list(report)
    assert (len(report), report[0], report[-1]) == (4, report.ids[0], report.ids[3])
    assert report[1:] == list(report.ids[1:])
    assert report.ids[0] in report
    assert not store.flush("s1", TALK)
    assert store.flush("s1", TALK) == FlushReport(ids=report.ids, kept=report.ids)
    assert store.flush("s1", TALK) != report
    assert store.flush("s1", []) == FlushReport()


def test_a_flush_applies_a_long_backlog_where_no_process_projects(journal_dir: Path) -> None:
    """Each flush of another session would read it again. Where one projects, none is waited for."""
    events = [
        {
            "session": "other",
            "type": "message.appended",
            "data": {"role": "user", "content": "filler " * 150},
        }
        for _ in range(1_000)
    ]
    with SessionStore.open(journal_dir) as store:
        store.journal.append_many(events)
        store.flush("s", [{"role": "user", "content": "hello"}])
        assert store.projection.status().lag_bytes < 10_000
        store.journal.append_many(events)
        lock = ProcessLock(generations(journal_dir).lock)
        assert lock.acquire()
        store.flush("t", [{"role": "user", "content": "hello"}])
        lock.release()
        assert store.projection.status().lag_bytes > 512 * 1024
        assert [m.content for m in store.messages("t")] == ["hello"]
