"""`journal doctor`: the agents of this machine, and what of theirs the journal has."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from journal.agents.report import examine
from journal.cli.kit.output import print_json, print_line
from journal.cli.kit.terminal.table import Column, print_table
from journal.cli.kit.times import format_local_time, format_time
from journal.errors import counted
from journal.importers.registry import installed
from journal.process import clock

if TYPE_CHECKING:
    from pathlib import Path

    from journal.agents.agent import Agent
    from journal.agents.report import Doctor
    from journal.agents.retention import Retention

_TITLES = ("agent", "transcripts", "MB", "first", "last", "imported", "grown", "missing", "deletes")


_COLUMNS = (
    Column(least=12),
    Column(right=True, rank=3),
    Column(right=True, rank=4),
    Column(right=True, rank=6),
    Column(right=True, rank=5),
    Column(right=True, rank=1),
    Column(right=True, rank=2),
    Column(right=True),
    Column(right=True, rank=1),
)


@click.command("doctor")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object; times in µs since 1970."
)
@click.pass_obj
def command(path: Path, as_json: bool) -> None:  # noqa: FBT001 - click gives flags so
    """Show the agents of this machine, and what the journal has.

    It looks into the folders where the programs of the installed importers keep their transcripts,
    compares sizes and times with those of earlier imports, and opens no transcript. It changes
    nothing, and needs no journal. There is no time limit.

    \b
        journal doctor
        journal doctor --json | jq .advice

    In the table, a transcript is `imported` if the journal has all of it, `grown` if it has
    changed since its import, and `missing` if it was never imported. `deletes` is the number of
    days after which its program deletes a transcript that has not changed. Below the table is the
    date of the next loss: when a program deletes the oldest transcript that is not imported
    completely. With `cleanupPeriodDays` 0, Claude Code deletes all transcripts at its next start,
    and writes no new ones; newer versions refuse that value (docs/archive.md). Each line of advice
    below the table names one thing to do; there is none if all is well.

    JSON: {"path", "exists", "bytes", "last", "mode", "free", "last_import", "agents": [{"format",
    "paths", "files", "bytes", "oldest", "newest", "imported", "grown", "missing", "lost_next",
    "retention": {"days", "setting", "is_default"}, "unreadable"}], "hooks": [{"format", "file",
    "state", "error"}], "hook_failures": [{"time", "journal", "format", "source", "error"}],
    "broken": {...}, "advice"}

    `last_import` is when an import, or one that follows, last noted how far it came. `lost_next` is
    when the program of an agent deletes the oldest transcript that is not imported completely.
    `hooks` says of each agent that can have hooks (`journal install --hooks`) whether it has ours:
    `set`, `missing`, `older`, `off` (the agent runs none) or `unreadable`. `hook_failures` are the
    imports by hooks that failed in the last 7 days.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    found = examine(path, installed())
    if as_json:
        print_json(asdict(found))
        return
    for name, value in _rows(found):
        print_line(f"{name:<12} {value}")
    if found.agents:
        print_line("")
        print_table(_COLUMNS, [_TITLES, *map(_cells, found.agents)])
        for agent in found.agents:
            if agent.retention is not None:
                print_line(_about_loss(agent, agent.retention))
    for hooks in found.hooks:
        state = "has no hooks" if hooks.state == "missing" else f"has hooks: {hooks.state}"
        print_line(f"{hooks.format} {state} ({hooks.file})")
    print_line("")
    for line in found.advice or ("All is well.",):
        print_line(line)


def _about_loss(agent: Agent, retention: Retention) -> str:
    """Return after how long a program deletes, and when what the journal lacks is lost."""
    default = ", its default" if retention.is_default else ""
    when = "all at each start" if retention.days == 0 else f"after {counted(retention.days, 'day')}"
    if agent.lost_next is None:
        loss = "nothing is lost: the journal has all"
    elif retention.days == 0 or agent.lost_next <= clock.wall():
        loss = "next loss: at its next start"
    else:
        loss = f"next loss: {format_local_time(agent.lost_next, 'minutes')[:10]}"
    return f"{agent.format} deletes {when} ({retention.setting}{default}); {loss}"


def _rows(found: Doctor) -> list[tuple[str, str]]:
    if not found.exists:
        return [("journal", f"{found.path} (none yet: the first append or import makes it)")]
    imported = found.last_import
    return [
        ("journal", found.path),
        ("size", f"{found.bytes / 1e6:,.1f} MB; {found.free / 1e9:,.1f} GB of the disk are free"),
        ("last event", "none" if found.last is None else format_time(found.last)),
        ("last import", "none" if imported is None else format_time(imported)),
        ("mode", found.mode),
    ]


def _cells(agent: Agent) -> tuple[str, ...]:
    return (
        agent.format,
        f"{agent.files:,}",
        f"{agent.bytes / 1e6:,.1f}",
        format_local_time(agent.oldest, "minutes")[:10],
        format_local_time(agent.newest, "minutes")[:10],
        f"{agent.imported:,}",
        f"{agent.grown:,}",
        f"{agent.missing:,}",
        "" if agent.retention is None else f"{agent.retention.days} d",
    )
