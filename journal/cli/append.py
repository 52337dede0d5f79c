"""`journal append`: append one message, or one for each line of standard input."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

import click

from journal.cli.clean import one_line
from journal.cli.exits import FAILED
from journal.cli.message_lines import NumberedLine, batches, parse_message
from journal.cli.output import say, say_block, say_json
from journal.cli.streams import OutputError
from journal.errors import EventError
from journal.process.ids import uuid7
from journal.writer import Journal

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

    from journal.lanes.group_commit import Fsync


@click.command("append")
@click.option("--session", metavar="S", help="The conversation; required without --jsonl.")
@click.option("--role", metavar="R", help="user, assistant, system, tool, ...; required too.")
@click.option("--id", metavar="ID", help="Id of the message; appending it again changes nothing.")
@click.option("--source", metavar="SRC", help="Where it comes from, such as cli or telegram.")
@click.option("--jsonl", is_flag=True, help="Read one message a line from standard input.")
@click.option("--ack", is_flag=True, help="With --jsonl: print each id once it is appended.")
@click.option(
    "--fsync",
    type=click.Choice(["never", "interval", "always"]),
    default="interval",
    show_default=True,
    help="never: survives the death of the process; always: a power loss too;"
    " interval: that but for the last 200 ms.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.argument("text", required=False)
@click.pass_context
def append_command(  # noqa: PLR0913 - click gives every option as an argument
    context: click.Context,
    *,
    session: str | None,
    role: str | None,
    id: str | None,
    source: str | None,
    jsonl: bool,
    ack: bool,
    fsync: Fsync,
    as_json: bool,
    text: str | None,
) -> None:
    """Append one message, or with --jsonl one for each line of standard input.

    TEXT is the message; `-`, or nothing with something piped in, reads it from standard input,
    without its last newline. The id is printed; without --id a new one is made.

    \b
        journal append --session s1 --role user "hello"
        uptime | journal append --session s1 --role tool --id uptime-1

    With --jsonl a line is an object with session and role, and if you like id, content,
    tool_name, tool_calls, tool_call_id, token_count, finish_reason, reasoning, source, model,
    timestamp (ISO 8601 with a zone, or µs since 1970), parent, and extra for anything else. A
    line that cannot be stored is told on stderr with its number; the others are appended, and
    the exit code is 1. Where nobody reads the ids of --ack any more, as behind `head`, it stops
    with exit code 1 and says how many lines were appended.

    \b
        echo '{"session":"s1","role":"user","content":"hello","id":"m1"}' |
            journal append --jsonl --ack

    JSON: id and position of the message; with --jsonl the counts appended and refused.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if jsonl:
        if any(given is not None for given in (text, session, role, id, source)):
            raise click.UsageError("with --jsonl, session, role and the rest stand in the lines")
        if ack and as_json:
            raise click.UsageError("--ack prints ids; --json prints one object: give one of them")
        if not _append_lines(context.obj, fsync, ack=ack, as_json=as_json):
            context.exit(FAILED)
        return
    if ack:
        raise click.UsageError("--ack goes with --jsonl")
    if session is None or role is None:
        raise click.UsageError("give --session and --role, or --jsonl")
    content = _read_text() if text is None or text == "-" else text
    id = uuid7() if id is None else id
    with Journal.open(context.obj, fsync=fsync) as journal:
        position = journal.append_message(session, role, content, id=id, source=source)
    try:
        if as_json:
            say_json({"id": id, "position": str(position)})
        else:
            say(id)
    except OutputError as error:
        raise OutputError(f"the message is appended, and its id is {id!r}; {error}") from error


def _stdin() -> BufferedReader:
    if sys.stdin is None:
        raise click.UsageError("standard input is closed: pipe something in, or give TEXT")
    return cast("BufferedReader", sys.stdin.buffer)


def _read_text() -> str:
    stream = _stdin()
    if stream.isatty():
        raise click.UsageError("give the message as TEXT, or pipe it in")
    try:
        text = stream.read().decode()
    except UnicodeDecodeError as error:
        raise EventError(f"standard input is not UTF-8 at byte {error.start}") from error
    return text.removesuffix("\n")


class _Appender:
    """Appends batches of lines; a line that cannot be stored costs no other line."""

    def __init__(self, journal: Journal, *, ack: bool) -> None:
        self.appended = 0
        self.refused = 0
        self._journal = journal
        self._ack = ack

    def append(self, lines: list[NumberedLine]) -> None:
        """Append what can be stored of a batch; tell the rest, in the order of the lines.

        Raises:
            OutputError: what happened cannot be told; the batch may be appended in part.
        """
        events = []
        refusals: dict[int, EventError] = {}
        for number, line in lines:
            try:
                events.append((number, parse_message(line)))
            except EventError as error:
                refusals[number] = error
        try:
            self._write([event for _, event in events])
        except EventError:  # nothing was written: find the line that is to blame
            for number, event in events:
                try:
                    self._write([event])
                except EventError as error:
                    refusals[number] = error
        self.refused += len(refusals)
        for number, refusal in sorted(refusals.items()):
            reason = str(refusal).removeprefix("event 0: ")
            self._say(one_line(f"line {number}: {reason}"), err=True)

    def _write(self, events: list[dict[str, Any]]) -> None:
        self._journal.append_many(events)
        self.appended += len(events)
        if self._ack and events:
            self._say("\n".join(one_line(event["id"]) for event in events))

    def _say(self, text: str, *, err: bool = False) -> None:
        try:
            say_block(text, err=err)
        except BrokenPipeError as error:
            # to end with 0, as commands that only read do, would hide that lines are missing
            name = "standard error" if err else "standard output"
            raise OutputError(f"nobody reads {name} any more") from error


def _append_lines(path: Path, fsync: Fsync, *, ack: bool, as_json: bool) -> bool:
    """Append standard input; say whether every line was stored."""
    read = _stdin().read1
    with Journal.open(path, fsync=fsync) as journal:
        appender = _Appender(journal, ack=ack)
        try:
            for lines in batches(read):
                appender.append(lines)
        except OutputError as error:
            raise OutputError(
                f"{error}: stopped with {appender.appended:,} lines appended,"
                f" {appender.refused:,} refused; the rest was not read."
                " Append all of it again: lines with ids are not doubled"
            ) from error
    if as_json:
        say_json({"appended": appender.appended, "refused": appender.refused})
    elif appender.refused:
        say(f"appended {appender.appended:,}, refused {appender.refused:,}", err=True)
    return not appender.refused
