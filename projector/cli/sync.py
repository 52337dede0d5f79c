"""`projector sync`: apply what is new, once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from journal.cli.kit.output import print_line
from journal.errors import counted
from journal.fs.directory import open_directory
from projector.cli.kit.part import part_option
from projector.cli.kit.progress import EventCounter
from projector.db.generations import generations, with_part
from projector.db.process_lock import ProcessLock
from projector.run.lock_holder import catch_up_once

if TYPE_CHECKING:
    from pathlib import Path

    from projector.fold.part import Part


@click.command("sync")
@part_option()
@click.pass_obj
def command(path: Path, part: Part | None) -> None:
    """Apply the events that are new in the journal, once.

    Searches do that by themselves; this is for scripts that choose the time for it. Ends with 7 if
    a projector runs: that applies them. There is no time limit.
    """
    journal = with_part(open_directory(path, create=False), part)
    counter = EventCounter()
    with ProcessLock(generations(journal.base).lock).held(timeout=0.5):
        began = time.perf_counter()
        catch_up_once(journal, counter)
    seconds = time.perf_counter() - began
    print_line(f"{counted(counter.events, 'event')} applied in {seconds:.1f} s", err=True)
