"""`projector sink`: the group of its commands."""

from __future__ import annotations

import time
from contextlib import closing
from threading import Event
from typing import TYPE_CHECKING

import click

from journal.cli.kit.exits import BUSY, DAMAGED, DONE
from journal.cli.kit.output import print_json, print_line
from journal.cli.kit.signals import call_on_signals
from journal.errors import counted
from journal.format.fields.erasure import PENDING, REMOVED
from journal.fs.directory import open_directory
from projector.cli.kit.part import part_option
from projector.db.generations import find_parts, is_in_parts
from projector.forgetting.erasures import read_erasures
from projector.forgetting.in_sink import note_removed, pending_in_sink
from projector.outbox import CONFIG
from projector.sink.config import Config, read_config, write_config
from projector.sink.drain import Drainer
from projector.sink.errors import NoSink, SinkError
from projector.sink.verify import compare

if TYPE_CHECKING:
    from pathlib import Path

    from journal.fs.directory import Directory
    from projector.fold.part import Part

_PAUSE = 1.0
"""Seconds between two looks at the journal."""
_LONGEST = 60.0
"""Seconds between two tries where the sink cannot be reached."""
_FORGOTTEN = {
    None: "",
    PENDING: "; what was forgotten is pending in the sink until `projector sink run` has sent all",
    REMOVED: "; what was forgotten is removed from the sink",
}


