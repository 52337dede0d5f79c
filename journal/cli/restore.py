"""`journal restore`: make a journal of a backup, or put back what a journal lost."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from journal.backup.restore import restore_backup
from journal.cli.kit.counts import counted
from journal.cli.kit.output import print_json, print_line
from journal.cli.kit.paths import NonEmptyPath
from journal.erasure.receipts import REMEDY


@click.command("restore")
@click.argument("backup", metavar="BACKUP", type=NonEmptyPath(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(path: Path, backup: Path, *, as_json: bool) -> None:
    """Restore the journal from the folder of a backup.

    If there is no journal at its path, it becomes the one of the backup: every byte, and its keys.
    It appears when it is complete. Programs that write to it begin new lanes.

    If the journal of the backup is there, the records that it lacks are added to it, and nothing is
    overwritten. Programs may write meanwhile. The journal of another backup is refused: give a new
    folder with --journal, before the command.

    What a request to forget names, in the backup or in the journal, is not restored. If a request
    comes with the records, `journal forget --finish` erases what the journal has of what it names.

    Nothing is restored from a file that is damaged: see `journal backup --verify`. After a failure,
    run it again. There is no time limit.

    \b
    Examples:
        journal --journal ~/agents restore /mnt/disk/agents
        journal restore /mnt/disk/agents --json

    The exit code is 5 if the backup is damaged.

    JSON: {"path", "journal", "is_new", "segments", "bytes", "events", "lane",
    "forgotten", "requests", "unknown_keys", "lost_requests"}

    `lost_requests` lists requests to forget of which only the receipt is there.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    report = restore_backup(backup, path)
    if as_json:
        print_json(asdict(report) | {"path": str(report.path)})
        return
    if report.unknown_keys:
        keys = ", ".join(report.unknown_keys)
        print_line(
            f"warning: no key {keys}: what requests with it forget may have been restored; add the"
            " line of the key to the file `key` of the journal",
            err=True,
        )
    for id in report.lost_requests:
        print_line(
            f"warning: the request {id} to forget is lost, and only its receipt is there: {REMEDY}",
            err=True,
        )
    if report.forgotten:
        print_line(
            f"left out, because it is forgotten: {counted(report.forgotten, 'record')}", err=True
        )
    if report.requests:
        print_line(
            f"{counted(report.requests, 'request')} to forget came with the records: run `journal"
            " forget --finish` to erase what the journal has of what they name",
            err=True,
        )
    if report.is_new:
        held = counted(report.segments, "segment")
        print_line(f"{report.path}: {held}, {report.bytes:,} bytes restored")
    elif report.events:
        print_line(
            f"{report.path}: {counted(report.events, 'record')} added, in lane {report.lane}"
        )
    else:
        print_line(f"{report.path}: it has all records of the backup")
