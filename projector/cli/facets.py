"""`projector facets`: what messages were about, counted."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, get_args

import click

from journal.cli.kit.exits import DONE
from journal.cli.kit.output import Styled, print_json_lines, print_line
from journal.cli.kit.terminal.table import Column, print_table
from projector.cli.kit.behind import behind_json, warn_if_behind
from projector.cli.kit.filters import about, filter_options, print_unknown
from projector.cli.kit.timeout import timeout_option
from projector.projection import Projection
from projector.search.facets import FacetBy

_UNNAMED = "(none)"
_COLUMNS = (Column(right=True), Column(right=True), Column(least=8, where="middle"))


@click.command("facets")
@click.option("--by", type=click.Choice(get_args(FacetBy)), default="project", show_default=True)
@filter_options
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=20, show_default=True)
@timeout_option()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_context
def command(
    context: click.Context,
    /,
    by: FacetBy,
    limit: int,
    timeout: float,
    as_json: bool,  # noqa: FBT001 - click gives flags so
    **filters: Any,  # noqa: ANN401 - the options of `filter_options`
) -> None:
    """Count messages and sessions by project, model, tool or file.

    What is counted are the messages that `projector search` finds with the same filters. A message
    with several tools or files counts for each. One that forks repeat counts once, where it is at
    home. Without a value of its own it counts for that of its session. The machine of a
    message is the one that wrote it (docs/relay.md).

    \b
        projector facets --by tool --since 7d
        projector facets --by file --project web --tool Edit
        projector facets --by model --has errors --json | jq .name

    JSON: {"name", "messages", "sessions", "behind": {"bytes", "events", "as_of", "why"}}

    One object for each value, that of most messages first. `name` is null for messages without a
    value. `behind` is there if the projection lacks events of the journal.

    The exit code is 3 if nothing is counted and a filter names a value that nothing has: the
    nearest values that there are are printed on stderr.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with Projection.open(context.obj, timeout=timeout) as projection:
        listed = projection.facets(by=by, **about(filters))
        code = DONE if listed else print_unknown(projection, filters)
    warn_if_behind(listed.behind)
    rows = listed[:limit]
    if as_json:
        print_json_lines(asdict(row) | behind_json(listed.behind) for row in rows)
        context.exit(code)
    if not rows:
        which = "message that passes the filters" if any(filters.values()) else "message"
        print_line(f"no {which} has a {by}", err=True)
        context.exit(code)
    cells = [
        (f"{row.messages:,}", f"{row.sessions:,}", _UNNAMED if row.name is None else row.name)
        for row in rows
    ]
    titles = [Styled(title, dim=True) for title in ("messages", "sessions", by)]
    print_table(_COLUMNS, [titles, *cells])
    if len(listed) > limit:
        print_line(f"{len(listed) - limit:,} more; see --limit", err=True)
