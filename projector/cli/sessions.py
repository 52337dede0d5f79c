"""`projector sessions`: list conversations."""

from __future__ import annotations

from typing import Any, get_args

import click

from journal.cli.kit.exits import DONE
from journal.cli.kit.output import print_json_lines, print_line
from projector.cli.kit.behind import behind_json, warn_if_behind
from projector.cli.kit.filters import about, filter_options, print_unknown, session_options
from projector.cli.kit.render import session_json
from projector.cli.kit.session_table import print_sessions
from projector.cli.kit.short_names import short_names
from projector.cli.kit.timeout import timeout_option
from projector.projection import Projection
from projector.reading.listing import session_filters
from projector.views.session_tree import SessionNode, session_tree
from projector.views.sessions import SessionSort

_NONE = "no sessions; append something with `journal append`"
_NONE_GONE = "no session is marked as gone; an import marks those that no source has any more"


@click.command("sessions")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=20, show_default=True)
@click.option("--offset", type=click.IntRange(0, 1_000_000), default=0, help="Sessions to skip.")
@click.option(
    "--sort",
    type=click.Choice(get_args(SessionSort)),
    default="last",
    show_default=True,
    help="What the first one has most of.",
)
@filter_options
@click.option("--tree", is_flag=True, help="Show forks and sub-agents below their parents.")
@click.option("--gone", is_flag=True, help="Only sessions that no source has any more.")
@timeout_option()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_context
def command(
    context: click.Context,
    /,
    limit: int,
    offset: int,
    sort: SessionSort,
    tree: bool,  # noqa: FBT001 - click gives flags so
    gone: bool,  # noqa: FBT001
    timeout: float,
    as_json: bool,  # noqa: FBT001
    **filters: Any,  # noqa: ANN401 - the options of `filter_options`
) -> None:
    """List conversations; the one with the latest message comes first.

    Each filter is met by the session or by some message of it. Tokens are those of input and
    output. Costs are as in `projector usage`. `projector facets` lists the values that there are.

    \b
        projector sessions --limit 5
        projector sessions --project web --file src/a.py --since 30d
        projector sessions --sort tokens --no-subagents
        projector sessions --tree
        projector sessions --gone
        projector sessions --json | jq -r 'select(.source == "cli") | .session'

    On a terminal, ids are short ones, which `projector show` takes, and lines are cut to its width.
    Elsewhere everything is whole.

    A message that a fork repeats of another session counts there; the fork has it as one of its
    `replays`. In a tree the limit counts sessions without a parent, and each session has a
    `depth`: 0, or one more than its parent's. A tree is shown whole if a session in it passes the
    filters; trees are sorted by their last messages.

    `gone` is when an import noticed that the files or databases that it was imported from have the
    session no more; with --gone such sessions alone are listed, which only the journal still has.

    JSON: {"session", "title", "source", "model", "cwd", "parent", "user", "system_prompt",
    "config": {...}, "started", "branch", "commit", "relation", "gone", "ended", "end_reason",
    "last", "messages", "replays", "tool_calls", "usage": {...}, "preview", "extra": {...},
    "behind": {"bytes", "events", "as_of", "why"}}

    Times are in µs since 1970; `preview` is the beginning of the first message that a person
    wrote, of a sub-agent that of its task or else its first message; `behind` is there if
    the projection lacks events of the journal.

    The exit code is 3 if no session is found and a filter names a value that nothing has: the
    nearest values that there are are printed on stderr.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if tree and gone:
        raise click.UsageError("--gone lists sessions without their parents: leave out --tree")
    if tree and sort != "last":
        raise click.UsageError("--tree and --sort exclude each other")
    with Projection.open(context.obj, timeout=timeout) as projection:
        if tree:
            wanted = session_filters(**session_options(projection, about(filters)))
            nodes, fresh = projection.read(
                lambda db: session_tree(db, wanted, limit=limit, offset=offset)
            )
            behind = fresh.behind
        else:
            listed = projection.sessions(
                limit=limit, offset=offset, sort=sort, gone=gone, **about(filters)
            )
            nodes, behind = [SessionNode(view, 0) for view in listed], listed.behind
        listed_ids = [node.view.session for node in nodes]
        names = None if as_json else short_names(projection, listed_ids)
        code = DONE if nodes else print_unknown(projection, filters)
    warn_if_behind(behind)
    if as_json:
        print_json_lines(
            session_json(node.view) | ({"depth": node.depth} if tree else {}) | behind_json(behind)
            for node in nodes
        )
        context.exit(code)
    if not nodes:
        if any(filters.values()) or (gone and offset):
            empty = "no session passes the filters"
        elif gone:
            empty = _NONE_GONE
        else:
            empty = f"there are no more than {offset:,} sessions" if offset else _NONE
        print_line(empty, err=True)
    print_sessions(nodes, names)
    context.exit(code)
