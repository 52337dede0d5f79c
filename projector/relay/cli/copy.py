"""`journal relay copy`: bring what another journal has into this one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from journal.cli.kit.exits import DAMAGED, ExitCommand
from journal.cli.kit.output import print_json, print_line
from journal.cli.kit.paths import NonEmptyPath
from journal.errors import counted
from journal.fs.directory import open_directory
from projector.relay.cli.codes import CODES
from projector.relay.folder import copy
from projector.relay.lock import relay_lock


@click.command("copy", cls=ExitCommand, codes=CODES)
@click.argument("source", metavar="FROM_JOURNAL", type=NonEmptyPath(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(context: click.Context, source: Path, *, as_json: bool) -> None:
    """Bring what another journal has into this one, without a server.

    FROM_JOURNAL is the folder of a journal: on a stick, on a share, or a copy that rsync made. Its
    lanes, and those that it mirrors, become mirrors in this journal. Nothing is written there.
    Repeat it as often as you like: only what is new is copied. To share both ways, run it on both
    machines.

    If the other journal has bytes under the name of this one that are not here, this one is a
    copy or was restored from a backup. It then becomes another machine: what it wrote keeps its
    place, and writers begin new lanes.

    What cannot be copied, because other bytes are in its place, is named, and the exit code is 5.

    \b
        journal relay copy /mnt/stick/journal
        rsync -a desk:.local/share/agent-journal/ desk/ && journal relay copy desk

    JSON: {"machine", "segments", "bytes", "problems", "renamed"}
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    journal = open_directory(context.obj)
    with relay_lock(journal):
        found = copy(journal, source)
    if as_json:
        print_json(asdict(found))
    else:
        for problem in found.problems:
            print_line(f"kept out: {problem}", err=True)
        if found.renamed:
            print_line("this journal is a copy of another one: it is another machine now", err=True)
        print_line(
            f"{counted(found.bytes, 'byte')} of {counted(found.segments, 'segment')}"
            f" from machine {found.machine}"
        )
    if found.problems:
        context.exit(DAMAGED)
