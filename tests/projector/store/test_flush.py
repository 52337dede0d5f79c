"""A flush of a whole conversation: each message is in the transcript once, in order."""

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
    """Return a message of the assistant."""
    return {"role": "assistant", "content": text, **fields}


def contents(store: SessionStore, session: str = "s1") -> list[Any]:
    """Return the contents of a transcript, in order."""
    return [message.content for message in store.messages(session)]


TALK = [user("q1"), answer("a1"), user("q2"), answer("bad")]


# messages that a list leaves out, and that come again


def test_a_rewound_message_is_restored_when_it_is_flushed_again(store: SessionStore) -> None:
    """A list that has a rewound message again restores it, and adds the answer behind it."""
    ids = store.flush("s1", TALK).ids
    store.rewind("s1", ids[2])
    report = store.flush("s1", [*TALK[:3], answer("good")])
    assert contents(store) == ["q1", "a1", "q2", "good"]
    assert (report.kept, report.restored, len(report.added)) == (ids[:2], ids[2:3], 1)
    assert list(report) == [ids[2], report.added[0]]


def test_a_regenerated_answer_with_equal_text_is_restored(store: SessionStore) -> None:
    """A regenerated answer that equals the rewound one restores it."""
    ids = store.flush("s1", [user("q1"), answer("yes")])
    store.rewind("s1", ids[1])
    assert contents(store) == ["q1"]
    assert store.flush("s1", [user("q1"), answer("yes")]).restored == (ids[1],)
    assert contents(store) == ["q1", "yes"]


def test_messages_that_the_list_leaves_out_at_its_end_are_archived(store: SessionStore) -> None:
    """Messages behind the end of a shorter list are archived, still found, and restored later."""
    ids = store.flush("s1", TALK).ids
    report = store.flush("s1", TALK[:2])
    assert (report.kept, report.hidden) == (ids[:2], ids[2:])
    assert contents(store) == ["q1", "a1"]
    assert [hit.id for hit in store.search("bad").hits] == [ids[3]]
    assert [m.content for m in store.messages("s1", archived=True)] == ["q1", "a1", "q2", "bad"]
    assert store.flush("s1", TALK).restored == (ids[2], ids[3])
    assert contents(store) == ["q1", "a1", "q2", "bad"]


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2), (2, 0, 1), (0, 2, 1)])
def test_a_list_in_another_order_duplicates_nothing(
    store: SessionStore, order: tuple[int, ...]
) -> None:
    """A list that has every message again, in another order, puts them in that order."""
    talk = [user("q1"), answer("r1"), answer("r2")]
    store.flush("s1", talk)
    report = store.flush("s1", [talk[n] for n in order])
    assert (report.added, report.hidden) == ((), ())
    assert contents(store) == [talk[n]["content"] for n in order]
    assert store.flush("s1", [talk[n] for n in order]) == []


def test_a_long_reversed_list_duplicates_nothing(store: SessionStore) -> None:
    """A reversed list with equal messages and one new message adds only the new one."""
    talk = [user(f"q{n % 7}") for n in range(30)]
    store.flush("s1", talk)
    report = store.flush("s1", [*reversed(talk), user("new")])
    assert (len(report.added), report.hidden) == (1, ())
    assert contents(store) == [message["content"] for message in [*reversed(talk), user("new")]]


def test_messages_that_may_have_left_a_window_are_new_at_its_end(store: SessionStore) -> None:
    """First messages that come again at the end, in their order, may be new, and are added."""
    store.flush("s1", [user("yes"), answer("done"), user("go on"), answer("ready")])
    store.flush("s1", [user("go on"), answer("ready"), user("yes"), answer("done")])
    assert contents(store) == ["yes", "done", "go on", "ready", "yes", "done"]


def test_another_answer_replaces_the_old_one(store: SessionStore) -> None:
    """A regenerated answer hides the answer that the same handle flushed before."""
    ids = store.flush("s1", TALK)
    report = store.flush("s1", [*TALK[:3], answer("good")])
    assert contents(store) == ["q1", "a1", "q2", "good"]
    assert report.hidden == (ids[3],)


