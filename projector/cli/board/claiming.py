"""`projector board claim` and `beat`: take a task, and keep it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from journal.cli.kit.exits import NOT_FOUND
from journal.cli.kit.names import Name
from journal.cli.kit.output import print_json, print_line
from projector.cli.board.options import (
    check_held,
    claim_of,
    claim_options,
    json_option,
    seconds_option,
    worker_option,
)

if TYPE_CHECKING:
    from projector.board import TaskClaim
    from projector.cli.board.options import Named


@click.command("claim")
@worker_option("Who claims it.")
@seconds_option
@click.option("--task", type=Name(), help="Only this task.")
@json_option
@click.pass_context
def _claim(
    context: click.Context,
    worker: str,
    seconds: float,
    task: str | None,
    as_json: bool,  # noqa: FBT001 - click gives flags so
) -> None:
    """Claim the first task that is ready, and print its id and the token of the claim.

    The first is the one with the highest priority, and of one priority the one that was not changed
    for longest. The exit code is 3 if nothing is ready.

    JSON: {"task", "worker", "token", "expires", "seconds"}

    `expires` is in µs since 1970.
    """
    board: Named = context.obj
    with board.open() as opened:
        claim = opened.claim(worker=worker, seconds=seconds, task=task)
    if claim is None:
        print_line("nothing is ready" if task is None else f"task {task} is not ready", err=True)
        context.exit(NOT_FOUND)
    _print(claim, as_json=as_json)


@click.command("beat")
@claim_options
@seconds_option
@json_option
@click.pass_obj
def _beat(
    board: Named,
    task: str,
    worker: str,
    token: int,
    seconds: float,
    as_json: bool,  # noqa: FBT001 - click gives flags so
) -> None:
    """Extend a claim: it is in force for so many seconds from now.

    It takes no lock. It fails if the board shows that another claim has replaced this one.

    JSON: {"task", "worker", "token", "expires", "seconds"}
    """
    with board.open() as opened:
        claim = claim_of(task, worker, token, seconds)
        check_held(opened, claim)
        claim = opened.beat(claim)
    _print(claim, as_json=as_json)


def _print(claim: TaskClaim, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(claim))
    else:
        print_line(f"{claim.task} {claim.token}")


COMMANDS = {"claim": _claim, "beat": _beat}
"""The commands by name."""
