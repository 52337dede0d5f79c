"""`projector sessions`: list conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from journal.cli.kit.clean import one_line
from journal.cli.kit.output import Styled, print_json_lines, print_line
from journal.cli.kit.times import format_local_time
from projector.cli.kit.behind import behind_json, warn_if_behind
from projector.cli.kit.render import session_json
from projector.cli.kit.timeout import timeout_option
from projector.projection import Projection

if TYPE_CHECKING:
    from pathlib import Path


@click.command("sessions")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=20, show_default=True)
@click.option("--offset", type=click.IntRange(0, 1_000_000), default=0, help="Sessions to skip.")
@timeout_option()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_obj
def command(path: Path, limit: int, offset: int, timeout: float, as_json: bool) -> None:  # noqa: FBT001 - click gives flags so
    """List conversations; the one with the latest message comes first.

    \b
        projector sessions --limit 5
        projector sessions --json | jq -r 'select(.source == "cli") | .session'

    JSON: {"session", "title", "source", "model", "cwd", "parent", "user", "system_prompt",
    "config": {...}, "started", "branch", "commit", "relation", "ended", "end_reason", "last",
    "messages", "tool_calls", "usage": {...}, "preview", "extra": {...},
    "behind": {"bytes", "events", "as_of", "why"}}

    Times are in µs since 1970; `preview` is the beginning of the user's first message; `behind`
    is there if the projection lacks events of the journal.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with Projection.open(path, timeout=timeout) as projection:
        found = projection.sessions(limit=limit, offset=offset)
    warn_if_behind(found.behind)
    if as_json:
        print_json_lines(session_json(view) | behind_json(found.behind) for view in found)
        return
    if not found:
        print_line("no sessions; append something with `journal append`", err=True)
    for view in found:
        last = "" if view.last is None else format_local_time(view.last, "minutes")
        about = Styled(view.title, bold=True) if view.title else view.preview
        counted = f"{view.messages:>6,}  {one_line(view.source or ''):<12}"
        known = f"{one_line(view.session):<38} {last:<16} {counted}"
        print_line(*((known, " ", about) if view.title or view.preview else (known.rstrip(),)))