@click.group("sink")
def command() -> None:
    """Keep the messages of a journal in ClickHouse, too.

    That is for searches past one database, and for other programs. The projection notes what
    changes in its own transactions, and `projector sink run` sends it. What was sent twice, or
    while the sink was down, ends up equal: `projector sink verify` compares. docs/large.md says
    when it is worth it, and what is promised. There is no time limit.

    \b
        projector sink use http://localhost:8123
        projector sink run
        projector sink verify
        projector search --sink 'connection refused'
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines


@command.command("use")
@click.argument("url")
@click.option("--database", default="journal", show_default=True, help="Made if it is missing.")
@click.option("--table", default="messages", show_default=True, help="Made if it is missing.")
@click.option("--user", default="", help="User of the server.")
@click.option("--password-file", default="", metavar="FILE", help="File with the password.")
@click.pass_obj
def use(path: Path, url: str, database: str, table: str, user: str, password_file: str) -> None:
    """Configure the sink of the journal, in sink.toml, and make its table.

    URL is that of a server, http://HOST:8123 or https://HOST:8443, or chdb:///FOLDER for
    ClickHouse within the process (pip install 'agent-journal[chdb]'). From now on each projection
    fills its outbox. A journal without a sink has no cost of it. There is no time limit.

    If the journal has another table as its sink, that one stays as it is, also with what is
    forgotten from now on: it is named, so that you can drop it. While it has what was forgotten
    before, it is not replaced: `projector sink run --once` erases that first.
    """
    try:
        config = Config(url, database, table, user, password_file)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    journal = open_directory(path, create=False)
    left = _left_by(journal, config)
    if left is not None and (pending := pending_in_sink(read_erasures(journal))):
        # the receipts that come when the new table is complete would say that it is erased
        raise SinkError(
            f"{left.address} may still have what {counted(len(pending), 'request')} to forget"
            " named: run `projector sink run --once`; if it is gone for ever, `projector sink off`"
        )
    with closing(config.connect()) as sink:
        sink.prepare()
    write_config(journal, config)
    if left is not None:
        print_line(f"Warning: {_what_stays(left)}", err=True)
    print_line(f"sink: {config.address}; now `projector sink run`", err=True)


@command.command("off")
@click.pass_obj
def off(path: Path) -> None:
    """Forget the sink of the journal: nothing is sent any more.

    The next event empties the outbox. What the sink has stays there, also what is forgotten from
    now on: drop the table yourself. The statement for that is printed. There is no time limit.
    """
    journal = open_directory(path, create=False)
    left = read_config(journal)
    (journal.path / CONFIG).unlink()
    print_line(f"the journal has no sink any more; {_what_stays(left)}", err=True)


def _left_by(journal: Directory, config: Config) -> Config | None:
    """Return the sink that the journal has, if another one takes its place; None if there is none.

    Raises:
        SinkError: its configuration cannot be understood.
    """
    try:
        known = read_config(journal)
    except NoSink:
        return None
    return None if known.address == config.address else known


def _what_stays(left: Config) -> str:
    """Return the state of a table that is no sink any more, and how to remove it."""
    return (
        f"{left.address} stays as it is, and what is forgotten from now on is not erased there. If"
        f" nobody needs it: DROP TABLE `{left.database}`.`{left.table}`"
    )


@command.command("run")
@click.option("--once", is_flag=True, help="End when everything is sent.")
@click.option("--again", is_flag=True, help="Send every message again, and erase all others.")
@part_option()
@click.pass_obj
def run(
    path: Path,
    once: bool,  # noqa: FBT001 - click gives flags so
    again: bool,  # noqa: FBT001 - same
    part: Part | None,
) -> None:
    """Send what the sink lacks, until Ctrl-C.

    It ends with 0 at Ctrl-C, SIGTERM and SIGHUP. It may be killed at any moment: the next run
    continues. While the sink cannot be reached it tries again, after a minute at most; with --once
    it ends with 1. Run one for a projection, or one for each part (--part). It applies new events
    by itself where no projector runs. There is no time limit.
    """
    journal = open_directory(path, create=False)
    if part is None and is_in_parts(journal.path):
        # it would build a whole projection beside the parts, and search would not ask these
        raise click.UsageError(
            "this journal is projected in parts, and not as a whole: run one for each (--part"
            f" {find_parts(journal.path)[0]})"
        )
    stopping = Event()
    with call_on_signals(stopping.set):
        pause = _PAUSE
        while not stopping.is_set():
            try:
                _send(journal, part, stopping, again=again, once=once)
                again, pause = False, _PAUSE
            except SinkError as error:
                if once:
                    raise
                print_line(f"Warning: {error}; trying again in {pause:.0f} s", err=True)
                stopping.wait(pause)
                pause = min(pause * 2, _LONGEST)
            if once:
                break


def _send(
    journal: Directory, part: Part | None, stopping: Event, *, again: bool, once: bool
) -> None:
    """Send until everything is sent if `once`, else until `stopping` or an error of the sink."""
    with (
        closing(read_config(journal).connect()) as sink,
        closing(Drainer(journal, sink, part)) as drainer,
    ):
        is_noted = False  # a drainer that was killed may not have noted what it erased
        while not stopping.is_set():
            began = time.perf_counter()
            sent = drainer.drain(again=again, stop=stopping.is_set)
            again = False
            if sent.is_swept or not is_noted:
                is_noted = True
                if removed := note_removed(journal):
                    what = counted(removed, "request")
                    print_line(f"removed from the sink what {what} to forget named", err=True)
            if once or sent.documents or sent.erased:
                seconds = time.perf_counter() - began
                what = f"{counted(sent.documents, 'document')} sent in {seconds:.1f} s"
                gone = f", {counted(sent.erased, 'session')} erased" if sent.erased else ""
                print_line(what + gone, err=True)
            if once:
                return
            stopping.wait(_PAUSE)


@command.command("verify")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@part_option()
@click.pass_context
def verify(
    context: click.Context,
    /,
    as_json: bool,  # noqa: FBT001 - click gives flags so
    part: Part | None,
) -> None:
    """Compare every document of the sink with the projection, or with its parts.

    It sends nothing: run `projector sink run --once` before. The exit code is 5 if they differ, and
    `projector sink run --once --again` sends all messages again then. It is 7 if they are equal,
    and the sink may still have what was forgotten, in rows that no search finds any more:
    `projector sink run` erases them. There is no time limit.

    JSON: {"equal", "documents", "sink_documents", "checksum", "sink_checksum", "forgotten"}

    `forgotten` is `pending`, `removed`, or null if nothing was ever forgotten.
    """
    journal = open_directory(context.obj, create=False)
    with closing(read_config(journal).connect()) as sink:
        found = compare(journal, sink, part)
    if as_json:
        print_json(
            {
                "equal": found.is_equal,
                "documents": found.projection.documents,
                "sink_documents": found.sink.documents,
                "checksum": found.projection.sum,
                "sink_checksum": found.sink.sum,
                "forgotten": found.forgotten,
            }
        )
    else:
        verb = "equal" if found.is_equal else "DIFFERENT"
        print_line(
            f"{verb}: {found.projection.documents:,} documents in the projection,"
            f" {found.sink.documents:,} in the sink{_FORGOTTEN[found.forgotten]}"
        )
    if not found.is_equal:
        context.exit(DAMAGED)
    context.exit(BUSY if found.forgotten == PENDING else DONE)
