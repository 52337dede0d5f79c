"""`projector board complete`, `block` and `release`: the ways in which a claim ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from journal.cli.kit.names import Name
from projector.cli.board.options import claim_of, claim_options

if TYPE_CHECKING:
    from projector.cli.board.options import Named


@click.command("complete")
@claim_options
@click.option("--result", help="What came of it, as text.")
@click.pass_obj
def _complete(board: Named, task: str, worker: str, token: int, result: str | None) -> None:
    """Complete a task, so that those that wait for it become ready.

    The same again has no effect. It fails if the claim is stale.
    """
    with board.open() as opened:
        opened.complete(claim_of(task, worker, token), result=result)


@click.command("block")
@claim_options
@click.option("--reason", type=Name(), required=True, help="Why it cannot be done now.")
@click.pass_obj
def _block(board: Named, task: str, worker: str, token: int, reason: str) -> None:
    """Give a task up that cannot be done now; no worker can claim it until it is unblocked.

    It fails if the claim is stale.
    """
    with board.open() as opened:
        opened.block(claim_of(task, worker, token), reason)


@click.command("release")
@claim_options
@click.option("--reason", type=Name(), help="Why.")
@click.pass_obj
def _release(board: Named, task: str, worker: str, token: int, reason: str | None) -> None:
    """Give a task back: others can claim it at once.

    It fails if the claim is stale.
    """
    with board.open() as opened:
        opened.release(claim_of(task, worker, token), reason)


COMMANDS = {"complete": _complete, "block": _block, "release": _release}
"""The commands by name."""
