"""Every method of a closed handle raises ClosedError, and closing again does nothing."""

from __future__ import annotations

import asyncio
import inspect
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest

from journal import ClosedError, Journal, Position
from projector import AsyncSessionStore, Projection, SessionStore
from tests.projector.store.test_async_store import CALLS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_POSITION = Position("lane", 1)

PROJECTION: dict[str, Callable[[Projection], object]] = {
    "after": lambda p: p.after(None),
    "behind": lambda p: p.behind(),
    "catch_up": lambda p: p.catch_up(),
    "conversation": lambda p: p.conversation("s"),
    "digest": lambda p: p.digest(),
    "has": lambda p: p.has(_POSITION),
    "machines": lambda p: p.machines(),
    "messages": lambda p: p.messages("s"),
    "peek": lambda p: p.peek(lambda _: None),
    "read": lambda p: p.read(lambda _: None),
    "whole": lambda p: p.whole(lambda _: None),
    "rebuild": lambda p: p.rebuild(),
    "search": lambda p: p.search("hello"),
    "session": lambda p: p.session("s"),
    "sessions": lambda p: p.sessions(),
    "facets": lambda p: p.facets(by="tool"),
    "usage": lambda p: p.usage(),
    "status": lambda p: p.status(),
    "wait_for": lambda p: p.wait_for(_POSITION),
}


@pytest.fixture
def closed(journal_dir: Path) -> SessionStore:
    """A store that wrote, read and flushed, and was closed."""
    store = SessionStore.open(journal_dir)
    store.flush("s", [{"role": "user", "content": "hello"}])
    store.messages("s")
    store.close()
    return store


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CALLS if name != "close"])
def test_a_closed_store_refuses_every_method(closed: SessionStore, name: str) -> None:
    """Reads and appends raise ClosedError, also if there is nothing to do."""
    args, kwargs = CALLS[name]
    given: dict[str, tuple[Any, ...]] = {
        "wait_for": (_POSITION,),
        "claims.renew": (_claim(),),
        "claims.release": (_claim(),),
    }
    with pytest.raises(ClosedError, match="was closed; open another"):
        attrgetter(name)(closed)(*given.get(name, args), **kwargs)


def _claim() -> object:
    from projector import Claim  # noqa: PLC0415 - one use

    return Claim("thing", "me", 1, 0)


def test_a_closed_store_refuses_calls_that_would_write_nothing(closed: SessionStore) -> None:
    """A flush that would add nothing and calls with empty lists raise ClosedError."""
    with pytest.raises(ClosedError):
        closed.flush("s", [{"role": "user", "content": "hello"}])
    with pytest.raises(ClosedError):
        closed.add([])
    with pytest.raises(ClosedError):
        closed.remove_messages("s", [])
    with pytest.raises(ClosedError):
        closed.decide(lambda _: (1, []))


def test_closing_again_does_nothing(closed: SessionStore) -> None:
    """`close` may be called any number of times."""
    closed.close()
    closed.projection.close()
    closed.journal.close()


def test_a_closed_handle_cannot_be_entered(closed: SessionStore) -> None:
    """A `with` block on a closed handle raises ClosedError before its first statement."""
    for handle in (closed, closed.journal, closed.projection):
        with pytest.raises(ClosedError, match="was closed; open another"), handle:
            pytest.fail("the block began")

    async def enter() -> None:
        async with AsyncSessionStore(closed):
            pytest.fail("the block began")

    with pytest.raises(ClosedError):
        asyncio.run(enter())


@pytest.mark.parametrize("name", PROJECTION)
def test_a_closed_projection_refuses_every_method(closed: SessionStore, name: str) -> None:
    """Every method of a closed projection raises ClosedError, also of one that `after` made."""
    with pytest.raises(ClosedError, match="was closed; open another"):
        PROJECTION[name](closed.projection)


def test_every_method_of_a_projection_is_tried() -> None:
    """A new method must be added to the table."""
    found = inspect.getmembers(Projection, inspect.isfunction)
    assert {name for name, _ in found if name[0] != "_"} - {"close"} == PROJECTION.keys()


def test_a_handle_and_those_made_of_it_are_closed_together(journal_dir: Path) -> None:
    """`after` shares its handle, so closing one closes the other."""
    with Journal.open(journal_dir) as journal:
        position = journal.append_message("s", "user", "hello")
    projection = Projection.open(journal_dir)
    bound = projection.after(position)
    assert len(bound.messages("s")) == 1
    bound.close()
    with pytest.raises(ClosedError):
        projection.messages("s")


def test_a_closed_journal_refuses_every_method(journal_dir: Path) -> None:
    """Every method of a closed journal raises ClosedError, also if it had nothing to append."""
    journal = Journal(journal_dir)
    journal.append_message("s", "user", "hello")
    journal.close()
    journal.close()
    calls: list[Callable[[], object]] = [
        lambda: journal.append(session="s", type="x", data={}),
        lambda: journal.append_message("s", "user", "hello"),
        lambda: journal.append_many([]),
        journal.sync,
        journal.ends,
    ]
    for call in calls:
        with pytest.raises(ClosedError):
            call()
