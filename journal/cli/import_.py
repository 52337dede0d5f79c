"""`journal import`: other programs' transcripts into the journal."""

from __future__ import annotations

import inspect
import textwrap
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journal.cli.import_progress import shown_progress
from journal.cli.import_report import print_report
from journal.cli.kit.exits import FAILED, NOT_FOUND
from journal.cli.kit.output import print_line
from journal.cli.kit.paths import NonEmptyPath
from journal.cli.kit.signals import call_on_signals
from journal.errors import JournalError
from journal.importers.registry import AUTO, installed
from journal.importers.run import following
from journal.importers.run.driver import Importer
from journal.importers.run.report import Report
from journal.writer import Journal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from journal.importers.formats import SourceFormat

_FORMATS = "    FORMATS"
"""The line of the help text that the installed formats replace."""
_WIDTH = 80


class FormatName(click.ParamType[str]):
    """The name of an importer that is installed."""

    name = "format"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check a name.

        Raises:
            ImportFailed: its importer is installed, but cannot be loaded.
        """
        found = installed()
        if value not in found.names:
            self.fail(f"{value!r} is not one of {', '.join(found.names)}", param, ctx)
        if value != AUTO:
            found.named(value)
            for why in found.unused(value):
                print_line(f"warning: the importer {value!r} {why}", err=True)
        return value


class ImportCommand(click.Command):
    """Lists the importers that are installed in its help text."""

    def get_help(self, ctx: click.Context) -> str:
        """Return the help text."""
        self.help = inspect.cleandoc(self.help or "").replace(_FORMATS, _described())
        return super().get_help(ctx)


def _described() -> str:
    """Return the lines of the help text that name the formats."""
    found = installed()
    about = {format.name: _about(format) for format in found.formats}
    about |= found.broken | {AUTO: "the format of each file is detected from its first lines"}
    width = max(map(len, about)) + 3
    lines: list[str] = []
    for name, text in about.items():
        wrapped = textwrap.wrap(text, _WIDTH - 8 - width)
        lines += [
            f"    {name:<{width}}{wrapped[0]}",
            *(" " * (width + 4) + it for it in wrapped[1:]),
        ]
    return "\n".join(lines)


def _about(format: SourceFormat) -> str:
    return f"{', '.join(format.paths)}: {format.about}" if format.paths else format.about


@click.command("import", cls=ImportCommand)
@click.argument("format", type=FormatName(), metavar="FORMAT")
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=NonEmptyPath(path_type=Path)
)
@click.option(
    "--follow", is_flag=True, help="Go on and import what is added to the files, until Ctrl-C."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON on stdout.")
@click.option(
    "--reread", is_flag=True, help="Read every file again, also those that were imported before."
)
@click.option(
    "--no-redact", is_flag=True, help="Import secrets as they are, and not as marks in their place."
)
@click.pass_context
def command(
    context: click.Context,
    format: str,
    paths: tuple[Path, ...],
    *,
    follow: bool,
    as_json: bool,
    reread: bool,
    no_redact: bool,
) -> None:
    """Import the transcripts of other programs.

    FORMAT is one of

    \b
        FORMATS

    Other packages can add formats (entry points of the group journal.importers).

    PATH is a file or a folder. Of a folder, the files are read whose names the format's program
    uses (*.jsonl, *.json, also compressed, *.jsonl.zst, and state.db of Hermes), also in folders
    behind symbolic links. The other files are counted by reason; --json names them.

    A second import adds exactly what is new: neither a longer copy of a file, nor parts of one
    session in any order, store a message twice. A file that is unchanged since its import is not
    opened; the report counts it, and --reread reads it again. The journal's folder imports/
    remembers how far each file was imported; it is safe to delete: then all files are read again,
    and what the journal has is not appended again. So it is where a file was moved or has come
    back, or is an export of a database that was imported. A conversation that has no id but its
    path keeps its name where its file is moved, as long as imports/ is there (docs/sources.md says
    how that is decided). If the journal has the id of a message with another content, that is a
    conflict: the first content stays, and the report counts and names the others, and their files.

    Messages that a source marks as retracted (turns rolled back in Codex, prompts rewound in
    Claude Code) are removed from the transcript, and a search still finds them. A rewind to the
    first prompt of a session is not marked in its file, and changes nothing. Messages are in the
    order of their file, also if its clock was set back; one without a readable time gets the time
    of its neighbour, or of its file, and extra.estimated_time marks it.

    A database of Hermes is only read, in one snapshot. Besides new messages, the next import
    records its changes: titles, ends, messages that were compacted, rewound or replaced.
    Sessions that were deleted in Hermes stay in the journal.

    Secrets (keys of providers, tokens, private keys, passwords in URLs, what is assigned to names
    like DB_PASSWORD) are replaced by marks such as [redacted:github-token:1f3a9c] before anything
    is written, and counted by kind. The file redact.toml in the journal's folder adds rules
    (docs/redaction.md). To import again under newer rules is no conflict, but what is stored stays:
    `journal scan` finds what older rules let through.

    What was forgotten (`journal forget`) is not imported again.

    A session whose file or conversation has vanished from the folders of an import, and that no
    other source has, stays in the journal and is marked: `projector sessions --gone` lists it. The
    mark is cleared when a source has the session again.

    What cannot be imported is skipped, counted and named in the report. The report goes to stderr,
    or as JSON to stdout. On a terminal, a bar shows the bytes that were read, the messages, and the
    time that is left. With auto, a file of no known format is an error if PATH names it; in a
    folder it is only named in the report. There is no time limit.

    --follow runs until Ctrl-C, SIGTERM or SIGHUP, then reports and ends with 0. Under nohup, SIGHUP
    is ignored. If the disk is full, it says so, and goes on when there is space.

    JSON: {"files", "unchanged", "sessions", "lines", "messages", "events", "already",
    "redacted": {...}, "forgotten", "gone", "vanished", "returned", "conflicts", "conflicting",
    "conflicts_in": {...}, "skipped": {...}, "skipped_at": {...}, "repaired": {...},
    "passed_over": {...}, "side_files", "unknown", "errors": {...}, "warnings"}

    \b
    Examples:
        journal import auto ~/.claude/projects ~/.codex/sessions
        journal import claude-code ~/.claude/projects --follow
        journal import openai exported.jsonl --json | jq .skipped
        journal import hermes ~/.hermes/state.db
        journal import codex rollout.jsonl --reread

    The exit code is 1 if a file could not be read, and 3 if a PATH does not exist (then nothing
    is imported) or nothing was found to import.
    """  # noqa: D301 - \b is the control character by which click keeps lines apart
    missing = [path for path in paths if not path.exists()]
    if missing:
        names = ", ".join(str(path) for path in missing)
        print_line(f"Error: no such file or folder: {names}; nothing was imported", err=True)
        context.exit(NOT_FOUND)
    report = Report()
    interrupted: KeyboardInterrupt | None = None
    with Journal.open(context.obj, redact=not no_redact) as journal:
        importer = Importer(journal, format, reread=reread, report=report)
        try:
            if follow:
                _follow(importer, paths)
            else:
                _run(importer, paths, progress=not as_json)
        except JournalError as error:
            # what was written before has its report
            report.errors[str(journal.path)] = str(error)
        except KeyboardInterrupt as error:
            interrupted = error
    print_report(report, as_json=as_json, interrupted=interrupted is not None)
    if interrupted is not None:
        raise interrupted
    if report.errors:
        context.exit(FAILED)
    if report.is_empty and not report.unknown and not follow:
        context.exit(NOT_FOUND)


def _run(importer: Importer, paths: Sequence[Path], *, progress: bool) -> None:
    found = importer.sources(paths)
    with shown_progress(importer, found, wanted=progress) as files:
        importer.run(files)


def _follow(importer: Importer, paths: Sequence[Path]) -> None:
    stop = threading.Event()
    with call_on_signals(stop.set):  # what was read is finished and reported
        following.follow(
            importer, paths, stop.wait, caught_up=_print_following, failed=_print_failed
        )


def _print_failed(error: JournalError) -> None:
    print_line(f"Error: {error}; trying again every second", err=True)


def _print_following() -> None:
    print_line("All files are imported; following them (Ctrl-C to stop).", err=True)
