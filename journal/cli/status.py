"""`journal status`: what a journal is and how much it holds."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from journal.cli.kit.machines import machine_line
from journal.cli.kit.output import print_json, print_line, warn
from journal.cli.kit.times import format_time
from journal.erasure.receipts import warnings
from journal.errors import counted
from journal.fs.directory import open_directory
from journal.status import read_status

if TYPE_CHECKING:
    from pathlib import Path


@click.command("status")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object; times in µs since 1970."
)
@click.pass_obj
def command(path: Path, as_json: bool) -> None:  # noqa: FBT001 - click gives flags so
    """Show what a journal is and how much it holds.

    It reads sizes and the ends of lanes, and searches the segments for records that name a key,
    about a gigabyte a second. Where something is forgotten, it reads every event of the segments
    that are written to. It takes no lock. The number of lanes is the largest number of
    writers that there were at the same time.

    \b
        journal status
        journal status --json | jq .bytes

    JSON: {"path", "uuid", "format", "lanes", "segments", "bytes", "first", "last", "ahead",
    "unknown_keys", "lost_requests", "hidden": [{"lane_folder", "lane", "segment", "pid", "host",
    "request", "events", "late", "last"}], "retired", "machines": [{"machine", "name", "lanes",
    "segments", "bytes", "seen", "skew"}]}

    `first` and `last` are times. `ahead` lists the lanes that are dated more than an hour ahead: a
    clock was or is wrong, and writers skip them. `unknown_keys` lists the keys of requests to
    forget and of redacted events that are not in the journal's file `key`: what these requests
    forget is shown, and a redacted event is compared by its marks alone. Add the keys of the
    journal from which the records come: the lines of its file `key`. `lost_requests` lists requests
    to forget that no lane has any more. `hidden` lists lanes
    that are written to and have events of what is forgotten: `late` of these `events` are dated
    after the `request`, the last one at `last`. `pid` is the process that holds the lane, or has
    held it. `retired` lists lanes that no writer continues, since this journal became another
    machine or was restored. `machines` lists the other machines whose lanes are mirrored here:
    `seen` is when each reported itself, and `skew` by how many µs its clock was ahead.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    status = read_status(open_directory(path, create=False))
    if as_json:
        print_json(asdict(status) | {"path": str(status.path)})
        return
    rows = {
        "journal": str(status.path),
        "uuid": status.uuid,
        "format": str(status.format),
        "lanes": f"{status.lanes:,}",
        "segments": f"{status.segments:,}",
        "bytes": f"{status.bytes:,}",
        "first event": "none" if status.first is None else format_time(status.first),
        "dated ahead": ", ".join(f"lane {name}" for name in status.ahead) or "none",
        "last event": "none" if status.last is None else format_time(status.last),
        "unknown keys": ", ".join(status.unknown_keys) or "none",
    }
    for name, value in rows.items():
        print_line(f"{name:<12} {value}")
    if status.retired:
        print_line(f"{'retired':<12} {', '.join(f'lane {name}' for name in status.retired)}")
    for machine in status.machines:
        print_line(f"{'machine':<12} {machine_line(machine)}")
    for each in status.hidden:
        where = f"lane {each.lane_folder} ({each.lane}) segment {each.segment}"
        print_line(
            f"warning: {where} has {counted(each.events, 'event')} of what is forgotten,"
            f" {each.late:,} of them later than the request {each.request}, the last from"
            f" {format_time(each.last)}. They are hidden. Process {each.pid} on {each.host} holds"
            " the lane, or has held it: let it use another session; `journal forget --finish`"
            " removes the events",
            err=True,
        )
    for text in warnings(status.unknown_keys, status.lost_requests):
        warn(text)
