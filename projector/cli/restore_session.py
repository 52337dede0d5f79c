"""`journal restore SESSION --to DIR`: print what was written."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journal.cli.kit.clean import one_line
from journal.cli.kit.exits import exit_codes
from journal.cli.kit.output import print_json, print_line
from journal.errors import JournalOpenError, counted
from journal.fs.directory import open_directory
from journal.fs.location import expanded
from projector.cli.kit.codes import CODES
from projector.cli.show.resume import resume
from projector.projection import Projection
from projector.restore.as_imported import conversation
from projector.restore.restore import restore

if TYPE_CHECKING:
    from projector.restore.restore import Restored


def restore_session(path: Path, name: str, folder: Path, as_json: bool) -> None:  # noqa: FBT001 - `journal restore` calls it so
    """Write a session of the journal at `path` into a folder, and print what was written.

    An error ends the command with its exit code.
    """
    journal = open_directory(path, create=False).path
    with exit_codes(click.get_current_context(), CODES):
        with Projection.open(path) as projection:
            (session, messages), _ = projection.read(lambda db: conversation(db, name))
        done = restore(journal, session, messages, folder)
    # its file is there again
    how = resume(replace(session, gone=None))
    if as_json:
        print_json(asdict(done) | {"resume": None if how is None else how.command})
        return
    print_line(f"{one_line(done.file)}: {counted(done.messages, 'message')} of {done.session}")
    for why, count in done.left_out.items():
        print_line(f"left out: {why}: {count:,}", err=True)
    if done.redacted:
        print_line(f"secrets replaced by marks: {done.redacted:,}", err=True)
    for id in done.changed:
        print_line(f"warning: message {one_line(id)} is not read back as it is stored", err=True)
    if how is None or how.command is None:
        why = "" if how is None else f"; {how.note}"
        print_line(f"The file belongs in {done.folder}{why}", err=True)
        return
    print_line(f"To resume it, {_move(done)}run `{how.command}`", err=True)
    if how.note is not None:
        print_line(f"note: {how.note}", err=True)


def _move(done: Restored) -> str:
    """Return what is to be done with a file before its program finds it; empty if it is there."""
    try:
        folder = expanded(done.folder)
    except JournalOpenError:  # no home folder is known: the folder is printed as it is named
        folder = Path(done.folder)
    if Path(done.file).parent.resolve() == folder.resolve():
        return ""
    missing = "" if folder.is_dir() else ", which is to be made first,"
    return f"move the file into the folder {done.folder}{missing} and "
