"""`journal verify`: check every record."""

from __future__ import annotations

from dataclasses import asdict

import click

from journal.cli.exits import DAMAGED
from journal.cli.output import say, say_json
from journal.fs.directory import open_directory
from journal.verify import Problem, verify


@click.command("verify")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def verify_command(context: click.Context, as_json: bool) -> None:  # noqa: FBT001 - click gives flags so
    """Check every record of a journal: checksum, sequence and header.

    Every problem is reported with its lane, segment, offset and length in bytes, and reason.
    Writers may be at work meanwhile; nothing is locked and nothing is changed. What one writer
    lost behind its last whole record cannot be seen: no later number shows the gap.

    Exit code 5 if there are problems.

    \b
        journal verify
        journal verify --json | jq '.problems[].reason'

    \b
    JSON: lanes, segments, events, bytes, and problems, each with
    kind, lane, segment, offset, length, reason. Kinds:
        damage      bytes that are no valid record
        torn        an unfinished last record
        newline     a valid record without its newline
        empty       a segment without a byte
        header      no header, or one that does not fit
        gap         sequence numbers that are nowhere in the lane
        sequence    a sequence number or time where it cannot be
        duplicate   a uuid that stands twice
        version     a newer format
        foreign     a file or link that is none of the journal's
        unreadable  the file system refuses
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    report = verify(open_directory(context.obj, create=False).lanes)
    if as_json:
        say_json(asdict(report))
    else:
        for problem in report.problems:
            say(describe(problem))
        counts = [(report.lanes, "lane"), (report.segments, "segment")]
        counts += [(report.events, "event"), (report.bytes, "byte")]
        held = ", ".join(_count(number, noun) for number, noun in counts)
        found = _count(len(report.problems), "problem") if report.problems else "no problems"
        say(f"{held}: {found}")
    if report.problems:
        context.exit(DAMAGED)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def describe(problem: Problem) -> str:
    """Put a problem into one line."""
    place = [f"lane {problem.lane}"] if problem.lane else []
    if problem.segment is not None:
        place.append(f"segment {problem.segment}")
    if problem.offset is not None:
        place.append(f"offset {problem.offset}")
    if problem.length:
        place.append(f"{problem.length} bytes")
    where = " ".join(place)
    return ": ".join(part for part in (problem.kind, where, problem.reason) if part)
