"""`projector run`: keep the projection up to date."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from journal.cli.kit.output import print_line
from journal.cli.kit.signals import call_on_signals
from journal.cli.kit.streams import OutputError, flush_or_discard
from journal.fs.directory import open_directory
from projector.cli.kit.part import part_option
from projector.db.generations import with_part
from projector.forgetting.chores import Chores
from projector.run.watch import Watch

if TYPE_CHECKING:
    from pathlib import Path

    from journal.fs.directory import Directory
    from projector.fold.part import Part


@click.command("run")
@click.option(
    "--standby", is_flag=True, help="If another projector runs, wait and take over when it ends."
)
@part_option("Only the sessions of part K of N, such as 3/16.")
@click.pass_obj
def command(path: Path, standby: bool, part: Part | None) -> None:  # noqa: FBT001 - click gives flags so
    """Keep the projection up to date until Ctrl-C.

    It ends with 0 at Ctrl-C, SIGTERM and SIGHUP. One process does this for a journal. A second one
    names the first and ends with 7; with --standby it waits, and takes over within a second when
    the first ends for any reason. Writers never wait for the projector, and may start before or
    after it. If there is no journal, it is made. Under nohup, SIGHUP is ignored.

    While it has nothing to apply, it finishes erasures that are pending (`journal erasures`), and
    applies retention.toml once a day if that has `automatic = true` (`journal retain`). Each is a
    process of its own at low priority.

    With --part it keeps one of N databases, with the text of the sessions whose hash it has: N
    processes, on one host or on several, share the work (docs/large.md). Part 1 alone finishes
    erasures and applies retention.toml.

    \b
        projector run
        projector run --standby
        projector run --part 3/16
        systemd-run --user projector run
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    journal = open_directory(path)

    def warn(text: str) -> None:
        print_line(f"Warning: {text}", err=True)

    with closing(Chores(journal, warn)) as chores:
        source = with_part(journal, part)
        if part is None or part.number == 1:
            watch = Watch(source, warn, chores)
        else:
            watch = Watch(source, warn)
        _watch(watch, journal, standby=standby)
    try:
        print_line("stopped", err=True)
    except OutputError:  # the terminal that sent the SIGHUP is closed
        flush_or_discard()


def _watch(watch: Watch, journal: Directory, *, standby: bool) -> None:
    with call_on_signals(watch.stop):
        if standby:
            print_line(f"standing by for {journal.path}; stop with Ctrl-C", err=True)
            watch.stand_by()
        else:
            watch.take_over()
        if not watch.is_stopping():
            print_line(f"projecting {journal.path}; stop with Ctrl-C", err=True)
            watch.run()
