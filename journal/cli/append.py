"""`journal append`: append one message, or one for each line of standard input."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import click

from journal.cli.arrivals import Arrivals
from journal.cli.kit.clean import one_line
from journal.cli.kit.exits import FAILED
from journal.cli.kit.output import print_block, print_json, print_line, warn
from journal.cli.kit.streams import OutputError
from journal.cli.message_lines import NumberedLine, batches, parse_message
from journal.errors import EventError, RedactionError, counted
from journal.format.event_types import MESSAGE_APPENDED
from journal.format.fields.message import message_data
from journal.format.new_event import new_event
from journal.process.ids import uuid7
from journal.redact.quick import may_redact
from journal.writer import Journal

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

    from journal.lanes.group_commit import Fsync


@click.command("append")
@click.option("--session", metavar="S", help="Id of the session; required without --jsonl.")
@click.option(
    "--role", metavar="R", help="user, assistant, system, tool, ...; required without --jsonl."
)
@click.option("--id", metavar="ID", help="Id of the message; to append it again changes nothing.")
@click.option("--source", metavar="SRC", help="Source of the message, such as cli or telegram.")
@click.option("--jsonl", is_flag=True, help="Read one message a line from standard input.")
@click.option("--ack", is_flag=True, help="With --jsonl: print each id once it is appended.")
@click.option(
    "--fsync",
    type=click.Choice(["never", "interval", "always"]),
    default="interval",
    show_default=True,
    help="never: the message survives the death of the process; always: a power loss, too;"
    " interval: a power loss, too, if it comes 200 ms later or more.",
)
@click.option(
    "--redact/--no-redact",
    default=True,
    help="Replace secrets by marks before they are written (default), or store them as they are.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.argument("text", required=False)
@click.pass_context
def command(  # noqa: PLR0913 - click gives every option as an argument
    context: click.Context,
    *,
    session: str | None,
    role: str | None,
    id: str | None,
    source: str | None,
    jsonl: bool,
    ack: bool,
    fsync: Fsync,
    redact: bool,
    as_json: bool,
    text: str | None,
) -> None:
    """Append one message, or with --jsonl one a line of standard input.

    TEXT is the message. With `-`, or without TEXT and with a pipe, it is read from standard input,
    without its last newline. The id is printed; without --id a new one is made.

    \b
        journal append --session s1 --role user "hello"
        uptime | journal append --session s1 --role tool --id uptime-1

    Secrets that the rules know (keys, tokens, passwords assigned to names like DB_PASSWORD) are
    replaced by marks such as [redacted:github-token:1f3a9c] before anything is written, as in
    `journal import`; the file redact.toml in the journal's folder adds rules (docs/redaction.md).
    The rules are loaded only for a text that may have a secret.

    What was forgotten (`journal forget`), and what is for a session that was, would be hidden: it
    is not appended, an error names it, and the exit code is 1.

    With --jsonl a line is an object with session and role, and optionally id, content, tool_name,
    tool_calls, tool_call_id, token_count, finish_reason, reasoning, source, model, timestamp (ISO
    8601 with a zone, or µs since 1970), parent, meta, and extra for anything else. A line that
    cannot be stored is reported on stderr with its number; the others are appended, and the exit
    code is 1. If the reader of the ids of --ack is gone, as behind `head`, the command stops with
    exit code 1 and reports how many lines were appended.

    \b
        echo '{"session":"s1","role":"user","content":"hello","id":"m1"}' |
            journal append --jsonl --ack

    JSON: {"id", "position"}; with --jsonl {"appended", "refused"}
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if jsonl:
        if any(given is not None for given in (text, session, role, id, source)):
            raise click.UsageError(
                "with --jsonl, the lines hold the session, the role and the other fields:"
                " leave out these options and TEXT"
            )
        if ack and as_json:
            raise click.UsageError("--ack prints ids; --json prints one object: give one of them")
        if not _append_lines(context.obj, fsync, redact=redact, ack=ack, as_json=as_json):
            context.exit(FAILED)
        return
    if ack:
        raise click.UsageError("--ack goes with --jsonl")
    if session is None or role is None:
        raise click.UsageError("give --session and --role, or --jsonl")
    content = _read_text() if text is None or text == "-" else text
    id = uuid7() if id is None else id
    redact = redact and may_redact(context.obj, content)
    with Journal.open(context.obj, fsync=fsync, redact=redact) as journal:
        data = message_data({"role": role, "content": content, "source": source})
        try:
            event = new_event(session, MESSAGE_APPENDED, data, id=id)
            position = journal.append(**Arrivals(journal.path, warn).left(event))
        except EventError as error:
            raise EventError(_shown(journal.path, error)) from None
    try:
        if as_json:
            print_json({"id": id, "position": str(position)})
        else:
            print_line(id)
    except OutputError as error:
        raise OutputError(f"the message is appended, and its id is {id!r}; {error}") from error


