"""`projector board list`, `show` and `history`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, get_args

import click

from journal.cli.kit.names import Name
from journal.cli.kit.output import print_block, print_json, print_json_lines, print_line
from journal.cli.kit.times import format_time
from projector.board.task import State
from projector.cli.board.options import json_option, task_argument
from projector.cli.kit.behind import behind_json, warn_if_behind

if TYPE_CHECKING:
    from projector.board import Task, TaskEvent
    from projector.cli.board.options import Named


@click.command("list")
@click.option("--state", type=click.Choice(get_args(State)), help="Only tasks in this state.")
@click.option("--ready", is_flag=True, help="Only tasks that can be claimed.")
@click.option("--worker", type=Name(), help="With --ready: by this worker.")
@json_option
@click.pass_obj
def _list(
    board: Named,
    state: State | None,
    ready: bool,  # noqa: FBT001 - click gives flags so
    worker: str | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """List tasks, the longest unchanged first and those that are done last.

    With --ready they are in the order in which they are claimed.

    JSON: {"id", "title", "priority", "state", "ready", "after", "assignee", "holder", "token",
    "expires", "reason", "result", "behind": {"bytes", "events", "as_of", "why"}}

    `behind` is there if the projection lacks events of the journal.
    """
    if state is not None and ready:
        raise click.UsageError("--state and --ready exclude each other")
    if worker is not None and not ready:
        raise click.UsageError("--worker goes with --ready")
    with board.open() as opened:
        tasks = opened.ready(worker=worker) if ready else opened.tasks(state=state)
    warn_if_behind(tasks.behind)
    if as_json:
        print_json_lines(asdict(task) | behind_json(tasks.behind) for task in tasks)
        return
    if not tasks:
        print_line("no tasks; add one with `projector board add`", err=True)
    for task in tasks:
        print_line(_line(task))


@click.command("show")
@task_argument
@json_option
@click.pass_obj
def _show(board: Named, task: str, as_json: bool) -> None:  # noqa: FBT001 - click gives flags so
    """Print a task with its body, its comments, and what happened to it.

    JSON: {"task": {...}, "body", "comments": [{"id", "author", "text", "time"}], "history":
    [{"number", "event", "by", "token", "note", "time"}]}

    `task` is as in `projector board list --json`.
    """
    with board.open() as opened:
        found = opened.task(task)
    if as_json:
        print_json(asdict(found))
        return
    print_line(_line(found.task))
    for name, value in _said(found.task):
        print_line(f"{name}: {value}")
    if found.body:
        print_line()
        print_block(found.body)
    for comment in found.comments:
        print_line()
        by = f" {comment.author}" if comment.author else ""
        print_line(f"{format_time(comment.time)}{by}:")
        print_block(comment.text, prefix="  ")
    print_line()
    for event in found.history:
        print_line(_event(event))


@click.command("history")
@task_argument
@json_option
@click.pass_obj
def _history(board: Named, task: str, as_json: bool) -> None:  # noqa: FBT001 - click gives flags so
    """Print what happened to a task, in order.

    JSON: {"number", "event", "by", "token", "note", "time"}
    """
    with board.open() as opened:
        events = opened.history(task)
    if as_json:
        print_json_lines(asdict(event) for event in events)
        return
    for event in events:
        print_line(_event(event))


def _line(task: Task) -> str:
    state = "ready" if task.ready else "waiting" if task.state == "open" else task.state
    held = f" by {task.holder}" if task.holder and not task.ready else ""
    return f"{task.id}  {task.priority:>4}  {state}{held}  {task.title}"


def _said(task: Task) -> list[tuple[str, Any]]:
    found = {
        "after": ", ".join(task.after),
        "assignee": task.assignee,
        "token": task.token or None,
        "claimed until": format_time(task.expires) if task.expires is not None else None,
        "reason": task.reason,
        "result": task.result,
    }
    return [(name, value) for name, value in found.items() if value not in (None, "")]


def _event(event: TaskEvent) -> str:
    by = f" by {event.by}" if event.by else ""
    token = f" (token {event.token})" if event.event == "claimed" else ""
    note = f": {event.note}" if event.note else ""
    return f"{format_time(event.time)}  {event.event}{by}{token}{note}"


COMMANDS = {"list": _list, "show": _show, "history": _history}
"""The commands by name."""