def test_a_new_handle_hides_nothing(store: SessionStore, other: SessionStore) -> None:
    """A new handle hides no message, because others may have written what its list lacks."""
    store.flush("s1", TALK)
    report = other.flush("s1", [*TALK[:3], answer("good")])
    assert report.hidden == ()
    assert contents(store) == ["q1", "a1", "q2", "bad", "good"]


def test_a_handle_that_read_the_transcript_may_hide(
    store: SessionStore, other: SessionStore
) -> None:
    """After a read of the transcript, a flush hides the messages behind the end of its list."""
    ids = store.flush("s1", TALK)
    assert len(other.messages("s1")) == 4
    assert other.flush("s1", TALK[:3]).hidden == (ids[3],)
    assert contents(store) == ["q1", "a1", "q2"]


def test_messages_of_others_stay(store: SessionStore, other: SessionStore) -> None:
    """A flush does not hide messages of others, also if they were read after the first flush."""
    store.flush("s1", TALK[:2])
    other.append("s1", "user", "by the way")
    assert contents(store) == ["q1", "a1", "by the way"]
    assert store.flush("s1", TALK).hidden == ()
    assert contents(store) == ["q1", "a1", "by the way", "q2", "bad"]
    assert len(store.flush("s1", TALK[:2]).hidden) == 2
    assert contents(store) == ["q1", "a1", "by the way"]


# insertions in front and between


def test_a_new_system_prompt_is_put_in_front(store: SessionStore) -> None:
    """A new system prompt comes first, and the messages after it are not added again."""
    store.flush("s1", TALK[:2])
    prompt = {"role": "system", "content": "Be brief."}
    report = store.flush("s1", [prompt, *TALK[:3]])
    assert (len(report.kept), len(report.added)) == (2, 2)
    assert contents(store) == ["Be brief.", "q1", "a1", "q2"]


def test_another_system_prompt_replaces_the_old_one(store: SessionStore) -> None:
    """A prompt whose text changes with each turn is one message."""
    for n in range(3):
        prompt = {"role": "system", "content": f"It is {n} o'clock."}
        store.flush("s1", [prompt, *TALK[: n + 1]])
    assert contents(store) == ["It is 2 o'clock.", "q1", "a1", "q2"]


def test_a_sliding_window_loses_and_duplicates_nothing(store: SessionStore) -> None:
    """A list that drops its oldest messages neither hides nor adds them again."""
    texts = [str(n) for n in range(9)]
    for start in range(6):
        report = store.flush("s1", [user(text) for text in texts[start : start + 4]])
        assert report.hidden == ()
    assert contents(store) == texts
    store.flush("s2", [user("system", role="system"), *map(user, texts[:6])])
    store.flush("s2", [user("system", role="system"), *map(user, texts[3:])])
    assert contents(store, "s2") == ["system", *texts]


def test_a_summary_is_put_in_front_of_what_follows_it(store: SessionStore) -> None:
    """A list whose first messages became a summary duplicates and hides no message."""
    store.flush("s1", [user("q1"), answer("a1"), user("q2"), answer("a2")])
    summary = user("[summary]")
    report = store.flush("s1", [summary, user("q2"), answer("a2"), user("q3")])
    assert (len(report.kept), len(report.added), report.hidden) == (2, 2, ())
    assert contents(store) == ["q1", "a1", "[summary]", "q2", "a2", "q3"]


@pytest.mark.parametrize("ids", ["ids", ""])
def test_messages_between_others_are_read_between_them(store: SessionStore, ids: str) -> None:
    """Messages that are inserted, also several at one place, are read where the list has them."""
    talk = [user(f"m{n}") for n in range(4)]
    if ids:
        talk = [message | {"id": message["content"]} for message in talk]
    store.flush("s1", talk)
    for n, at in enumerate([1, 1, 2, 2, 0, 0, 5, 9]):
        message = answer(f"new {n}")
        talk.insert(at, message | {"id": f"n{n}"} if ids else message)
        report = store.flush("s1", talk)
        assert len(report.added) == 1
        assert contents(store) == [message["content"] for message in talk]
    assert store.flush("s1", talk).kept == report.ids


