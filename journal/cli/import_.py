"""`journal import`: other programs' transcripts into the journal."""

from __future__ import annotations

import inspect
import itertools
import signal
import textwrap
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journal.cli.clean import one_line
from journal.cli.exits import FAILED, NOT_FOUND
from journal.cli.given import GivenPath
from journal.cli.output import console, is_terminal, say, say_json
from journal.cli.streams import end_output
from journal.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from journal.importers.files.walk import Source
    from journal.importers.formats import SourceFormat
    from journal.importers.run.driver import Importer
    from journal.importers.run.report import Report

_NAMED = 10
"""Files of no known format that are named on a terminal."""
_FEW = 3
"""Files that are named for each reason why they were passed over."""
_FAILED = 20
"""Files with an error that are named."""
_FORMATS = "    FORMATS"
"""The line of the help text in whose place the installed formats stand."""
_WIDTH = 80


class FormatName(click.ParamType[str]):
    """The name of an importer that is installed."""

    name = "format"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check a name.

        Raises:
            ImportFailed: its importer is installed, but cannot be loaded.
        """
        from journal.importers.registry import AUTO, installed  # noqa: PLC0415 - only this command needs it

        found = installed()
        if value not in found.names:
            self.fail(f"{value!r} is none of {', '.join(found.names)}", param, ctx)
        if value != AUTO:
            found.named(value)
        return value


class ImportCommand(click.Command):
    """Lists the importers that are installed in its help text."""

    def get_help(self, ctx: click.Context) -> str:
        """Return the help text."""
        self.help = inspect.cleandoc(self.help or "").replace(_FORMATS, _described())
        return super().get_help(ctx)


def _described() -> str:
    """Return the lines of the help text that name the formats."""
    from journal.importers.registry import AUTO, installed  # noqa: PLC0415 - the same

    found = installed()
    about = {format.name: _about(format) for format in found.formats}
    about |= found.broken | {AUTO: "each file is what its first lines say it is"}
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
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=GivenPath(path_type=Path))
@click.option("--follow", is_flag=True, help="Go on importing as files grow, until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON on stdout.")
@click.option("--reread", is_flag=True, help="Append all of it again, known or not.")
@click.pass_context
def import_command(
    context: click.Context,
    format: str,
    paths: tuple[Path, ...],
    *,
    follow: bool,
    as_json: bool,
    reread: bool,
) -> None:
    """Import the transcripts of other programs.

    FORMAT is one of

    \b
        FORMATS

    Other packages may bring formats, as entry points of the group journal.importers.

    PATH is a file, or a folder of which every file is read that the format's program
    names so (*.jsonl, *.json, also compressed, *.jsonl.zst, and state.db of Hermes),
    and where a symbolic link leads to another folder.
    What a folder holds beside them is counted by reason, and --json names it.

    Importing again adds exactly what is new: a longer copy of a file, or parts of one
    session in any order, never make a message appear twice. How far each file was
    imported is remembered in the journal's folder imports/; it is safe to delete.
    A message whose id the journal has with another content is a conflict: the first
    one stands, and the report counts and names the others.

    What a source marks as taken back (turns rolled back in Codex, prompts rewound in
    Claude Code) leaves the transcript and is still found. Messages are read in the
    order of their file, also where its clock stepped back; one without a readable
    time gets that of its neighbour, and extra.timestamp_estimated says so.

    A database of Hermes is only read, in one snapshot. Beside what is new, the next
    import tells what has changed in it: titles, ends, messages that were compacted,
    taken back or replaced. Sessions that Hermes has deleted stay in the journal.

    What cannot be imported is skipped, counted and named in the report, which goes to
    stderr, or as JSON to stdout. With auto, a file of no known format is an error if its
    own path is given, and is only named in the report if it was met in a folder.

    \b
    Examples:
        journal import auto ~/.claude/projects ~/.codex/sessions
        journal import claude-code ~/.claude/projects --follow
        journal import openai exported.jsonl --json | jq .skipped
        journal import hermes ~/.hermes/state.db
        journal import codex rollout.jsonl --reread

    Exit status: 0 if all files were read, 1 if one could not be, 2 for an unknown
    FORMAT, 3 if a PATH does not exist (then nothing is imported) or if there is
    nothing in them to import.
    """  # noqa: D301 - \b is the control character by which click keeps lines apart
    missing = [path for path in paths if not path.exists()]
    if missing:
        names = ", ".join(str(path) for path in missing)
        say(f"Error: no such file or folder: {names}; nothing was imported", err=True)
        context.exit(NOT_FOUND)
    # loaded here: `journal append` must not pay for what an import needs
    from journal.importers.run.driver import Importer  # noqa: PLC0415
    from journal.importers.run.report import Report  # noqa: PLC0415
    from journal.writer import Journal  # noqa: PLC0415

    report = Report()
    interrupted: KeyboardInterrupt | None = None
    with Journal.open(context.obj) as journal:
        importer = Importer(journal, format, reread=reread, report=report)
        try:
            if follow:
                _follow(importer, paths)
            else:
                _run(importer, paths)
        except JournalError as error:
            # what was written until then is worth its report
            report.errors[str(journal.path)] = str(error)
        except KeyboardInterrupt as error:
            interrupted = error
    _tell(report, as_json=as_json, interrupted=interrupted is not None)
    if interrupted is not None:
        raise interrupted
    if report.errors:
        context.exit(FAILED)
    if report.is_empty and not report.unknown and not follow:
        context.exit(NOT_FOUND)


def _run(importer: Importer, paths: Sequence[Path]) -> None:
    found = importer.sources(paths)
    with _progress(found) as step:
        importer.step = step
        importer.run(found)


def _follow(importer: Importer, paths: Sequence[Path]) -> None:
    from journal.importers.run.following import follow  # noqa: PLC0415 - only `--follow` needs it

    with _until_interrupted() as stop:
        follow(importer, paths, stop.wait, caught_up=_say_following)


def _say_following() -> None:
    say("All that was there is imported; following (interrupt to stop).", err=True)


@contextmanager
def _until_interrupted() -> Iterator[threading.Event]:
    """Turn SIGINT and SIGTERM into an event: what was read is finished and reported."""
    stop = threading.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in signals]
    try:
        yield stop
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def _progress(found: Sequence[Source]) -> Iterator[Callable[[Source, int], None]]:
    """Show a bar of the bytes read; on a terminal only."""
    if not is_terminal(err=True):
        yield lambda _source, _offset: None
        return
    from rich.markup import escape  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import Progress  # noqa: PLC0415

    sizes = {source.path: _size(source.path) for source in found}
    with Progress(console=console(), transient=True) as progress:
        task = progress.add_task("Importing", total=sum(sizes.values()))
        done = 0
        current: Path | None = None

        def step(source: Source, offset: int) -> None:
            nonlocal done, current
            if current is not None and source.path != current:
                done += sizes[current]
            current = source.path
            # brackets in a name would be taken for a style, or for the end of one
            name = escape(one_line(source.path.name)[:40])
            progress.update(task, completed=done + offset, description=name)

        yield step


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # gone by now: the import itself says so


def _tell(report: Report, *, as_json: bool, interrupted: bool) -> None:
    """Give the report; whether anybody reads it changes nothing about what was imported."""
    try:
        if not as_json:
            _show(report)
        _show_errors(report)
        if report.is_empty:
            say(f"Nothing was imported: {_why_nothing(report)}", err=True)
        if interrupted:
            text = "Interrupted: what is counted is written; import again for the rest."
            say(text, err=True)
        if as_json:
            say_json(report.as_json(), indent=True)
    except BrokenPipeError:
        end_output()


def _show(report: Report) -> None:
    rows = list(report.rows())
    width = max(len(name) for name, _ in rows)
    digits = max(len(count) for _, count in rows)
    for name, count in rows:
        say(f"{name:<{width}}  {count:>{digits}}", err=True)
    for reason, paths in report.passed_over.items():
        for name in paths[:_FEW]:
            say(f"passed over: {name}: {reason}", err=True)
    for name in report.conflicting[:_NAMED]:
        say(f"conflict: {name} is there with another content, which stands", err=True)
    for name in report.unknown[:_NAMED]:
        say(f"no known format: {name}", err=True)
    if len(report.unknown) > _NAMED:
        more = len(report.unknown) - _NAMED
        say(f"no known format: {more:,} more; --json names them all", err=True)


def _why_nothing(report: Report) -> str:
    """Say what an import that found nothing did find."""
    if report.errors:
        return "no file could be read"
    if report.files:
        return f"no message in {report.files:,} file{'s' if report.files != 1 else ''}"
    others = len(report.unknown)
    if others:
        return f"no transcript, and {others:,} file{'s' if others != 1 else ''} of no known format"
    return "no transcript was found"


def _show_errors(report: Report) -> None:
    for name, why in itertools.islice(report.errors.items(), _FAILED):
        say(f"Error: {name}: {why}", err=True)
    if len(report.errors) > _FAILED:
        more = len(report.errors) - _FAILED
        say(f"Error: {more:,} more files; --json names them all", err=True)
