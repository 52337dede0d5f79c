"""`journal backup`: copy a journal into a folder, or check such a copy."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from journal.backup.check import verify_backup
from journal.backup.make import make_backup
from journal.cli.kit.exits import DAMAGED
from journal.cli.kit.output import print_json, print_line
from journal.cli.kit.paths import NonEmptyPath
from journal.cli.kit.times import format_time
from journal.errors import counted


@click.command("backup")
@click.argument("folder", metavar="FOLDER", type=NonEmptyPath(path_type=Path))
@click.option(
    "--verify",
    "only_verify",
    is_flag=True,
    help="Check the backup in FOLDER, and change nothing.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; times in µs.")
@click.pass_context
def command(context: click.Context, folder: Path, *, only_verify: bool, as_json: bool) -> None:
    """Copy the journal into FOLDER, while programs write to it.

    FOLDER is new or empty, or has an earlier backup of the same journal: then only what is new is
    copied. What was acknowledged before the command began is in the backup, and of each lane all
    records from the first one on. Nothing waits for it. If it is interrupted, FOLDER has the
    backup from before, and the next one finishes the work. There is no time limit.

    The backup has all text of the journal, and its file of keys, with which what is redacted or
    forgotten can be guessed: keep FOLDER as private as the journal. The projection is not in it: it
    is built again. What was erased in the journal is erased in the backup by the next one.

    A copy whose segment is missing in the journal, or has other bytes there, is kept and named, and
    the exit code is 5: check the journal with `journal verify`, and restore what it lost with
    `journal restore FOLDER`.

    --verify reads every byte of a backup and compares it with the checksums in it. It needs no
    journal. The exit code is 5 if something is missing or damaged.

    \b
    Examples:
        journal backup /mnt/disk/agents
        journal backup --verify /mnt/disk/agents

    JSON: {"path", "journal", "began", "segments", "bytes", "written", "removed",
    "kept": [{"folder", "number", "why"}]}; with --verify {"path", "journal", "began", "segments",
    "bytes", "problems"}
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if only_verify:
        _verify(context, folder, as_json=as_json)
        return
    report = make_backup(context.obj, folder)
    if as_json:
        print_json(asdict(report) | {"path": str(report.path)})
    else:
        for kept in report.kept:
            what = "the journal has no such segment" if kept.why == "missing" else "other bytes"
            print_line(f"kept: lane {kept.folder} segment {kept.number}: {what}", err=True)
        removed = f", {report.removed:,} removed" if report.removed else ""
        print_line(
            f"{report.path}: {counted(report.segments, 'segment')},"
            f" {counted(report.bytes, 'byte')}; {counted(report.written, 'byte')} written{removed}"
        )
    if report.kept:
        context.exit(DAMAGED)


def _verify(context: click.Context, folder: Path, *, as_json: bool) -> None:
    found = verify_backup(folder)
    if as_json:
        print_json(asdict(found) | {"path": str(found.path)})
    else:
        for problem in found.problems:
            print_line(problem)
        held = counted(found.segments, "segment")
        wrong = counted(len(found.problems), "problem") if found.problems else "no problems"
        print_line(
            f"backup of {format_time(found.began)}: {held}, {counted(found.bytes, 'byte')}: {wrong}"
        )
    if found.problems:
        context.exit(DAMAGED)
