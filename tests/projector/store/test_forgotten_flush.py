"""A flush of a conversation that was forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from projector import EventError, FlushReport, Projection, Selection, SessionStore, forget
from tests.support.journals import events

if TYPE_CHECKING:
    from pathlib import Path

TALK = [{"role": "user", "content": f"secret {n}"} for n in range(5)]


@pytest.fixture
def path(journal_dir: Path) -> Path:
    """A journal with two sessions, of which `s1` was forgotten."""
    with SessionStore.open(journal_dir) as store:
        store.flush("s1", TALK)
        store.flush("s2", TALK)
    forget(journal_dir, Selection(sessions=("s1",)))
    return journal_dir


def test_a_program_that_goes_on_writes_nothing(path: Path) -> None:
    """Else each process that goes on would write all of the conversation again, hidden."""
    before = len(events(path))
    for more in range(1, 4):
        talk = [*TALK, *({"role": "user", "content": f"more {n}"} for n in range(more))]
        with SessionStore.open(path) as store:
            report = store.flush("s1", talk)
        assert len(report.ids) == len(talk)
        assert report == FlushReport(report.ids, forgotten=report.ids)
        with Projection.open(path) as projection:  # applies what was appended
            assert [view.session for view in projection.sessions()] == ["s2"]
    assert len(events(path)) == before


def test_other_sessions_are_flushed_as_before(path: Path) -> None:
    """Also one with the same words, which has no dates."""
    with SessionStore.open(path) as store:
        assert len(store.flush("s2", [*TALK, {"role": "user", "content": "more"}]).added) == 1
        assert len(store.flush("s3", TALK).added) == len(TALK)


def test_what_may_come_again_is_flushed(path: Path) -> None:
    """A request that only erases does not keep the session from coming back."""
    forget(path, Selection(sessions=("s2",)), allow_again=True)
    with SessionStore.open(path) as store:
        assert len(store.flush("s2", TALK).added) == len(TALK)
        assert len(store.messages("s2")) == len(TALK)


def test_a_mistake_in_the_list_is_raised(path: Path) -> None:
    """As in every other session."""
    with SessionStore.open(path) as store, pytest.raises(EventError, match=r"messages\[1\]"):
        store.flush("s1", [TALK[0], "no message"])  # type: ignore[list-item]
