"""`projector usage`: what was used and paid."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, get_args

import click

from journal.cli.kit.clean import one_line
from journal.cli.kit.exits import DONE
from journal.cli.kit.names import Name
from journal.cli.kit.output import Styled, print_json_lines, print_line
from journal.cli.kit.terminal.table import Column, print_table
from journal.cli.kit.times import Moment
from projector.cli.kit.behind import behind_json, warn_if_behind
from projector.cli.kit.filters import print_unused
from projector.cli.kit.short_names import short_names
from projector.cli.kit.timeout import timeout_option
from projector.projection import Projection
from projector.views.usage import By

if TYPE_CHECKING:
    from collections.abc import Mapping

    from projector.views.usage import UsageReport, UsageRow

_BAR = 20
_HEADS = ("calls", "input", "output", "cache", "cost")
_COLUMNS = (
    Column(least=12, where="middle"),
    Column(right=True, rank=3),
    Column(right=True, rank=1),
    Column(right=True, rank=1),
    Column(right=True, rank=2),
    Column(right=True),
    Column(rank=4),
)
"""Name, the heads above, and a bar."""
_UNNAMED = "(unknown)"
_NONE = "no usage; sources that say what they used are imported with it"
_MICRO = 1_000_000


@click.command("usage")
@click.option("--by", type=click.Choice(get_args(By)), default="day", show_default=True)
@click.option("--since", type=Moment(), metavar="T", help="Only calls of T or later.")
@click.option("--until", type=Moment(), metavar="T", help="Only calls before T.")
@click.option(
    "--project", type=Name(), metavar="P", help="Only this working directory, or its last part."
)
@click.option("--branch", type=Name(), metavar="B", help="Only sessions on this git branch.")
@click.option("--source", type=Name(), metavar="SRC", help="Only sessions from this source.")
@click.option("--model", type=Name(), metavar="M", help="Only calls of this model.")
@timeout_option()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 - one argument an option, as click passes them
    context: click.Context,
    by: By,
    since: int | None,
    until: int | None,
    project: str | None,
    branch: str | None,
    source: str | None,
    model: str | None,
    timeout: float,
    as_json: bool,  # noqa: FBT001 - click gives flags so
) -> None:
    """Show what was used and paid: tokens, calls and costs.

    Costs are what the source says, else by the prices of the package genai-prices (install
    agent-journal[prices]). A call whose price is not known has none, and its model is listed; it
    never counts as 0. The input is without the tokens of the cache, whatever its source says.
    Sub-agents belong to the session that started them. Days, weeks and months are in local time. T
    is a date (2026-01-31), a time (2026-01-31T12:00:00Z), or how far back (30m, 2h, 3d, 1w).

    \b
        projector usage --by model --since 30d
        projector usage --by project --json | jq -r '"\\(.name) \\(.cost)"'

    JSON: {"name", "sessions", "input_tokens", "output_tokens", "cache_read_tokens",
    "cache_write_tokens", "reasoning_tokens", "api_calls", "cost", "unpriced", "prices",
    "behind": {"bytes", "events", "as_of", "why"}}

    One object for each day, model and so on: by time the earliest is first, else what has most
    tokens, those of the cache among them, which are what the bar shows. `cost` is in millionths of
    a US dollar, and null if nothing of it is known; `unpriced` are the models whose prices are not
    known; `prices` is the table of prices, with its date. `behind` is there if the projection lacks
    events of the journal.

    A call without a model has that of its session; the project, branch and source of a call are
    those of its session, as `projector sessions --json` shows them. The exit code is 3 if there is
    no usage and a filter names a value that no usage has: the nearest values that there are are
    printed on stderr.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with Projection.open(context.obj, timeout=timeout) as projection:
        asked = {"project": project, "branch": branch, "source": source, "model": model}
        report = projection.usage(by=by, since=since, until=until, **asked)
        sessions = [row.name for row in report.rows if row.name] if by == "session" else []
        names = None if as_json else short_names(projection, sessions)
        code = DONE if report.rows else print_unused(projection, asked)
    warn_if_behind(report.behind)
    if as_json:
        print_json_lines(_json(row, report) for row in report.rows)
        context.exit(code)
    if not report.rows:
        is_narrowed = since is not None or until is not None or any(asked.values())
        print_line("no usage passes the filters" if is_narrowed else _NONE, err=True)
        context.exit(code)
    _table(by, report, names)


def _json(row: UsageRow, report: UsageReport) -> dict[str, Any]:
    return asdict(row) | {"prices": report.prices} | behind_json(report.behind)


def _table(by: By, report: UsageReport, names: Mapping[str, str] | None) -> None:
    most = max(row.tokens for row in report.rows) or 1
    rows: list[tuple[str | Styled, ...]] = [
        tuple(Styled(head, dim=True) for head in (by, *_HEADS, "all tokens"))
    ]
    for row in report.rows:
        bar = "\u2588" * round(row.tokens / most * _BAR)
        name = row.name or _UNNAMED
        rows.append((name if names is None else names.get(name, name), *_figures(row), bar))
    rows.append(tuple(Styled(cell, bold=True) for cell in ("total", *_figures(report.total), "")))
    print_table(_COLUMNS, rows)
    _notes(report)


def _figures(row: UsageRow) -> tuple[str, ...]:
    cached = row.cache_read_tokens + row.cache_write_tokens
    counts = (row.api_calls, row.input_tokens, row.output_tokens, cached)
    return (*(f"{count:,}" for count in counts), _cost(row))


def _notes(report: UsageReport) -> None:
    unpriced = [model or _UNNAMED for model in report.total.unpriced]
    if report.prices is not None:
        print_line(Styled(f"prices: {report.prices}", dim=True), err=True)
    if unpriced:
        print_line(f"no price is known of: {', '.join(map(one_line, unpriced))}", err=True)
        if report.prices is None:
            print_line("for estimated costs install agent-journal[prices]", err=True)


def _cost(row: UsageRow) -> str:
    if row.cost is None:
        return "unknown"
    # a plus: there were calls beside those whose price is known
    return f"${row.cost / _MICRO:,.2f}{'+' if row.unpriced else ''}"
