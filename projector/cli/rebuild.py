"""`projector rebuild`: rebuild the projection."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from journal.cli.kit.output import print_line
from journal.errors import counted
from journal.fs.directory import open_directory
from projector.cli.kit.part import part_option
from projector.cli.kit.progress import EventCounter
from projector.db.generations import with_part
from projector.run.build import rebuild

if TYPE_CHECKING:
    from pathlib import Path

    from projector.fold.part import Part


@click.command("rebuild")
@part_option()
@click.pass_obj
def command(path: Path, part: Part | None) -> None:
    """Rebuild the projection from the journal, beside the one in use.

    Searches use the old one until the new one is complete; a running projector changes over within
    a second. The digest is the same before and after. There is no time limit.
    """
    journal = with_part(open_directory(path, create=False), part)
    began = time.perf_counter()
    counter = EventCounter()
    number = rebuild(journal, counter)
    seconds = time.perf_counter() - began
    print_line(
        f"generation {number}: {counted(counter.events, 'event')} in {seconds:.1f} s", err=True
    )
