"""The board that a command is about, and the options that several commands have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from journal.cli.kit.names import Name
from journal.fs.directory import open_directory
from projector.board import Board, TaskClaim
from projector.board.holding import stale
from projector.errors import StaleClaim

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Named:
    """A board that a command names.

    Attributes:
        path: folder of the journal.
        name: the board.
        timeout: seconds for each step that waits.
    """

    path: Path
    name: str
    timeout: float

    def open(self) -> Board:
        """Open it.

        Raises:
            NotAJournalError: there is no journal.
        """
        open_directory(self.path, create=False)
        return self.make()

    def make(self) -> Board:
        """Open it, making the journal where there is none."""
        return Board.open(self.path, name=self.name, timeout=self.timeout)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
task_argument = click.argument("task", type=Name())
seconds_option = click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True, max=100 * 365 * 86_400),
    default=300.0,
    show_default=True,
    help="How long the claim, and each heartbeat, is in force.",
)


def worker_option(help: str) -> Callable[[Any], Any]:
    """Return the decorator that adds `--worker` to a command."""
    return click.option("--worker", type=Name(), required=True, help=help)


def claim_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument and the options that name a claim: TASK, `--worker` and `--token`."""
    for add in (
        click.option(
            "--token",
            type=click.IntRange(1),
            required=True,
            metavar="N",
            help="Fencing token of the claim.",
        ),
        worker_option("Who has the claim."),
        task_argument,
    ):
        command = add(command)
    return command


def claim_of(task: str, worker: str, token: int, seconds: float = 300.0) -> TaskClaim:
    """Return the claim that options name."""
    return TaskClaim(task, worker, token, 0, seconds)


def check_held(board: Board, claim: TaskClaim) -> None:
    """Refuse a claim that the board shows as replaced, or ended.

    Raises:
        StaleClaim: it is not in force any more.
        NotFound: the board has no such task.
    """
    found = board.task(claim.task).task
    if (found.state, found.token, found.holder) != ("claimed", claim.token, claim.worker):
        raise StaleClaim(stale(claim, found.state, found.holder, found.token))
