"""`journal verify`: check every record."""

from __future__ import annotations

from dataclasses import asdict

import click

from journal.cli.kit.exits import DAMAGED
from journal.cli.kit.output import print_json, print_line
from journal.fs.directory import open_directory
from journal.verify import Problem, verify


@click.command("verify")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:  # noqa: FBT001 - click gives flags so
    """Check every record of a journal: checksum, sequence and header.

    Every problem is reported with its lane, segment, offset and length in bytes, and reason.
    Writers may write meanwhile; nothing is locked and nothing is changed. One loss is not found: of
    records at the end of a lane, since no later sequence number shows the gap. There is no time
    limit.

    The exit code is 5 if there are problems.

    \b
        journal verify
        journal verify --json | jq '.problems[].reason'

    JSON: {"lanes", "segments", "events", "bytes",
    "problems": [{"kind", "lane", "segment", "offset", "length", "reason"}]}

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
        version     a newer format
        foreign     a file or link that is not part of the journal
        unreadable  the file system refuses to read it
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    report = verify(open_directory(context.obj, create=False).lanes)
    if as_json:
        print_json(asdict(report))
    else:
        for problem in report.problems:
            print_line(describe(problem))
        counts = [(report.lanes, "lane"), (report.segments, "segment")]
        counts += [(report.events, "event"), (report.bytes, "byte")]
        held = ", ".join(_count(number, noun) for number, noun in counts)
        found = _count(len(report.problems), "problem") if report.problems else "no problems"
        print_line(f"{held}: {found}")
    if report.problems:
        context.exit(DAMAGED)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def describe(problem: Problem) -> str:
    """Return a problem as one line."""
    place = [f"lane {problem.lane}"] if problem.lane else []
    if problem.segment is not None:
        place.append(f"segment {problem.segment}")
    if problem.offset is not None:
        place.append(f"offset {problem.offset}")
    if problem.length:
        place.append(f"{problem.length} bytes")
    where = " ".join(place)
    return ": ".join(part for part in (problem.kind, where, problem.reason) if part)
