"""The boards that are measured: ours, and the kanban board of hermes-agent."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import extend_path
from time import monotonic
from typing import Any, Protocol

import tools
from projector import Board

GIVE_UP = 10.0
"""Seconds after which a worker gives up a call that fails again and again."""

SECONDS = 600
"""How long a claim is in force: none expires in a measurement."""


class Side(Protocol):
    """A board that a process has open."""

    def add(self, title: str) -> None:
        """Add a task."""

    def claim(self, worker: str) -> Any:  # noqa: ANN401 - each has claims of its own kind
        """Claim the next task; None if there is none."""

    def beat(self, claim: Any) -> None:  # noqa: ANN401 - same
        """Send a heartbeat."""

    def complete(self, claim: Any) -> None:  # noqa: ANN401 - same
        """Complete a task."""

    def task_of(self, claim: Any) -> str:  # noqa: ANN401 - same
        """Return the task of a claim."""

    def count(self) -> int:
        """Return how many tasks there are."""

    def close(self) -> None:
        """Close it."""


class Ours:
    """A `Board` in a journal."""

    def __init__(self, folder: str) -> None:
        self._board = Board.open(Path(folder) / "journal", timeout=60)

    def add(self, title: str) -> None:
        """Add a task."""
        self._board.add(title)

    def claim(self, worker: str) -> Any:  # noqa: ANN401 - as `Side`
        """Claim the next task."""
        return self._board.claim(worker=worker, seconds=SECONDS)

    def beat(self, claim: Any) -> None:  # noqa: ANN401 - as `Side`
        """Send a heartbeat."""
        self._board.beat(claim)

    def complete(self, claim: Any) -> None:  # noqa: ANN401 - as `Side`
        """Complete a task."""
        self._board.complete(claim, result="done")

    def task_of(self, claim: Any) -> str:  # noqa: ANN401 - as `Side`
        """Return the task of a claim."""
        return str(claim.task)

    def count(self) -> int:
        """Return how many tasks there are."""
        return len(self._board.tasks())

    def close(self) -> None:
        """Close it."""
        self._board.close()


_LISTED = 50
"""Tasks that hermes-agent's board lists for a claim; its own dispatcher lists all of them."""


class Theirs:
    """`hermes_cli.kanban_db` of hermes-agent."""

    def __init__(self, folder: str) -> None:
        # it has a package `tools`, too, and imports from it: its folder is searched after ours
        tools.__path__ = extend_path(tools.__path__, tools.__name__)
        self._kanban = import_module("hermes_cli.kanban_db")
        self._db = self._kanban.connect(Path(folder) / "kanban.db")

    def add(self, title: str) -> None:
        """Add a task."""
        self._kanban.create_task(self._db, title=title)

    def claim(self, worker: str) -> Any:  # noqa: ANN401 - as `Side`
        """Claim the first of the tasks that are ready."""
        until = monotonic() + GIVE_UP
        while listed := self._kanban.list_tasks(self._db, status="ready", limit=_LISTED):
            if monotonic() > until:
                raise TimeoutError(f"{len(listed)} tasks are ready, and none can be claimed")
            for task in listed:
                got = self._kanban.claim_task(
                    self._db, task.id, ttl_seconds=SECONDS, claimer=worker
                )
                if got is not None:
                    return got.id, worker
        return None

    def beat(self, claim: Any) -> None:  # noqa: ANN401 - as `Side`
        """Send a heartbeat."""
        task, worker = claim
        self._kanban.heartbeat_claim(self._db, task, ttl_seconds=SECONDS, claimer=worker)

    def complete(self, claim: Any) -> None:  # noqa: ANN401 - as `Side`
        """Complete a task."""
        self._kanban.complete_task(self._db, claim[0], result="done")

    def task_of(self, claim: Any) -> str:  # noqa: ANN401 - as `Side`
        """Return the task of a claim."""
        return str(claim[0])

    def count(self) -> int:
        """Return how many tasks there are."""
        return len(self._kanban.list_tasks(self._db))

    def close(self) -> None:
        """Close it."""
        self._db.close()


SIDES: dict[str, type[Ours | Theirs]] = {"ours": Ours, "theirs": Theirs}
