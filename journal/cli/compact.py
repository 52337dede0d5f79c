"""`journal compact`: join small segments."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from journal.cli.kit.output import print_json, print_line
from journal.cli.kit.times import Moment
from journal.erasure.compact import compact
from journal.errors import counted

if TYPE_CHECKING:
    from journal.erasure.compact import Compaction


_HINT = (
    "no record is dropped: `journal forget --deleted --replaced --dry-run` shows what readers do"
    " not need"
)


@click.command("compact")
@click.option(
    "--older-than",
    "before",
    type=Moment(),
    metavar="AGE",
    help="Only segments whose last event is older (90d, 2026-01-31).",
)
@click.option("--dry-run", is_flag=True, help="Only print what would be joined.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; times in µs.")
@click.pass_obj
def command(path: str, *, before: int | None, dry_run: bool, as_json: bool) -> None:
    """Join the small segments of each lane into larger ones.

    Segments of less than 8 MiB that follow each other in a lane become one of up to 32 MiB. Every
    record stays, at the same position, and every answer stays the same. The segment to which a
    process writes is not touched. Programs may write and read meanwhile, and wait for nothing.

    Segments become small when they lose what is forgotten. After that, the next writer begins a new
    lane in the folder, and segments of different lanes are not joined. The files of joined segments
    stay for an hour, because a reader may have listed them; the next run after that removes them.
    If it is interrupted, nothing is lost, and the next run finishes the work. There is no time
    limit.

    Nothing is dropped: what is deleted, cleared or replaced can be needed when a lane of another
    machine arrives (docs/format.md, Compaction). To get its space back, use `journal forget
    --deleted --replaced --older-than 30d`, and then this command. Readers see no difference.

    \b
        journal compact --dry-run
        journal compact --older-than 30d

    JSON: {"joined", "segments", "bytes", "removed", "waiting", "started", "duration"}
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    found = compact(path, before=before, dry_run=dry_run)
    if as_json:
        print_json(asdict(found))
    else:
        _print(found, is_planned=dry_run)


def _print(found: Compaction, *, is_planned: bool) -> None:
    verb = "would be joined" if is_planned else "joined"
    if found.joined:
        print_line(
            f"{counted(found.joined, 'segment')} {verb} into {found.segments:,}:"
            f" {counted(found.bytes, 'byte')}"
        )
    else:
        print_line("no segments to join")
    if found.removed:
        verb = "would be removed" if is_planned else "removed"
        print_line(f"{counted(found.removed, 'file')} of joined segments {verb}")
    if found.waiting:
        print_line(
            f"{counted(found.waiting, 'file')} of joined segments: a run in an hour removes them"
        )
    print_line(_HINT)
