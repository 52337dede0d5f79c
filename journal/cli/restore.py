"""`journal restore`: a journal from a backup, what it lost, or a session as its program's file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from journal.backup.restore import restore_backup
from journal.cli.kit.output import print_json, print_line, warn
from journal.cli.kit.paths import NonEmptyPath
from journal.cli.kit.plugins import installed, load_plugin
from journal.erasure.receipts import warnings
from journal.errors import counted

if TYPE_CHECKING:
    from collections.abc import Callable


class _What(NonEmptyPath):
    """A folder, or the id of a session."""

    empty = "it is empty: give the folder of a backup, or with --to the id of a session"


@click.command("restore")
@click.argument("what", metavar="BACKUP|SESSION", type=_What(path_type=Path))
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    type=NonEmptyPath(path_type=Path),
    help="Write SESSION into this folder, as a file that its program can resume.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(path: Path, what: Path, *, folder: Path | None, as_json: bool) -> None:
    """Restore a journal from a backup, or a session as a file.

    BACKUP is the folder of a backup.

    If there is no journal at its path, it becomes the one of the backup: every byte, and its keys.
    It appears when it is complete. Programs that write to it begin new lanes.

    If the journal of the backup is there, the records that it lacks are added to it, and nothing is
    overwritten. Programs may write meanwhile. The journal of another backup is refused: give a new
    folder with --journal, before the command.

    What a request to forget names, in the backup or in the journal, is not restored. If a request
    comes with the records, `journal forget --finish` erases what the journal has of what it names.

    Nothing is restored from a file that is damaged: see `journal backup --verify`. After a failure,
    run it again. There is no time limit.

    With --to DIR, SESSION is the id of a session of Claude Code or Codex, or the beginning of one.
    It is written into DIR as its program writes it, with the ids and times of its messages; an
    existing file is never overwritten. To resume it, move the file into the folder of the program
    that is printed, or give that folder as DIR. Secrets are replaced by marks, by the rules of
    today. A session of another program is refused, and one that was forgotten is none. What cannot
    be written is named (docs/archive.md). To import the file adds no message to this journal.

    \b
    Examples:
        journal --journal ~/agents restore /mnt/disk/agents
        journal restore /mnt/disk/agents --json
        journal restore 8e1f --to /tmp/back

    The exit code is 5 if the backup is damaged, and 3 if there is no such session.

    JSON: {"path", "journal", "is_new", "segments", "bytes", "events", "lane",
    "forgotten", "requests", "unknown_keys", "lost_requests"};
    {"session", "source", "file", "folder", "resume", "messages", "redacted", "left_out": {...},
    "changed"}

    `lost_requests` lists requests to forget of which only the receipt is there. The second object
    is that of --to; `changed` lists messages that the importer does not read back as they are
    stored.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if folder is not None:
        _session_writer()(path, str(what), folder, as_json)
        return
    report = restore_backup(what, path)
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
    for text in warnings((), report.lost_requests):
        warn(text)
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
        print_line(f"{report.path}: {held}, {counted(report.bytes, 'byte')} restored")
    elif report.events:
        print_line(
            f"{report.path}: {counted(report.events, 'record')} added, in lane {report.lane}"
        )
    else:
        print_line(f"{report.path}: it has all records of the backup")


_RESTORERS = "journal.restorers"
"""Group of entry points: a session is read from the projection, which `journal` must not import."""


def _session_writer() -> Callable[[Path, str, Path, bool], None]:
    """Return what writes a session into a folder.

    Raises:
        click.ClickException: it is not installed.
    """
    point = installed(_RESTORERS)[0].get("session")
    if point is None:
        raise click.ClickException(
            "--to needs the package `projector`, which is not installed beside this one"
        )
    return cast("Callable[[Path, str, Path, bool], None]", load_plugin(point))
