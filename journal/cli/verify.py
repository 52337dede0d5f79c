"""`journal verify`: check every record."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, cast

import click

from journal.cli.kit.exits import DAMAGED
from journal.cli.kit.output import print_json, print_line
from journal.cli.kit.plugins import installed, load_plugin
from journal.errors import counted
from journal.fs.directory import open_directory
from journal.verify import Problem, verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from journal.fs.directory import Directory


@click.command("verify")
@click.option("--erased", is_flag=True, help="Look for what was forgotten, instead.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(
    context: click.Context,
    erased: bool,  # noqa: FBT001 - click gives flags so
    as_json: bool,  # noqa: FBT001
) -> None:
    """Check every record of a journal: checksum, sequence and header.

    Every problem is reported with its lane, segment, offset and length in bytes, and reason.
    Writers may write meanwhile; nothing is locked and nothing is changed. One loss is not found: of
    records at the end of a lane, since no later sequence number shows the gap. There is no time
    limit.

    The exit code is 5 if there are problems. What comes from several machines or copies of one
    journal is shown, too, and is none (`notes`): behind, copy and fork.

    With --erased everything below the journal's folder is compared with the requests to forget
    (`journal erasures`): every event in the lanes, every row of every database, and the ids of
    sessions in imports/ and retention.toml. What cannot be checked is named, such as bytes that are
    no valid record. The exit code is 5 if something that is forgotten is still there, or a request
    is in no lane any more, and a receipt, a database or an earlier search names it; else 6 if not
    everything could be checked.

    \b
        journal verify
        journal verify --json | jq '.problems[].reason'
        journal verify --erased

    JSON: {"lanes", "segments", "events", "bytes",
    "problems": [{"kind", "lane", "segment", "offset", "length", "reason"}], "notes": [{...}]};
    {"requests", "events", "found": [{...}], "unchecked": [{"where", "why"}], "lost"}

    The second is that of --erased; `found` has "where", "request" and "count", and `lost` the ids
    of lost requests.

    \b
    Kinds:
        damage      bytes that are no valid record
        torn        an unfinished last record
        newline     a valid record without its newline
        empty       a segment without a byte
        header      no header, or one that does not fit
        gap         sequence numbers that are missing in the lane
        sequence    a sequence number or order that breaks the lane's order
        duplicate   a uuid that is there twice
        behind      the end of a mirror's last segment has not arrived (a note)
        copy        a segment that is in two folders (a note)
        fork        a segment that went on differently in two folders (a note)
        version     a newer format
        foreign     a file or link that is not part of the journal
        unreadable  the file system refuses to read it
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    directory = open_directory(context.obj, create=False)
    if erased:
        context.exit(_checker()(directory, as_json))
    report = verify(directory.lanes)
    if as_json:
        print_json(asdict(report))
    else:
        for problem in (*report.problems, *report.notes):
            print_line(describe(problem))
        counts = [(report.lanes, "lane"), (report.segments, "segment")]
        counts += [(report.events, "event"), (report.bytes, "byte")]
        held = ", ".join(counted(number, noun) for number, noun in counts)
        found = counted(len(report.problems), "problem") if report.problems else "no problems"
        print_line(f"{held}: {found}")
    if report.problems:
        context.exit(DAMAGED)


_CHECKS = "journal.checks"
"""Group of entry points: the read side knows databases, and `journal` must not import it."""
_ERASED = "erased"


def _checker() -> Callable[[Directory, bool], int]:
    """Return what prints a check of the folder, and returns the exit code.

    Raises:
        click.ClickException: it is not installed.
    """
    point = installed(_CHECKS)[0].get(_ERASED)
    if point is None:
        raise click.ClickException(
            "--erased needs the package `projector`, which is not installed beside this one"
        )
    return cast("Callable[[Directory, bool], int]", load_plugin(point))


def describe(problem: Problem) -> str:
    """Return a problem as one line."""
    place = [f"lane {problem.lane}"] if problem.lane else []
    if problem.segment is not None:
        place.append(f"segment {problem.segment}")
    if problem.offset is not None:
        place.append(f"offset {problem.offset}")
    if problem.length:
        place.append(counted(problem.length, "byte"))
    where = " ".join(place)
    return ": ".join(part for part in (problem.kind, where, problem.reason) if part)
