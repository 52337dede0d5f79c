"""Flushes of lists with messages that a request forgets: nothing of these is written again."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from journal.process.ids import uuid7
from projector import NotFound, SessionStore
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from tests.support.forgetting.requests import ask
from tests.support.journals import segments

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TALK = [{"role": "user", "content": text} for text in ("one", "two", "three", "four")]
T = 1_700_000_000_000_000


def size(path: Path) -> int:
    """Return the bytes of all lanes."""
    return sum(segment.stat().st_size for segment in segments(path))


def contents(store: SessionStore, session: str = "s") -> list[Any]:
    """Return what readers see of a session."""
    try:
        return [view.content for view in store.messages(session)]
    except NotFound:
        return []


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("erases", [True, False])
@pytest.mark.slow
def test_a_flush_of_a_forgotten_session_writes_nothing(
    journal_dir: Path, *, named: bool, erases: bool
) -> None:
    """By the handle that flushed it, and by another one; each message is reported as forgotten."""
    talk = [it | {"id": f"m{n}"} for n, it in enumerate(TALK)] if named else TALK
    with SessionStore.open(journal_dir) as store:
        first = store.flush("s", talk)
        if erases:
            forget(journal_dir, Selection(sessions=("s",)))
        else:
            ask(journal_dir, sessions=["s"])
        store.flush("s", talk)
        before = size(journal_dir)
        for _ in range(2):
            report = store.flush("s", talk)
            assert report.forgotten == report.ids == first.ids
            assert (list(report), report.kept, report.revised) == ([], (), ())
        with SessionStore.open(journal_dir) as other:
            assert other.flush("s", talk).forgotten == first.ids
        assert size(journal_dir) == before
        assert contents(store) == []


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("reopen", [True, False])
def test_a_forgotten_message_is_left_out(journal_dir: Path, at: int, *, reopen: bool) -> None:
    """The others are kept, nothing is taken for an edit, and what is new comes behind them."""
    store = SessionStore.open(journal_dir)
    first = store.flush("s", TALK)
    ask(journal_dir, events=[("s", first.ids[at])])
    rest = [it["content"] for n, it in enumerate(TALK) if n != at]
    if reopen:
        store.close()
        store = SessionStore.open(journal_dir)
    with store:
        for n in range(3):
            talk = [*TALK, *({"role": "user", "content": f"new {m}"} for m in range(n))]
            report = store.flush("s", talk)
            assert (report.forgotten, report.revised, report.hidden) == ((first.ids[at],), (), ())
            assert report.ids[:4] == first.ids
            assert len(report.added) == (n > 0)
            assert contents(store) == [*rest, *(f"new {m}" for m in range(n))]
        before = size(journal_dir)
        assert store.flush("s", talk).forgotten == (first.ids[at],)
        assert size(journal_dir) == before


def test_messages_that_another_writer_named_are_left_out(journal_dir: Path) -> None:
    """A handle that flushed them knows their words; at the end, these are a new message."""
    with Journal.open(journal_dir) as journal:
        for message in TALK:
            journal.append_message("s", **message, id=uuid7())  # type: ignore[arg-type]
    with SessionStore.open(journal_dir) as store:
        first = store.flush("s", TALK)
        ask(journal_dir, events=[("s", first.ids[1])])
        report = store.flush("s", TALK)
        assert report.forgotten == (first.ids[1],)
        report = store.flush("s", [*TALK[2:], TALK[1]])
        assert (report.forgotten, len(report.added)) == ((), 1)
        assert contents(store) == ["one", "three", "four", "two"]


@pytest.mark.slow
def test_a_message_is_known_by_role_content_and_time(journal_dir: Path) -> None:
    """A request that was made for another session names it, too."""
    talk = [it | {"timestamp": T + n} for n, it in enumerate(TALK)]
    with SessionStore.open(journal_dir) as store:
        store.flush("s", talk)
        forget(journal_dir, Selection(sessions=("s",)))
        report = store.flush("fork", [*talk, {"role": "user", "content": "more"}])
        assert (len(report.forgotten), len(report.added)) == (4, 1)
        assert contents(store, "fork") == ["more"]


@pytest.mark.slow
def test_what_may_come_again_comes_again(journal_dir: Path) -> None:
    """A request that only erases."""
    with SessionStore.open(journal_dir) as store:
        store.flush("s", TALK)
        forget(journal_dir, Selection(sessions=("s",)), allow_again=True)
        assert len(store.flush("s", TALK).added) == 4
        assert contents(store) == [it["content"] for it in TALK]


@pytest.mark.slow
def test_a_session_that_is_forgotten_is_not_known_while_the_projection_is_behind(
    journal_dir: Path,
) -> None:
    """What was appended to it since is searched where it is not applied yet, and is hidden."""
    with SessionStore.open(journal_dir) as store:
        store.flush("s", TALK)
        forget(journal_dir, Selection(sessions=("s",)))
        with Journal.open(journal_dir) as journal:
            journal.append_message("s", "user", "late")
        assert not store.projection.peek(lambda db: store._is_appended(db, "s"))


class Talk:
    """A list that changes, the process that flushes it, and what was forgotten of it."""

    def __init__(self, path: Path, random: Random) -> None:
        self.path, self.random = path, random
        self.store = SessionStore.open(path, fsync="never")
        self.list: list[dict[str, Any]] = []
        self.gone: set[str] = set()
        self.number = 0

    def add(self) -> None:
        """Add messages, some of which say what others say."""
        for _ in range(self.random.randint(1, 3)):
            self.number += 1
            text = "yes" if self.random.random() < 0.2 else f"words {self.number}"
            self.list.append({"role": self.random.choice(["user", "tool"]), "content": text})

    def edit(self) -> None:
        """Change a message."""
        if self.list:
            self.number += 1
            at = self.random.randrange(len(self.list))
            self.list[at] = self.list[at] | {"content": f"words {self.number}"}

    def cut(self) -> None:
        """Let messages leave the window."""
        del self.list[: self.random.randint(0, 2)]

    def forget(self) -> None:
        """Forget some of the messages, or with bad luck all."""
        found = [view for view in self.messages() if self.random.random() < 0.3]
        if found:
            ask(self.path, events=[("s", view.id) for view in found])
            self.gone |= {str(view.content) for view in found if view.content != "yes"}

    def reopen(self) -> None:
        """Let another process go on with the list."""
        self.store.close()
        self.store = SessionStore.open(self.path, fsync="never")

    def messages(self) -> list[Any]:
        """Return what readers see."""
        try:
            return list(self.store.messages("s"))
        except NotFound:
            return []

    def flush(self) -> None:
        """Flush the list twice, and compare it with what readers see."""
        report = self.store.flush("s", self.list)
        assert len(report.ids) == len(self.list)
        seen = {view.id: view.content for view in self.messages()}
        for id, message in zip(report.ids, self.list, strict=True):
            if id in report.forgotten:
                assert id not in seen
            else:
                assert seen[id] == message["content"]
        kept = [id for id in report.ids if id not in report.forgotten]
        assert kept == [id for id in seen if id in set(kept)]
        assert self.gone.isdisjoint(map(str, seen.values()))
        before = size(self.path)
        again = self.store.flush("s", self.list)
        assert (again.ids, again.forgotten, list(again)) == (report.ids, report.forgotten, [])
        assert size(self.path) == before


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.slow
def test_any_list_is_flushed_without_what_is_forgotten(journal_dir: Path, seed: int) -> None:
    """Whatever was appended, edited, cut and forgotten, in whatever order; nothing grows."""
    random = Random(seed)  # noqa: S311 - made-up conversations
    talk = Talk(journal_dir, random)
    changes: list[Callable[[], None]] = [talk.add, talk.add, talk.edit, talk.cut, talk.forget]
    changes += [talk.forget, talk.reopen]
    talk.add()
    for _ in range(10):
        random.choice(changes)()
        talk.flush()
    talk.store.close()
