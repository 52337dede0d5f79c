"""`projector board add`, `comment`, `depend` and `unblock`: what needs no claim."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from journal.cli.kit.exits import DONE, FAILED
from journal.cli.kit.names import Name
from journal.cli.kit.output import print_json, print_line
from projector.cli.board.options import json_option, task_argument
from projector.errors import NotFound, NotProjected

if TYPE_CHECKING:
    from projector.board import Board
    from projector.cli.board.options import Named


@click.command("add")
@click.argument("title", type=Name())
@click.option("--body", default="", help="What is to be done.")
@click.option(
    "--priority",
    type=click.IntRange(-1_000_000, 1_000_000),
    default=0,
    show_default=True,
    help="A task of a higher one is claimed first.",
)
@click.option(
    "--after", type=Name(), multiple=True, help="A task that must be done before; may be repeated."
)
@click.option("--assignee", type=Name(), help="The only worker that can claim it.")
@click.option(
    "--id", type=Name(), help="Its id; again has no effect, and with another title is refused."
)
@json_option
@click.pass_obj
def _add(
    board: Named,
    title: str,
    body: str,
    priority: int,
    after: tuple[str, ...],
    assignee: str | None,
    id: str | None,
    as_json: bool,  # noqa: FBT001 - click gives flags so
) -> None:
    """Add a task, and print its id.

    JSON: {"task"}
    """
    with board.make() as opened:
        if id is not None:
            _refuse_another(opened, id, title)
        task = opened.add(
            title, body=body, priority=priority, after=after, assignee=assignee, id=id
        )
    if as_json:
        print_json({"task": task})
    else:
        print_line(task)


def _refuse_another(board: Board, id: str, title: str) -> None:
    """Refuse the id of a task with another title: nothing would be added, and its id be printed.

    Raises:
        click.BadParameter: there is such a task.
    """
    # without a projection of all that was written, it is added or not as before
    with suppress(NotFound, NotProjected):
        there = board.task(id).task
        if there.title != title:
            raise click.BadParameter(
                f"task {id!r} is {there.title!r}; nothing was added, give another id",
                param_hint="'--id'",
            )


@click.command("comment")
@task_argument
@click.argument("text", type=Name())
@click.option("--author", type=Name(), help="Who writes it.")
@json_option
@click.pass_obj
def _comment(
    board: Named,
    task: str,
    text: str,
    author: str | None,
    as_json: bool,  # noqa: FBT001 - click gives flags so
) -> None:
    """Append a comment to a task, and print its id.

    JSON: {"comment"}
    """
    with board.open() as opened:
        opened.task(task)  # a comment on a task that does not exist would be a session of its own
        id = opened.comment(task, text, author=author)
    if as_json:
        print_json({"comment": id})
    else:
        print_line(id)


@click.command("depend")
@task_argument
@click.option("--after", type=Name(), multiple=True, help="A task that must be done before.")
@click.option("--by", type=Name(), help="Who says so.")
@click.pass_obj
def _depend(board: Named, task: str, after: tuple[str, ...], by: str | None) -> None:
    """Set the tasks that must be done before a task; without --after there are none.

    It fails if one of them waits for the task.
    """
    with board.open() as opened:
        opened.depend(task, after, by=by)


@click.command("unblock")
@task_argument
@click.option("--by", type=Name(), help="Who does it.")
@click.pass_context
def _unblock(context: click.Context, task: str, by: str | None) -> None:
    """Make a blocked task open again.

    The exit code is 1 if it was not blocked.
    """
    board: Named = context.obj
    with board.open() as opened:
        was_blocked = opened.unblock(task, by=by)
    if not was_blocked:
        print_line(f"Error: task {task} is not blocked", err=True)
    context.exit(DONE if was_blocked else FAILED)


COMMANDS = {"add": _add, "comment": _comment, "depend": _depend, "unblock": _unblock}
"""The commands by name."""