def test_time_stamps_do_not_put_a_list_out_of_order(store: SessionStore) -> None:
    """The list's order counts, also if a clock stepped back or a summary has a later date."""
    moment = 1_790_000_000_000_000
    talk = [user("one", timestamp=moment), user("two", timestamp=moment - 5), user("three")]
    store.flush("s1", talk)
    assert contents(store) == ["one", "two", "three"]
    talk.insert(0, user("summary", timestamp=moment + 10))
    store.flush("s1", talk)
    assert contents(store) == ["summary", "one", "two", "three"]
    assert store.messages("s1")[0].fields["extra"] == {"timestamp": moment + 10}


def test_a_list_is_read_behind_a_message_with_a_later_date(
    store: SessionStore, other: SessionStore
) -> None:
    """A message that another machine dated in the future comes before new messages."""
    later = 4_000_000_000_000_000
    other.append("s1", "user", "from the future", timestamp=later)
    store.flush("s1", [user("from the future"), answer("now"), user("and then")])
    assert contents(store) == ["from the future", "now", "and then"]


@pytest.mark.parametrize("hours", [0, 1, 100_000, -1, -100_000])
def test_clocks_that_differ_put_no_list_out_of_order(
    store: SessionStore, other: SessionStore, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """Hosts whose clocks differ by hours or years flush one list, and its order is kept."""
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
    assert contents(store) == [message["content"] for message in talk]


# lists that differ in something else than the end


def test_messages_of_one_order_are_compared_in_the_order_in_which_they_are_read(
    journal_dir: Path,
) -> None:
    """Two hosts append with equal knowledge; a flush compares messages in the order of reading."""
    now = 1_790_000_000 * 10**9

    def store() -> SessionStore:
        return SessionStore.open(journal_dir, fsync="never")

    # the store that opens first has the first folder and the higher uuid
    ahead = elsewhere(store, lambda: now + 1_800 * 10**9)
    behind = elsewhere(store, lambda: now)
    with closing(behind), closing(ahead):
        ahead.flush("s1", [user("1")])
        assert contents(behind) == ["1"]
        ahead.flush("s1", [user("1"), user("2")])
        behind.append("s1", "user", "3")
        assert contents(behind) == ["1", "3", "2"]
        report = ahead.flush("s1", [user("1"), user("3")])
        assert len(report.hidden) == 1
        assert contents(behind) == ["1", "3"]


@pytest.mark.parametrize("gap", [1_800, 40_000_000])
def test_a_message_that_a_sweep_had_not_seen_is_not_added_again(
    journal_dir: Path, gap: int
) -> None:
    """A message that a writer with a slow clock appended after a clear is kept, not added again."""
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
        assert contents(ahead) == contents(behind) == ["2", "3"]


def test_a_message_without_a_date_keeps_its_place_behind_one_that_is_dated_ahead(
    store: SessionStore, other: SessionStore
) -> None:
    """A flush reads dated and undated messages in the order that readers see."""
    late = time.time_ns() // 1_000 + 3_600 * 10**6
    store.flush("s1", [user("1")])
    other.append("s1", "user", "2", timestamp=late)
    other.append("s1", "user", "3")
    store.append("s1", "user", "4", timestamp=late - 1)
    assert contents(store) == ["1", "4", "2", "3"]
    report = store.flush("s1", [user("1"), user("4"), user("2"), user("3"), user("5")])
    assert (len(report.kept), report.moved) == (4, ())
    assert contents(store) == ["1", "4", "2", "3", "5"]


def test_a_message_that_streams_is_one_message(store: SessionStore) -> None:
    """A message whose text, parts or calls grow is one message, revised."""
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
        assert contents(store, session) == ["q", messages[-1].get("content")]
        store.flush(session, [user("q"), messages[-1], user("next")])
        assert len(store.messages(session)) == 3


def test_parts_that_grow_in_the_callers_own_list_are_one_message(store: SessionStore) -> None:
    """A caller may extend a message's parts in the list that it flushed; that is a revision."""
    parts: list[Any] = [{"type": "text", "text": "one"}]
    talk = [user("q"), answer(None, content=parts)]
    store.flush("s1", talk)
    parts.append({"type": "text", "text": "two"})
    assert len(store.flush("s1", talk).revised) == 1
    assert len(store.messages("s1", archived=True)) == 2


@pytest.mark.parametrize("ids", ["ids", ""])
def test_an_edit_in_the_middle_is_a_revision(store: SessionStore, ids: str) -> None:
    """A changed text between two unchanged messages is a revision."""
    talk = [m | ({"id": str(n)} if ids else {}) for n, m in enumerate(TALK)]
    first = store.flush("s1", talk)
    talk[1] = talk[1] | {"content": "a better one"}
    report = store.flush("s1", talk)
    assert (report.ids, report.revised) == (first.ids, first.ids[1:2])
    assert contents(store) == ["q1", "a better one", "q2", "bad"]


def test_an_unchanged_list_reverts_no_revision(store: SessionStore, other: SessionStore) -> None:
    """A revision by others stays as long as the list does not change."""
    named = [message | {"id": str(n)} for n, message in enumerate(TALK)]
    for session, talk in (("s1", TALK), ("s2", named)):
        ids = store.flush(session, talk).ids
        other.revise_message(session, ids[1], content="redacted")
        for handle in (store, other):
            assert handle.flush(session, talk).kept == ids
            assert contents(store, session) == ["q1", "redacted", "q2", "bad"]


def test_equal_messages_without_ids_are_counted(store: SessionStore, other: SessionStore) -> None:
    """Of equal messages, the transcript has as many as the list."""
    talk = [user("yes")] * 3
    assert len(store.flush("s1", talk)) == 3
    assert other.flush("s1", talk) == []
    assert len(store.flush("s1", [*talk, user("yes")])) == 1
    assert len(store.flush("s1", [user("yes")] * 2).hidden) == 2
    assert contents(store) == ["yes", "yes"]


@pytest.mark.parametrize("ids", ["ids", ""])
def test_another_order_is_read_in_that_order(store: SessionStore, ids: str) -> None:
    """Messages that change places keep their ids, whatever they name as parents."""
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
        assert contents(store) == [message["content"] for message in again]
    if ids:
        store.flush("s1", talk[::-1])
        assert contents(store) == ["m4", "m3", "m2", "m1", "m0"]


def test_two_messages_with_one_id_are_an_error(store: SessionStore) -> None:
    """The error names the second message; the first and all others are stored."""
    talk = [user("one", id="m1"), answer("two"), user("other", id="m1"), answer("three")]
    with pytest.raises(EventError, match=r"messages\[2\]: the id 'm1' occurs twice"):
        store.flush("s1", talk)
    assert contents(store) == ["one", "two", "three"]


# concurrent writers, failures, other processes


def test_a_clear_during_a_flush_loses_and_duplicates_nothing(
    store: SessionStore, other: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session is cleared between a flush's read and its write; the next flush completes it."""
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
    assert contents(store) == ["q2"]
    other.flush("s1", talk)
    assert contents(store) == ["q1", "a1", "q2"]


def test_handles_that_flush_at_the_same_time_add_the_same(
    store: SessionStore, other: SessionStore
) -> None:
    """Two handles that flush one list at the same time choose the same ids, so none is doubled."""
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
    assert contents(store) == ["q1", "a1", "yes", "yes", "fine"]
    assert store.projection.status().conflicts == 0


_FLUSH = """
import json, sys
from projector import SessionStore
with SessionStore.open(sys.argv[1]) as store:
    print(len(store.flush("s1", json.loads(sys.argv[2]))))
"""


def test_another_process_adds_nothing_twice(store: SessionStore) -> None:
    """Ids are computed from the messages alone, so another process computes the same ids."""
    talk = json.dumps([user("q1"), user("q1"), answer("a1")])
    for added in ("3", "0"):
        run = [sys.executable, "-c", _FLUSH, str(store.journal.path), talk]
        found = subprocess.run(run, check=True, capture_output=True, text=True, timeout=60)
        assert found.stdout.strip() == added
    assert contents(store) == ["q1", "q1", "a1"]


@pytest.mark.parametrize("is_new", ["", "by a new handle"])
def test_a_flush_that_failed_at_any_byte_is_repeated(
    journal_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_new: str,
) -> None:
    """A flush that hides, inserts and adds is cut off at any byte; the next flush completes it."""
    new = [user("q1"), answer("between"), answer("a1"), user("q2"), answer("good"), user("q3")]
    store = SessionStore.open(journal_dir, fsync="never")
    for cut in range(0, 101, 4):
        store.flush(f"s{cut}", TALK)
        with monkeypatch.context() as broken:
            patch_write(broken, _writes_part(cut))
            with pytest.raises(AppendError):
                store.flush(f"s{cut}", new)
        if is_new:
            store.close()
            store = SessionStore.open(journal_dir, fsync="never")
        store.flush(f"s{cut}", new)
        found = contents(store, f"s{cut}")
        assert [text for text in found if text != "bad"] == [message["content"] for message in new]
        # a new handle cannot know that the old one wanted to hide it
        assert found.count("bad") <= bool(is_new)
    store.close()


def _writes_part(percent: int) -> Callable[[int, bytes | memoryview], int]:
    """Return a write(2) that writes this share of the data once, and then fails."""
    failed: list[bool] = []

    def part(fd: int, data: bytes | memoryview) -> int:
        if failed:
            raise OSError(errno.ENOSPC, "No space left on device")
        failed.append(True)
        # with O_APPEND this writes at the end, although the offset is 0
        return os.pwrite(fd, bytes(data)[: (len(data) - 1) * percent // 100], 0)

    return part


def test_a_flush_does_not_wait_for_a_projector_that_hangs(
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
    assert contents(store) == ["q1", "other", "q2", "bad"]


def test_a_handle_remembers_what_it_flushed(
    store: SessionStore, other: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next flush runs no query, and reads what others have written since from the lanes."""
    talk = [user(f"m{n}") for n in range(50)]
    store.flush("s1", talk)
    other.append("s1", "user", "from elsewhere")
    talk.append(user("from elsewhere"))
    with monkeypatch.context() as patched:
        patched.setattr(store.projection, "peek", None)
        patched.setattr(store.projection, "read", None)
        assert store.flush("s1", talk) == []


# messages that no record can hold


LARGE = "x" * 17_000_000


def test_a_message_that_is_too_long_does_not_stop_the_others(
    store: SessionStore, other: SessionStore
) -> None:
    """The message is shortened and stored once, with its size and the reason."""
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
    refused = found[1].fields["extra"]["refused"]
    assert refused["bytes"] > 17_000_000
    assert refused["cut"] == ["content"]
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
def test_values_that_json_does_not_have_do_not_stop_the_others(
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
    """`docs/flush.md` says how a placeholder changes when its message is corrected."""
    store.flush("s1", [user("first"), refused, user("last")])
    (other if is_other else store).flush("s1", [user("first"), corrected, user("last")])
    found = store.messages("s1")
    assert [message.content for message in found] == ["first", *contents, "last"]
    marks = ["refused" in (message.fields.get("extra") or {}) for message in found]
    assert marks == [False, *is_marked, False]


def test_an_item_that_is_no_message_is_named(store: SessionStore) -> None:
    """What is no mapping, and ids that are none, are errors that name the place."""
    for message in ("x", None, 5, ["role", "user"], user("x", id=5), user("x", id="\ud800")):
        with pytest.raises(EventError, match=r"^messages\[1\]: "):
            store.flush("s1", [user("a"), message])  # type: ignore[list-item] # that is the mistake
    with pytest.raises(EventError, match=r"messages\[0\].*messages\[3\].*the other 0 messages"):
        store.flush("s2", list("text"))  # type: ignore[arg-type] # that is the mistake
    assert contents(store) == ["a"]


# the report


def test_a_report_is_the_ids_that_were_added(store: SessionStore) -> None:
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
