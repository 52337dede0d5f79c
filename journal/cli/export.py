"""`journal export`: a journal in the format of another program."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from journal.cli.clean import one_line
from journal.cli.output import say, say_block
from journal.errors import ExportFailed, reason
from journal.fs.directory import open_directory
from journal.fs.lock import lock
from journal.fs.ownership import open_own
from journal.process.fork import no_fork

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.metadata import EntryPoint

_GROUP = "journal.exporters"


class Exporter(Protocol):
    """What an entry point of the group `journal.exporters` names."""

    def __call__(self, journal: Path, file: Path, target: Path) -> Mapping[str, int]:
        """Fill an empty file with what a journal holds.

        Args:
            journal: folder of the journal.
            file: the file.
            target: where it will stand.

        Returns:
            What was written, and what could not be as it is, by what to call it.

        Raises:
            JournalError: it cannot be done.
        """


def _list(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click calls it so
    if value:
        for point in _installed().values():
            say_block(f"{one_line(point.name)}\t{one_line(point.value)}")
        context.exit()


@click.command("export")
@click.option(
    "--list",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_list,
    help="Print the formats that are installed, and where each comes from.",
)
@click.argument("format", metavar="FORMAT")
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.pass_context
def export_command(context: click.Context, format: str, out: Path) -> None:
    """Write a journal as the file of another program.

    FORMAT is the name of an exporter that is installed. This project brings

    \b
        hermes        a state.db for hermes-agent 0.13 or later: sessions,
                      messages, titles, tokens, parents, settings and topics.
                      It has the tables of 0.13, and the columns of 0.19 if
                      there is anything to put into them.

    OUT is a new file. One that is there is never written over; OUT appears when it is whole.
    The journal stays as it is, and programs may go on writing to it: what is exported is what
    stood in it when the export began.

    \b
    Examples:
        journal export hermes state.db
        journal --journal ~/.hermes/state.journal export hermes /tmp/state.db
        journal export --list

    Other packages may bring formats, as entry points of the group journal.exporters.

    Exit status: 0 if OUT was written, 1 if it is there already or cannot be written, 2 for an
    unknown FORMAT, 3 if there is no journal.
    """  # noqa: D301 - \b is the control character by which click keeps lines apart
    installed = _installed()
    if format not in installed:
        names = ", ".join(installed) or "none"
        raise click.BadParameter(
            f"{format!r} is none that is installed ({names})", param_hint="FORMAT"
        )
    if os.path.lexists(out):
        raise ExportFailed(f"{out} exists; name a file that does not, or move it away first")
    journal = open_directory(context.obj, create=False)
    export: Exporter = installed[format].load()
    with _beside(out) as file:
        counts = export(journal.path, file, out)
        _publish(file, out)
    for name, count in counts.items():
        say(f"{name}: {count:,}", err=True)


def _installed() -> dict[str, EntryPoint]:
    """Return the exporters that are installed, by name."""
    found = sorted(entry_points(group=_GROUP), key=lambda point: point.name)
    return {point.name: point for point in found}


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """Make an empty file in the same folder, which only its owner can read; it goes at the end.

    It is locked as long as it is in use. What an export left that was killed is not, and goes now.
    """
    file = out.with_name(f".{out.name}.{secrets.token_hex(4)}.tmp")
    draft = re.compile(rf"\.{re.escape(out.name)}\.[0-9a-f]{{8}}\.tmp")
    held = None
    try:
        try:
            for name in filter(draft.fullmatch, os.listdir(out.absolute().parent)):
                _sweep(out.with_name(name))
            with no_fork.turn:
                held = lock(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except OSError as error:
            folder = out.absolute().parent
            raise ExportFailed(f"cannot write in {folder}: {reason(error)}") from error
        yield file
    finally:
        _remove(file)
        if held is not None:
            os.close(held)


def _sweep(left: Path) -> None:
    """Remove a file that an export made which is dead; one that is alive holds its lock."""
    try:
        with no_fork.turn:
            held = lock(open_own(left))
    except OSError:  # somebody else's, or gone by now
        return
    if held is not None:
        _remove(left)
        os.close(held)


def _remove(file: Path) -> None:
    """Remove a file, and what SQLite makes beside one."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _publish(file: Path, out: Path) -> None:
    """Give a whole file its name, unless somebody else took that meanwhile; make both durable."""
    try:
        _sync(file)
        _name(file, out)
        _sync(out.absolute().parent)
    except FileExistsError as error:
        raise ExportFailed(f"{out} exists by now; it was left as it is") from error
    except OSError as error:
        raise ExportFailed(f"cannot write {out}: {reason(error)}") from error


def _name(file: Path, out: Path) -> None:
    """Rename a file, but not over another."""
    try:
        out.hardlink_to(file)
    except FileExistsError:
        raise
    except OSError:  # a file system without second names
        if os.path.lexists(out):
            raise
        file.rename(out)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
