"""What holds text beside the lanes and the generation in use, and can be deleted at any time.

It is removed after a request came into force: old generations and builds that died, with their WAL,
databases of other versions, and drafts that killed processes left. How far sources were imported
stays: without it the next import would append everything again. It names no session that was
forgotten as a whole.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from contextlib import ExitStack
from typing import TYPE_CHECKING

from journal.fs import disk
from journal.fs.files import is_draft, sync_folder
from journal.importers.registry import installed
from journal.importers.run.ledger import Ledger
from projector.db.connections import SUFFIXES
from projector.db.generations import find_parts, generations, part_folder
from projector.db.process_lock import ProcessLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from journal.fs.directory import Directory

IMPORTS = "imports"
"""The folder in which importers keep how far sources were imported."""
HINTS = frozenset(("keys", "requests", "unsure"))
"""Files in it that are no entries of the ledger: hashes, names of segments, and a boot."""
_PATIENCE = 600.0
"""Seconds to wait for a build: its database is not published yet, and is left alone meanwhile."""
DATABASE = re.compile(
    rf"[0-9]{{1,16}}\.db(?:{'|'.join(re.escape(suffix) for suffix in SUFFIXES if suffix)})?"
)
"""Names of the files of a database."""


def remove_leftovers(journal: Directory, is_forgotten: Callable[[str], bool]) -> None:
    """Remove all files that are no longer needed and can hold what was forgotten.

    Readers that run on an old generation end their query on it.

    Args:
        journal: the journal.
        is_forgotten: returns whether a session was forgotten as a whole, given its id.

    Raises:
        ProjectorBusy: a build runs for longer than ten minutes.
        ProjectionError: the projection cannot be used.
        OSError: the file system refuses.
    """
    Ledger(journal.path / IMPORTS).prune(installed().formats, is_forgotten)
    parts = (part_folder(journal.path, part) for part in find_parts(journal.path))
    several = [generations(base) for base in (journal.path, *parts)]
    with ExitStack() as stack:
        for kept in several:
            stack.enter_context(ProcessLock(kept.build_lock).held(_PATIENCE))
        found = list(_leftovers(journal, [kept.path(kept.in_use()) for kept in several]))
        for path in found:
            with contextlib.suppress(FileNotFoundError):  # SQLite removes a WAL by itself
                disk.in_use.unlink(path)
        for folder in {path.parent for path in found}:
            sync_folder(folder)


def databases(journal: Directory) -> set[Path]:
    """Return the databases below the journal's folder, the one in use included."""
    return {path for path in _projection_files(journal) if path.name.endswith(".db")}


def _projection_files(journal: Directory) -> Iterator[Path]:
    projection = journal.path / "projection"
    # an older version of this program has a folder of its own in it
    for folder in (projection, *_folders(projection)):
        yield from _files(folder)


def _leftovers(journal: Directory, in_use: Sequence[Path]) -> Iterator[Path]:
    yield from (path for path in _files(journal.path) if is_draft(path.name))
    for path in _projection_files(journal):
        is_used = any(
            path.parent == used.parent and path.name.startswith(used.name) for used in in_use
        )
        if is_draft(path.name) or (DATABASE.fullmatch(path.name) is not None and not is_used):
            yield path
    for path in _files(journal.path / IMPORTS):
        # the marks of all messages: they are made again from the lanes
        if is_draft(path.name) or path.name == "keys":
            yield path


def _files(folder: Path) -> Iterator[Path]:
    return _entries(folder, stat.S_ISREG)


def _folders(folder: Path) -> Iterator[Path]:
    return _entries(folder, stat.S_ISDIR)


def _entries(folder: Path, is_wanted: Callable[[int], bool]) -> Iterator[Path]:
    """Yield the entries of a folder of one kind, never through a link; none if it is missing."""
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    for name in names:
        path = folder / name
        with contextlib.suppress(FileNotFoundError):
            if is_wanted(path.lstat().st_mode):
                yield path
