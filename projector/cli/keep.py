"""`projector run`, `sync`, `rebuild` and `digest`: keep the projection up to date."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import click

from journal.cli.output import is_terminal, say, say_again
from journal.fs.directory import open_directory
from projector.cli.behind import say_behind
from projector.db.digest import digest
from projector.db.generations import OnlyOne, generations
from projector.projection import Projection
from projector.run.build import catch_up_once, rebuild
from projector.run.watch import Watch

if TYPE_CHECKING:
    from pathlib import Path

    from projector.run.projector import Progress


@click.command("run")
@click.option(
    "--standby", is_flag=True, help="Where another projector runs, wait and take over when it ends."
)
@click.pass_obj
def run_command(path: Path, standby: bool) -> None:  # noqa: FBT001 - click gives flags so
    """Keep the projection up to date until SIGTERM or SIGINT.

    One process does this for a journal; a second one says who runs and exits with 7, or with
    --standby waits and takes over within a second when the first ends, however it ends. Writers
    never wait for it, and may be started before it or after it. The journal is made if there is
    none.

    \b
        projector run
        projector run --standby
        systemd-run --user projector run
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    journal = open_directory(path)
    watch = Watch(journal, warn=lambda text: say(f"Warning: {text}", err=True))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: watch.stop())
    if standby:
        say(f"standing by for {journal.path}; stop with Ctrl-C", err=True)
        watch.stand_by()
    else:
        watch.take_over()
    if not watch.is_stopping():
        say(f"projecting {journal.path}; stop with Ctrl-C", err=True)
        watch.run()
    say("stopped", err=True)


@click.command("sync")
@click.pass_obj
def sync_command(path: Path) -> None:
    """Apply what the journal has gained, once.

    Searches do so by themselves; this is for scripts that want it done at a time of their own.
    Exits with 7 if a projector runs: it is doing the same.
    """
    journal = open_directory(path, create=False)
    lock = OnlyOne(generations(journal.path).lock)
    if not lock.take(patience=0.5):
        raise lock.busy()
    began = time.perf_counter()
    shown = _Shown()
    try:
        catch_up_once(journal, shown)
    finally:
        lock.release()
    say(f"{shown.events:,} events applied in {time.perf_counter() - began:.1f} s", err=True)


@click.command("rebuild")
@click.pass_obj
def rebuild_command(path: Path) -> None:
    """Build the projection anew from the journal, beside the one in use.

    Searches go on with the old one until the new one is complete; a running projector changes
    over within a second. The digest is the same before and after.
    """
    journal = open_directory(path, create=False)
    began = time.perf_counter()
    shown = _Shown()
    number = rebuild(journal, shown)
    seconds = time.perf_counter() - began
    say(f"generation {number}: {shown.events:,} events in {seconds:.1f} s", err=True)


@click.command("digest")
@click.pass_obj
def digest_command(path: Path) -> None:
    """Print the SHA-256 of the logical content, in canonical order.

    It is free of rowids, lanes and times of arrival: the same set of events gives the same
    digest, whatever their order of arrival, on every machine, before and after a rebuild. Where
    not all is applied, and cannot be, it is of what is there, and that is said on stderr.
    """
    with Projection.open(path) as projection:
        answer, fresh = projection.read(digest)
    say_behind(fresh.behind)
    say(answer)


class _Shown:
    """Counts events, and shows the count on a terminal while it grows."""

    def __init__(self) -> None:
        self.events = 0
        self._terminal = is_terminal(err=True)
        self._before = 0

    def __call__(self, progress: Progress) -> None:
        if progress.commits == 1:  # another run of catching up begins
            self._before = self.events
        self.events = self._before + progress.events
        if self._terminal:
            say_again(f"{self.events:,} events")
