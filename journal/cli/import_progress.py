"""The progress of an import on a terminal: bytes, messages, rate, and the time that is left."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from journal.cli.kit.clean import one_line
from journal.cli.kit.output import console, is_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.progress import Progress, TaskID

    from journal.importers.files.walk import Source
    from journal.importers.run.driver import Importer

_EVERY = 0.1
"""Seconds between two changes of what is shown."""


@contextmanager
def shown_progress(
    importer: Importer, found: Sequence[Source], *, wanted: bool
) -> Iterator[Iterable[Source]]:
    """Show how far an import is, if standard error is a terminal.

    Args:
        importer: its report counts the messages, and its `step` is set.
        found: the files, in the order in which they are imported.
        wanted: whether it may be shown at all.

    Yields:
        The files: each counts as read when the next one is taken.
    """
    if not (wanted and is_terminal(err=True)):
        yield found
        return
    from rich.progress import (  # noqa: PLC0415 - only a terminal needs it
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.table import Column  # noqa: PLC0415 - the same

    sizes = [_size(source) for source in found]
    with Progress(
        BarColumn(bar_width=12),
        DownloadColumn(),
        TextColumn("{task.fields[messages]:,} messages", markup=False),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
        # the name of a file is cut where the terminal is narrow
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, ratio=1)),
        console=console(),
        transient=True,
        expand=True,
    ) as progress:
        task = progress.add_task("", total=sum(sizes), messages=0)
        bar = _Bar(progress, task, importer)
        importer.step = bar.step
        yield bar.files(found, sizes)


@dataclass(slots=True)
class _Bar:
    """The bar, and how far it is.

    Attributes:
        progress, task: what shows it.
        importer: counts the messages.
        before: bytes of the files that were read.
        due: when it is changed again, by `time.monotonic`.
    """

    progress: Progress
    task: TaskID
    importer: Importer
    before: int = 0
    due: float = 0.0

    def files(self, found: Iterable[Source], sizes: Iterable[int]) -> Iterator[Source]:
        """Yield the files, and count each when the next one is taken."""
        for source, size in zip(found, sizes, strict=True):
            self.step(source, 0)
            yield source
            self.before += size
        self.progress.update(
            self.task, completed=self.before, messages=self.importer.report.messages
        )

    def step(self, source: Source, read: int) -> None:
        """Show that this many bytes of a file were read."""
        now = monotonic()
        if now < self.due:
            return
        self.due = now + _EVERY
        self.progress.update(
            self.task,
            completed=self.before + read,
            messages=self.importer.report.messages,
            description=one_line(source.path.name),
        )


def _size(source: Source) -> int:
    try:
        return source.path.stat().st_size
    except OSError:
        return 0  # deleted since: the import itself reports it
