"""A generation is published between any two steps of a decision; it never uses old values."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from journal.fs.directory import open_directory
from projector import ABSENT, NotProjected, Projection, SessionStore, TitleTaken
from projector.db.generations import generations
from projector.reading import reader as reader_module
from projector.reading.goal import Goal
from projector.reading.in_use import InUse
from projector.reading.own_projector import OwnProjector
from projector.reading.reader import Reader
from projector.reading.refresher import Refresher
from projector.run.build import building, put_into_use
from tests.support.projections import projector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def journal(journal_dir: Path) -> Iterator[Journal]:
    """A writer; the handles under test are opened beside it."""
    with Journal.open(journal_dir) as journal:
        yield journal


SEAMS: list[tuple[object, str]] = [
    (Reader, "_ask"),
    (Refresher, "refresh"),
    (InUse, "connection"),
    (Goal, "is_reached"),
    (OwnProjector, "catch_up"),
    (reader_module, "ask"),
]
"""Steps of a read: a test publishes the old generation before or after one of them."""


@contextmanager
def published_at(
    seam: tuple[object, str], path: Path, number: int, *, behind: bool
) -> Iterator[list[int]]:
    """Publish a generation once, before a step of a read or after it; yield when it was done."""
    owner, name = seam
    step = getattr(owner, name)
    done: list[int] = []

    def publish() -> None:
        if not done:
            done.append(number)
            generations(path).publish(number)

    def seamed(*args: object, **kwargs: object) -> object:
        if not behind:
            publish()
        try:
            return step(*args, **kwargs)
        finally:
            if behind:
                publish()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, seamed)
        yield done


def _set(store: SessionStore, who: str) -> bool:
    return store.keys.compare_and_set("key", who, expected=ABSENT)


def _claim(store: SessionStore, who: str) -> bool:
    return store.claims.acquire("job", holder=who, seconds=60) is not None


def _title(store: SessionStore, who: str) -> bool:
    try:
        store.claim_title(who, "the title")
    except TitleTaken:
        return False
    return True


DECISIONS = [_set, _claim, _title]


@pytest.mark.slow
@pytest.mark.parametrize("behind", [False, True], ids=["in front of", "behind"])
@pytest.mark.parametrize("seam", SEAMS, ids=[name for _, name in SEAMS])
@pytest.mark.parametrize("decide", DECISIONS)
def test_one_of_two_succeeds_whenever_an_old_generation_is_published(
    journal_dir: Path,
    decide: Callable[[SessionStore, str], bool],
    seam: tuple[object, str],
    *,
    behind: bool,
) -> None:
    """The second decision sees the first, although the generation it reads is older than both."""
    with SessionStore.open(journal_dir) as first, SessionStore.open(journal_dir) as second:
        first.keys.set("other", 1)
        second.keys.get("other")
        with building(open_directory(journal_dir)) as number:
            assert decide(first, "first")
            with published_at(seam, journal_dir, number, behind=behind):
                assert not decide(second, "second")
            generations(journal_dir).publish(number)
            assert not decide(second, "second")


@pytest.mark.slow
@pytest.mark.parametrize("behind", [False, True], ids=["in front of", "behind"])
@pytest.mark.parametrize("seam", SEAMS, ids=[name for _, name in SEAMS])
@pytest.mark.parametrize(
    "read",
    [
        lambda store: store.keys.get("key"),
        lambda store: store.keys.items().get("key"),
        lambda store: len(store.messages("s")) == 1 and store.keys.get("key"),
        lambda store: store.exists("s") and store.keys.get("key"),
        lambda store: len(store.sessions().items) == 1 and store.keys.get("key"),
        lambda store: len(store.search("hello").hits) == 1 and store.keys.get("key"),
    ],
    ids=["get", "items", "messages", "exists", "sessions", "search"],
)
def test_a_handle_sees_what_it_wrote_whenever_an_old_generation_is_published(
    journal_dir: Path,
    read: Callable[[SessionStore], Any],
    seam: tuple[object, str],
    *,
    behind: bool,
) -> None:
    """Every read of a store includes the store's own writes."""
    with SessionStore.open(journal_dir) as store:
        store.keys.set("other", 1)
        store.keys.get("other")
        with building(open_directory(journal_dir)) as number:
            store.append("s", "user", "hello")
            store.keys.set("key", "value")
            with published_at(seam, journal_dir, number, behind=behind):
                assert read(store) == "value"


def test_a_flush_adds_new_messages_whenever_an_old_generation_is_published(
    journal_dir: Path,
) -> None:
    """The transcript is read from one generation and from the lanes behind that generation."""
    talk = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "yes"}]
    with SessionStore.open(journal_dir) as store:
        store.keys.set("other", 1)
        store.keys.get("other")
        with building(open_directory(journal_dir)) as number:
            store.flush("s", talk)
            store.messages("s")
            generations(journal_dir).publish(number)
            assert store.flush("s", talk) == []
            assert [m.content for m in store.messages("s")] == ["hello", "yes"]


def test_a_new_generation_has_all_events_of_the_old_one(
    journal_dir: Path, journal: Journal
) -> None:
    """Events that are appended during a build are applied before its publication."""
    journal.append_message("s", "user", "first")
    with Projection.open(journal_dir) as projection:
        projection.sessions()
        directory = open_directory(journal_dir)
        with building(directory) as number:
            position = journal.append_message("s", "user", "second")
            projection.sessions()
            put_into_use(directory, number)
        assert projection.has(position)
        assert projection.status().generation == number


@pytest.mark.slow
def test_it_does_so_beside_a_projector_that_keeps_its_lock(
    journal_dir: Path, journal: Journal
) -> None:
    """A build does not wait for the lock of a running projector; it reads the lanes itself."""
    journal.append_message("s", "user", "first")
    directory = open_directory(journal_dir)
    with projector(journal_dir), Projection.open(journal_dir) as projection:
        with building(directory) as number:
            position = journal.append_message("s", "user", "second")
            put_into_use(directory, number)
        assert projection.has(position)


@pytest.mark.slow
def test_an_answer_after_a_position_includes_it_or_is_an_error(
    journal_dir: Path, journal: Journal
) -> None:
    """`after` gives answers that include another program's position, or raises an error."""
    journal.append_message("s", "user", "first")
    with Projection.open(journal_dir) as projection:
        projection.sessions()
        position = journal.append_message("s", "user", "second")
        assert len(projection.after(position).search("second").hits) == 1
        with projector(journal_dir):
            late = journal.append_message("s", "user", "third")
            assert not projection.search("third").fresh
            with pytest.raises(NotProjected, match=r"has not reached .* within 0\.01 s"):
                projection.after(late, timeout=0.01).search("third")
        assert len(projection.after(late).search("third").hits) == 1
