"""The steps that a sabotage omits; the answers depend on each, so the test must fail."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from projector.db.generations import generations
from projector.reading.goal import Goal
from projector.run import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    import apsw


@contextmanager
def _generations() -> Iterator[None]:
    """Publish a build without a second check, and read the generation in use without one."""
    reached = Goal.is_reached
    trusting: set[int] = set()

    def is_reached(goal: Goal, db: apsw.Connection) -> bool:
        if id(goal) in trusting:
            trusting.clear()
            return True
        trusting.add(id(goal))
        return reached(goal, db)

    def put_into_use(journal: Any, number: int, *_: object) -> None:  # noqa: ANN401 - the sabotage
        generations(journal.path).publish(number)

    with (
        patch.object(Goal, "is_reached", is_reached),
        patch.object(build, "put_into_use", put_into_use),
    ):
        yield


@contextmanager
def _snapshot() -> Iterator[None]:
    """Read any snapshot, fresh or not."""
    with patch.object(Goal, "is_reached", lambda *_: True):
        yield


@contextmanager
def _frontier() -> Iterator[None]:
    """Use the own clock only, without the orders that were read."""
    with patch("journal.process.clock.Clock.observe", lambda *_: None):
        yield


@contextmanager
def _boot() -> Iterator[None]:
    """Let claims expire by the wall clock."""
    with patch("projector.store.claims.boot_id", lambda: ""):
        yield


@contextmanager
def _arbiter() -> Iterator[None]:
    """Decide without waiting for other decisions."""

    @contextmanager
    def arbitrating(_path: Path, _timeout: float, *_: object) -> Iterator[Any]:
        with ExitStack() as nothing:
            nothing.appending = nullcontext  # type: ignore[attr-defined] # the sabotage
            yield nothing

    with patch("projector.store.deciding.decisions.arbitrating", arbitrating):
        yield


SABOTAGES: Mapping[str | None, Callable[[], AbstractContextManager[None]]] = {
    None: nullcontext,
    "arbiter": _arbiter,
    "boot": _boot,
    "frontier": _frontier,
    "generations": _generations,
    "snapshot": _snapshot,
}
