"""Forgetting: requests, what they hide and erase, and receipts."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

from journal import AppendError, EventError, Journal, JournalOpenError
from journal.erasure.eraser import erase
from journal.erasure.hashes import session_hash
from journal.format.event_types import FORGET
from journal.fs import disk
from journal.fs.disk import Disk
from journal.fs.key_file import own_key
from journal.process.ids import uuid7
from projector import Projection
from projector.errors import NotFinished, NotFound, QueryError
from projector.forgetting import finish
from projector.forgetting.erasures import erasures
from projector.forgetting.finish import finish_forgetting
from projector.forgetting.forget import forget, plan
from projector.forgetting.selection import Selection
from tests.support.journals import events, segments
from tests.support.projections import Fact, message, write_lane

if TYPE_CHECKING:
    from pathlib import Path

    from journal.erasure.eraser import Report

T = 1_700_000_000_000_000
"""Microseconds: 2023-11-14T22:13:20Z."""
S1 = Selection(sessions=("s1",))


@pytest.fixture
def path(journal_dir: Path) -> Path:
    """A journal with two sessions that no process holds a lane of."""
    with Journal.open(journal_dir, fsync="never") as journal:
        journal.append_message("s1", "user", "a secret word", id="m1", timestamp=T)
        journal.append_message("s1", "assistant", "an answer", id="m2", timestamp=T + 1)
        journal.append_message("s2", "user", "another", id="m1", timestamp=T + 2)
    return journal_dir


def _shown(path: Path) -> set[tuple[str, str]]:
    with Projection.open(path) as projection:
        return {
            (view.session, message.id)
            for view in projection.sessions()
            for message in projection.messages(view.session)
        }


def test_a_session_is_hidden_and_erased_and_there_is_a_receipt(path: Path) -> None:
    """The receipt counts the erased events; neither it nor the request names the session."""
    outcome = forget(path, S1, reason="asked by a customer")
    assert outcome.is_complete
    assert (outcome.lines, outcome.segments, outcome.generations) == (2, 1, 1)
    assert _shown(path) == {("s2", "m1")}
    (erasure,) = erasures(path)
    assert (erasure.scope, erasure.reason) == ("session", "asked by a customer")
    assert (erasure.sessions, erasure.events, erasure.messages) == (1, 0, 6)
    assert erasure.receipt is not None
    assert (erasure.receipt.lines, erasure.receipt.segments) == (2, 1)
    assert erasure.receipt.duration == outcome.duration > 0
    texts = [str(record.event.data) for record in events(path)]
    assert not [text for text in texts if "s1" in text or "secret" in text]


def test_a_forgotten_message_that_is_appended_again_is_hidden(path: Path) -> None:
    """It is hidden under its key, under another session, and with another id and the same time."""
    forget(path, S1)
    with Journal.open(path) as journal:
        journal.append_message("s1", "user", "a secret word", id="m1", timestamp=T)
        journal.append_message("s1", "user", "a later word", id="m9")
        journal.append_message("copy", "user", "a secret word", id="x", timestamp=T)
        journal.append_message("copy", "user", "a secret word", id="y", timestamp=T + 7)
    assert _shown(path) == {("s2", "m1"), ("copy", "y")}


@pytest.mark.slow
def test_allow_again_only_erases(path: Path) -> None:
    """With `allow_again` the same message may be appended again, and is shown."""
    assert forget(path, S1, allow_again=True).lines == 2
    assert _shown(path) == {("s2", "m1")}
    with Journal.open(path) as journal:
        journal.append_message("s1", "user", "a secret word", id="m1", timestamp=T)
    assert _shown(path) == {("s1", "m1"), ("s2", "m1")}
    assert erasures(path)[0].allows_again


def test_a_session_that_was_forgotten_by_age_can_continue(path: Path) -> None:
    """The forgotten messages stay hidden, also under their keys; new messages are shown."""
    forget(path, Selection(before=T + 2))
    with Journal.open(path) as journal:
        journal.append_message("s1", "user", "a secret word", id="m1", timestamp=T)
        journal.append_message("s1", "user", "new", id="m3")
    assert _shown(path) == {("s1", "m3"), ("s2", "m1")}


def test_a_single_message_is_forgotten_and_its_session_stays(path: Path) -> None:
    """The message is forgotten with its revisions and its replay in another session."""
    line = uuid7()
    with Journal.open(path) as journal:
        journal.append_message("s1", "user", "an original", id=line)
        data = {"message": line, "content": "a revised text"}
        journal.append(session="s1", type="message.revised", data=data)
        journal.append_message("fork", "user", "an original", id=line)
    outcome = forget(path, Selection(messages=(("s1", line),)))
    assert outcome.lines == 3
    assert _shown(path) == {("s1", "m1"), ("s1", "m2"), ("s2", "m1")}


@pytest.mark.slow
def test_keys_that_mention_a_session_and_parents_of_children_are_forgotten(path: Path) -> None:
    """The child session stays, without a parent."""
    with Journal.open(path) as journal:
        data = {"key": "cursor", "value": "s1"}
        journal.append(session="@keys", type="key.set", data=data)
        data = {"parent": "s1", "title": "child"}
        journal.append(session="s3", type="session.created", data=data)
    assert forget(path, S1).lines == 4
    with Projection.open(path) as projection:
        assert projection.session("s3").parent is None
        assert projection.session("s3").title == "child"
        count, _ = projection.read(lambda db: db.execute("SELECT count(*) FROM keys").get)
        assert count == 0


def test_a_plan_forgets_only_what_it_showed(path: Path) -> None:
    """A hit that is appended after the user agreed is not forgotten."""
    found = plan(path, Selection(query="word"))
    with Journal.open(path) as journal:
        journal.append_message("s2", "user", "word", id="late")
    forget(path, found)
    assert _shown(path) == {("s1", "m2"), ("s2", "m1"), ("s2", "late")}


@pytest.mark.parametrize(
    ("selection", "reason"),
    [
        (S1, "delete s1 please"),
        (Selection(query="secret"), "the word SECRET leaked"),
        (Selection(query="sec* OR nothing", sessions=("s1",)), "secrets"),
    ],
)
def test_a_reason_that_contains_what_is_forgotten_is_refused(
    path: Path, selection: Selection, reason: str
) -> None:
    """The reason would keep the text for ever; the error comes before any write."""
    with pytest.raises(EventError, match="give another reason"):
        forget(path, selection, reason=reason)
    assert erasures(path) == []
    assert not (path / "key").exists()


def test_nothing_to_forget_is_an_error(path: Path) -> None:
    """An empty plan is an error, so that a program notices that it forgot nothing."""
    with pytest.raises(NotFound, match="nothing to forget"):
        forget(path, Selection(query="nowhere"))


@pytest.mark.slow
def test_a_lane_whose_lessee_sleeps_is_pending_until_that_appends(path: Path) -> None:
    """The events are hidden at once, and the report names the process that has the lane."""
    with Journal.open(path) as sleeper:
        sleeper.append_message("s1", "user", "a last word", id="m3", timestamp=T + 3)
        outcome = forget(path, S1)
        (pending,) = outcome.pending
        assert (pending.pid, pending.lane_folder) == (os.getpid(), "1")
        assert not outcome.is_complete
        assert _shown(path) == {("s2", "m1")}
        assert erasures(path)[0].receipt is None
        assert finish_forgetting(path).pending
        sleeper.append_message("s2", "user", "awake", id="m2")
        outcome = finish_forgetting(path)
        assert outcome.is_complete
        assert outcome.lines == 3
    assert erasures(path)[0].receipt is not None


@pytest.mark.slow
def test_a_request_that_arrives_meanwhile_gets_no_receipt(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process may be killed before it erases: without a receipt, the next one does it."""

    def erase_and_request(*arguments: Any, **options: Any) -> Report:  # noqa: ANN401
        report = erase(*arguments, **options)
        key = own_key(path)
        data = {"key": key.id, "sessions": [session_hash(key, "s2")]}
        with Journal.open(path) as journal:
            journal.append(session="@forget", id="2", type="erasure.requested", data=data)
        return report

    monkeypatch.setattr(finish, "erase", erase_and_request)
    assert len(forget(path, S1).requests) == 1
    monkeypatch.undo()
    first, second = erasures(path)
    assert first.receipt is not None
    assert second.receipt is None
    outcome = finish_forgetting(path)
    assert (outcome.lines, outcome.requests) == (1, ("2",))


