"""`journal export`: a journal in the format of another program."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from journal.cli.kit.clean import one_line
from journal.cli.kit.output import print_block, print_line
from journal.cli.kit.paths import NonEmptyPath
from journal.cli.kit.plugins import PluginError, installed, load_plugin
from journal.errors import ExportFailed, reason
from journal.fs.directory import open_directory
from journal.fs.drafts import is_held, remove_left
from journal.fs.lock import lock
from journal.process.fork import no_fork
from journal.redact.setup import way_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from importlib.metadata import EntryPoint

_GROUP = "journal.exporters"


class Exporter(Protocol):
    """The function that an entry point of the group `journal.exporters` names."""

    def __call__(
        self, journal: Path, file: Path, target: Path, *, redact: Callable[[str], str] | None
    ) -> Mapping[str, int]:
        """Write a journal into an empty file.

        Args:
            journal: folder of the journal.
            file: the file.
            target: the path that it gets when it is complete.
            redact: returns a text without secrets, JSON as JSON; None to write texts as they are.

        Returns:
            Counts of what was written, and of what was changed or left out, by their names.

        Raises:
            JournalError: the journal cannot be exported.
        """


def _list(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click calls it so
    if value:
        points, refused = installed(_GROUP)
        for point in points.values():
            print_block(f"{one_line(point.name)}\t{one_line(point.value)}")
        _warn(refused)
        context.exit()


@click.command("export")
@click.option(
    "--list",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_list,
    help="Print the installed formats, and the entry point of each.",
)
@click.argument("format", metavar="FORMAT")
@click.argument("out", metavar="OUT", type=NonEmptyPath(path_type=Path))
@click.option(
    "--no-redact", is_flag=True, help="Write all texts as they are in the journal, with secrets."
)
@click.pass_context
def command(context: click.Context, format: str, out: Path, *, no_redact: bool) -> None:
    """Write a journal as the file of another program.

    FORMAT is the name of an exporter that is installed. This project has

    \b
        hermes        a state.db for hermes-agent 0.13 or later: sessions,
                      messages, titles, tokens, parents, settings and topics.
                      It has the tables of 0.13, and those columns of 0.19
                      that the journal has values for.

    OUT is a new file. An existing file is never overwritten; OUT appears when it is complete. The
    journal is not changed, and programs may write to it meanwhile: the file has what the journal
    held when the export began. There is no time limit.

    Secrets in texts are replaced by marks, by the rules of today and those in redact.toml: the
    journal may hold what older rules did not find.

    \b
    Examples:
        journal export hermes state.db
        journal --journal ~/.hermes/state.journal export hermes /tmp/state.db
        journal export --list

    Other packages can add formats (entry points of the group journal.exporters).

    The exit code is 1 if OUT exists or cannot be written, 2 for an unknown FORMAT, and 3 if there
    is no journal.
    """  # noqa: D301 - \b is the control character by which click keeps lines apart
    points, refused = installed(_GROUP)
    if format not in points:
        names = ", ".join(points) or "none"
        raise click.BadParameter(
            f"{format!r} is not an installed format (installed: {names})", param_hint="FORMAT"
        )
    if os.path.lexists(out):
        raise ExportFailed(f"{out} exists; name a file that does not, or move it away first")
    journal = open_directory(context.obj, create=False)
    _warn(error for error in refused if error.point.name == format)
    export = _load(points[format], redacts=not no_redact)
    options = {} if no_redact else {"redact": way_out(journal.path).text}
    with _beside(out) as file:
        counts = export(journal.path, file, out, **options)
        if not isinstance(counts, Mapping):
            why = f"it returned a {type(counts).__name__}, not a mapping of counts"
            raise PluginError(points[format], why)
        _publish(file, out)
    for name, count in counts.items():
        print_line(f"{name}: {count:,}", err=True)


def _warn(refused: Iterable[PluginError]) -> None:
    """Name exporters that are not used because another one has their name."""
    for error in refused:
        print_line(f"warning: {error.format_message()}", err=True)


def _load(point: EntryPoint, *, redacts: bool) -> Callable[..., object]:
    """Import an `Exporter`; what it returns is checked at the call.

    Raises:
        PluginError: it cannot be imported, or is no function, or it has to redact and cannot.
    """
    found = load_plugin(point)
    if not callable(found):
        raise PluginError(point, f"its type is {type(found).__name__}, not a function")
    if redacts and "redact" not in signature(found).parameters:
        raise PluginError(point, "it cannot redact secrets; use it with --no-redact")
    return found


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """Create an empty file in the same folder, readable by its owner only; remove it at the end.

    It is locked while it is in use. One that is not locked was left by an export that was killed,
    and is removed.
    """
    file = out.with_name(f".{out.name}.{secrets.token_hex(4)}.tmp")
    draft = re.compile(rf"\.{re.escape(out.name)}\.[0-9a-f]{{8}}\.tmp")
    held = None
    try:
        try:
            for name in filter(draft.fullmatch, os.listdir(out.absolute().parent)):
                remove_left(out.with_name(name), _remove)
            with no_fork.turn:
                held = lock(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            if held is None or not is_held(file, held):
                raise ExportFailed(f"another export to {out} began in the same moment; try again")
        except OSError as error:
            folder = out.absolute().parent
            raise ExportFailed(f"cannot write in {folder}: {reason(error)}") from error
        yield file
    finally:
        _remove(file)
        if held is not None:
            os.close(held)


def _remove(file: Path) -> None:
    """Remove a file, and the files that SQLite makes beside it."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _publish(file: Path, out: Path) -> None:
    """Give a complete file its name unless that is taken by now; sync file and folder."""
    try:
        _sync(file)
        _name(file, out)
        _sync(out.absolute().parent)
    except FileExistsError as error:
        raise ExportFailed(
            f"{out} was made meanwhile by another program; it was left as it is"
        ) from error
    except OSError as error:
        raise ExportFailed(f"cannot write {out}: {reason(error)}") from error


def _name(file: Path, out: Path) -> None:
    """Rename a file, unless the name exists."""
    try:
        out.hardlink_to(file)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(out):
            raise
        file.rename(out)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
