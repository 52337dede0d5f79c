"""`journal relay repair`: get back what our own lanes lack or have damaged."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journal.cli.kit.exits import DAMAGED, ExitCommand
from journal.cli.kit.output import print_json, print_line
from journal.cli.kit.paths import NonEmptyPath
from journal.errors import counted
from journal.fs.directory import open_directory
from projector.relay.cli.codes import CODES, need
from projector.relay.config import read_config
from projector.relay.folder import Folder, open_other
from projector.relay.lock import relay_lock
from projector.relay.repair import repair

if TYPE_CHECKING:
    from journal.fs.directory import Directory
    from projector.relay.repair import Repair


@click.command("repair", cls=ExitCommand, codes=CODES)
@click.argument(
    "source", metavar="[FROM_JOURNAL]", required=False, type=NonEmptyPath(path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(context: click.Context, source: Path | None, *, as_json: bool) -> None:
    """Get back what the lanes of this machine lack, or have damaged.

    Run it if `journal verify` or `journal relay status` finds damage in a lane of this machine, or
    if files of it are lost. It compares the lanes with what the server has of them, and replaces
    or completes the segments that differ. What the server lacks is read from the other machines
    that are connected. With FROM_JOURNAL, the folder of another journal, its mirrors are used.

    What is only here is never overwritten. A file that is replaced is kept in `relay/damaged/`;
    events that no other machine has stay. A segment with other sound events than the others have,
    and a lane whose writer is at work, are left as they are: they are named, and the exit code is
    5. Stop `journal relay run` first. There is no time limit.

    \b
        journal relay repair
        journal relay repair /mnt/stick/journal

    JSON: {"compared", "repaired": [{"lane", "segment", "done", "bytes", "kept"}], "left"}
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    journal = open_directory(context.obj, create=False)
    with relay_lock(journal):
        found = _from_server(journal) if source is None else _from_folder(journal, source)
    if as_json:
        print_json(asdict(found))
    else:
        _print(found)
    if found.left:
        context.exit(DAMAGED)


def _from_server(journal: Directory) -> Repair:
    need("repair", "nats")
    from projector.relay.server.connection import connect  # noqa: PLC0415 - a folder needs no nats
    from projector.relay.server.stored import Stored  # noqa: PLC0415

    async def work() -> Repair:
        config = read_config(journal)
        connection = await connect(config)
        try:
            return await repair(journal, Stored(connection, config))
        finally:
            await connection.close()

    return asyncio.run(work())


def _from_folder(journal: Directory, source: Path) -> Repair:
    there = open_other(journal, source)
    return asyncio.run(repair(journal, Folder(there, lambda _place: 0)))


def _print(found: Repair) -> None:
    for each in found.repaired:
        kept = f", of which {counted(each.kept, 'byte')} only here" if each.kept else ""
        size = counted(each.bytes, "byte")
        print_line(f"{each.done}: lane {each.lane} segment {each.segment}: {size}{kept}")
    for why in found.left:
        print_line(f"left: {why}", err=True)
    print_line(
        f"{counted(found.compared, 'segment')} compared,"
        f" {len(found.repaired):,} repaired, {len(found.left):,} left"
    )