def test_finishing_again_does_nothing(path: Path) -> None:
    """A second `finish` erases nothing and appends no second receipt."""
    forget(path, S1)
    before = len(events(path))
    outcome = finish_forgetting(path)
    assert (outcome.lines, outcome.segments, outcome.requests) == (0, 0, ())
    assert len(events(path)) == before


def test_where_nothing_was_forgotten_there_is_nothing_to_finish(path: Path) -> None:
    """Where nothing was forgotten, `finish` does nothing and creates no file."""
    assert finish_forgetting(path).is_complete
    assert not (path / "eraser").exists()
    assert erasures(path) == []


@pytest.mark.slow
def test_a_request_with_a_key_that_the_journal_lacks_is_pending(path: Path) -> None:
    """A journal that was copied without its file `key` reports such requests as pending."""
    forget(path, S1)
    key = (path / "key").read_bytes()
    (path / "key").unlink()
    (erasure,) = erasures(path)
    assert not erasure.key_is_known
    with Journal.open(path) as journal:
        journal.append_message("s4", "user", "other", id="m1")
    own_key(path)  # as a handle does that redacts
    forget(path, Selection(sessions=("s4",)))
    outcome = finish_forgetting(path)
    assert outcome.unknown_keys == (erasure.key,)
    assert not outcome.is_complete
    (path / "key").write_bytes(key + (path / "key").read_bytes())
    assert finish_forgetting(path).is_complete