def _shown(journal: Path, error: EventError) -> str:
    """Return an error without the secrets of the value that it names."""
    # few messages are refused
    from journal.fs.key_file import any_key  # noqa: PLC0415
    from journal.redact.redactor import Redactor  # noqa: PLC0415
    from journal.redact.setup import own_rules, way_out  # noqa: PLC0415

    try:
        redactor = way_out(journal)
    except RedactionError:  # with --no-redact the user's file of rules need not be readable
        redactor = Redactor([own_rules()], partial(any_key, journal))
    return redactor.text(str(error))


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
    """Appends batches of lines; a line that cannot be stored does not stop the others."""

    def __init__(self, journal: Journal, *, ack: bool) -> None:
        self.appended = 0
        self.refused = 0
        self._journal = journal
        self._ack = ack
        self._arrivals = Arrivals(journal.path, warn)

    def append(self, lines: list[NumberedLine]) -> None:
        """Append a batch; write the refusals to stderr, in the order of the lines.

        Raises:
            OutputError: stdout or stderr cannot be written; the batch may be appended in part.
        """
        events: list[tuple[int, dict[str, Any]]] = []
        refusals: dict[int, EventError] = {}
        for number, line in lines:
            try:
                events.append((number, self._arrivals.left(parse_message(line))))
            except EventError as error:
                refusals[number] = error
        try:
            self._journal.append_many(event for _, event in events)
        except EventError:  # nothing was written: append each line alone
            for number, event in events:
                try:
                    self._journal.append(**event)
                except EventError as error:
                    refusals[number] = error
                else:
                    self._acknowledge([event])
        else:
            self._acknowledge([event for _, event in events])
        self.refused += len(refusals)
        for number, refusal in sorted(refusals.items()):
            self._print(one_line(f"line {number}: {_shown(self._journal.path, refusal)}"), err=True)

    def _acknowledge(self, events: list[dict[str, Any]]) -> None:
        self.appended += len(events)
        if self._ack and events:
            self._print("\n".join(one_line(event["id"]) for event in events))

    def _print(self, text: str, *, err: bool = False) -> None:
        try:
            print_block(text, err=err)
        except BrokenPipeError as error:
            # exit code 0, as for commands that only read, would hide that lines are missing
            name = "standard error" if err else "standard output"
            raise OutputError(f"the reader of {name} is gone") from error


def _append_lines(path: Path, fsync: Fsync, *, redact: bool, ack: bool, as_json: bool) -> bool:
    """Append standard input; return whether every line was stored."""
    read = _stdin().read1
    with Journal.open(path, fsync=fsync, redact=redact) as journal:
        appender = _Appender(journal, ack=ack)
        try:
            for lines in batches(read):
                appender.append(lines)
        except OutputError as error:
            raise OutputError(
                f"{error}: stopped with {counted(appender.appended, 'line')} appended,"
                f" {appender.refused:,} refused; the rest was not read."
                " Append all of it again: lines with ids are not stored twice"
            ) from error
    if as_json:
        print_json({"appended": appender.appended, "refused": appender.refused})
    elif appender.refused:
        print_line(f"appended {appender.appended:,}, refused {appender.refused:,}", err=True)
    return not appender.refused
