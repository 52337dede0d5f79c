"""`journal relay erased`: which machine has replaced what was erased."""

from __future__ import annotations

from dataclasses import asdict

import click

from journal.cli.kit.exits import ExitCommand
from journal.cli.kit.output import print_json_lines, print_line
from journal.cli.kit.times import format_local_time
from journal.errors import counted
from journal.fs.directory import open_directory
from projector.relay.cli.codes import BEHIND, CODES
from projector.relay.fleet.erased import receipts


@click.command("erased", cls=ExitCommand, codes=CODES)
@click.argument("asked", metavar="[SESSION]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_context
def command(context: click.Context, asked: str | None, *, as_json: bool) -> None:
    """Show which machine has replaced the segments that were rewritten.

    What `journal forget` asks for is hidden on every machine as soon as the request arrives. Its
    bytes are removed by the machine that wrote them, at its next `journal forget --finish`, or by
    its `projector run`. Then the relay replaces the segments on all machines, and erases the old
    ones on the server. With a SESSION that is forgotten, or the id of a request, as `journal
    erasures` shows it, only segments from which something was erased for it count.

    A machine that has not replaced all is pending, and the exit code is 8: it may have the bytes.
    Machines that never reported to this one are not shown. There is no time limit.

    \b
        journal relay erased
        journal relay erased s1
        journal relay erased 01998a8e-1c3f-7000-8000-3f6b1c2d4e5f

    JSON: {"machine", "name", "seen", "replaced", "pending"}
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    found = receipts(open_directory(context.obj, create=False), asked)
    if as_json:
        print_json_lines(asdict(each) for each in found)
    elif not found:
        print_line("no other machine has reported to this one", err=True)
    else:
        for each in found:
            state = f"{counted(each.pending, 'segment')} pending" if each.pending else "replaced"
            at = format_local_time(each.seen, "minutes")
            print_line(f"{each.name}  {each.machine}  {state}, seen {at}")
    if any(each.pending for each in found):
        context.exit(BEHIND)