class _Keeping(Disk):
    """A disk that removes nothing from the folder `6`."""

    def unlink(self, path: Path) -> None:
        """Remove a name, or refuse."""
        if path.parent.name == "6":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        super().unlink(path)


def test_a_file_that_cannot_be_removed_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no receipt before it is gone."""
    old = path / "projection" / "6" / "1.db"  # of an earlier version of this program
    old.parent.mkdir(parents=True)
    old.touch(0o600)
    with monkeypatch.context() as patch:
        patch.setattr(disk, "in_use", _Keeping())
        with pytest.raises(NotFinished, match=f"cannot clean up {old}: Read-only file system"):
            forget(path, S1)
    assert erasures(path)[0].receipt is None
    assert finish_forgetting(path).is_complete


class _Full(Disk):
    """A disk that is full from a certain moment on."""

    def __init__(self, writes: int) -> None:
        self.left = writes

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write, or raise ENOSPC."""
        if self.left <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.left -= 1
        return super().write(fd, data)


class _Short(_Full):
    """A disk that is full in the middle of a write."""

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write a part, or raise ENOSPC."""
        return super().write(fd, data[:150])


def test_an_append_that_was_refused_leaves_no_bytes_to_search(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of what is to be forgotten was written by it, and is gone."""
    with Journal.open(path, fsync="never") as journal:
        with monkeypatch.context() as patch:
            patch.setattr(disk, "in_use", _Short(1))
            with pytest.raises(AppendError):
                journal.append_message("s1", "user", "tok3n " * 100, id="tok3n")
        journal.append_message("s2", "user", "later", id="later")
    outcome = forget(path, S1)
    assert (outcome.unreadable, outcome.is_complete) == ((), True)


@pytest.mark.slow
@pytest.mark.parametrize("writes", range(5))
def test_a_disk_that_fills_up_loses_nothing(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    writes: int,
) -> None:
    """The error says what to do; when there is space again, `finish` completes the erasure."""
    shown = _shown(path)
    with monkeypatch.context() as patch:
        patch.setattr(disk, "in_use", _Full(writes))
        with pytest.raises((NotFinished, AppendError, JournalOpenError)) as raised:
            forget(path, S1)
    assert "No space left" in str(raised.value)
    is_requested = bool(erasures(path))
    assert is_requested == ("journal forget --finish" in str(raised.value))
    assert is_requested == isinstance(raised.value, NotFinished)
    if is_requested:
        assert finish_forgetting(path).is_complete
        assert _shown(path) == {("s2", "m1")}
    else:
        assert _shown(path) == shown


def test_a_receipt_is_of_its_run_and_each_request_has_its_own_count(path: Path) -> None:
    """Requests that one run finishes share a receipt; what an earlier run erased counts, too."""
    with Journal.open(path, fsync="never") as journal:
        for number in range(5):
            journal.append_message("s9", "user", f"held {number}")
        for session in ("s9", "s1"):
            assert not forget(path, Selection(sessions=(session,))).is_complete
    last = finish_forgetting(path)
    assert last.is_complete
    held, s1 = erasures(path)
    assert (held.erased, s1.erased) == (5, 2)
    assert held.receipt is not None
    assert held.receipt == s1.receipt
    assert (held.receipt.requests, held.receipt.lines) == (2, last.lines)


def _hit(path: Path, id: str) -> None:
    """Damage the record of an event in the first lane."""
    segment = segments(path)[0]
    lines = segment.read_bytes().splitlines(keepends=True)
    for index, line in enumerate(lines):
        if f'"id":"{id}"'.encode() in line:
            lines[index] = b"?" * (len(line) - 1) + b"\n"
    segment.write_bytes(b"".join(lines))


def test_what_the_database_has_is_written_back_before_damage_is_erased(path: Path) -> None:
    """The bytes of a damaged record go; its message stays, also after a rebuild."""
    with Journal.open(path, fsync="never") as journal:
        journal.append_message("s3", "user", "kept", id="kept", timestamp=T + 3)
    assert forget(path, S1).is_complete
    shown = _shown(path)
    _hit(path, "kept")
    damaged = segments(path)[0].read_bytes()
    outcome = finish_forgetting(path, erase_damage=True)
    assert (outcome.is_complete, outcome.unreadable) == (True, ())
    assert b"????" in damaged
    assert b"????" not in segments(path)[0].read_bytes()
    with Projection.open(path) as projection:
        projection.rebuild()
    assert _shown(path) == shown == {("s2", "m1"), ("s3", "kept")}


def test_a_lost_request_is_written_back_and_carried_out(path: Path) -> None:
    """It was not finished: without the database nothing would tell that it was made."""
    _shown(path)
    with Journal.open(path, fsync="never"):  # it holds the first lane
        assert forget(path, S1).pending
    (request,) = [each for each in segments(path) if b"erasure.requested" in each.read_bytes()]
    request.unlink()
    (id,) = finish_forgetting(path).requests
    assert _shown(path) == {("s2", "m1")}
    (listed,) = erasures(path)
    assert (listed.id, listed.is_lost) == (id, False)
    assert listed.receipt is not None


def test_a_conversation_may_have_the_id_of_a_namespace(path: Path) -> None:
    """Programs name sessions after users; only a namespace of key-values is refused."""
    with Journal.open(path, fsync="never") as journal:
        for session in ("@bob", "@alice"):
            journal.append_message(session, "user", f"{session} on s2", id="m1", timestamp=T)
        key = {"key": "k", "value": 1}
        journal.append(session="@keys", id="k", type="key.set", data=key)
    with pytest.raises(QueryError, match="'@keys' is a namespace of key-values"):
        forget(path, Selection(sessions=("@keys",)))
    assert forget(path, Selection(sessions=("@bob",))).lines == 1
    forget(path, Selection(sessions=("s2",)))
    assert _shown(path) == {("s1", "m1"), ("s1", "m2"), ("@alice", "m1")}
    older = plan(path, Selection(before=T + 2)).sessions
    assert {each.session for each in older} == {"@alice", "s1"}


def test_messages_among_the_requests_can_be_forgotten(path: Path) -> None:
    """An older version took messages of any session; requests and receipts stay."""
    old = [message(id, f"secret {id}", session=FORGET, time=T) for id in ("m1", "m2")]
    write_lane(path / "lanes", "9", [Fact("L9", seq, each) for seq, each in enumerate(old, 1)])
    forget(path, Selection(messages=((FORGET, "m1"),)))
    forget(path, Selection(query="secret"))
    assert _shown(path) == {("s1", "m2"), ("s2", "m1")}
    assert b"secret" not in b"".join(each.read_bytes() for each in segments(path))
    first, second = erasures(path)
    with pytest.raises(QueryError, match="says what was forgotten: it is kept"):
        forget(path, Selection(messages=((FORGET, first.id),)))
    assert finish_forgetting(path).is_complete
    assert [each.receipt is None for each in (first, second)] == [False, False]
