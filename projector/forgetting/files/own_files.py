"""Which files below a journal's folder are the journal's own.

Others are not read, so nothing is known of what is in them: a copy of a segment that a person made
beside it can hold what was forgotten.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from journal.arbiter import QUEUE
from journal.fs.files import is_draft
from journal.fs.queue import TICKET
from journal.importers.run.ledger import ENTRY
from journal.redact.quick import RULES_FILE
from journal.segments.segment import segment_number
from projector.forgetting.files.leftovers import DATABASE, HINTS, IMPORTS
from projector.forgetting.retention import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from journal.fs.directory import Directory

_OF_JOURNAL = {"journal.json", "arbiter", "eraser", "key", RULES_FILE, NAME, "sink.toml"}
_OF_LANE = {"lock", "retired", "roll"}
_OF_PROJECTION = {"lock", "build.lock", "CURRENT", "sink.json"}
_OF_RELAY = {
    *("config.toml", "former", "lock", "machine"),
    *("machines.json", "state.db", "state.db-shm", "state.db-wal"),
}
"""Files that hold nothing that was appended, except for the names that the policy pins."""


def foreign_files(journal: Directory) -> tuple[str, ...]:
    """Return what is below a journal's folder and is none of its own, relative to it, sorted.

    A folder that cannot be listed is one of them.
    """
    found: list[str] = []

    def note(path: Path) -> None:
        found.append(str(path.relative_to(journal.path)))

    for path in files_below(journal.path, lambda error: note(Path(error.filename))):
        with contextlib.suppress(FileNotFoundError):  # a draft, or the WAL of SQLite
            # a draft is of a process that is at work, or is removed by the next erasure
            if not is_draft(path.name) and why_not_own(journal, path) is not None:
                note(path)
    return tuple(sorted(found))


def why_not_own(journal: Directory, path: Path) -> str | None:
    """Return why a file is none of the journal's, or cannot be checked; None if it is one of them.

    Args:
        journal: the journal.
        path: a file below its folder.

    Raises:
        FileNotFoundError: it is gone.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        return "it is a link, or no regular file"
    if is_draft(path.name):
        return "it is a draft that a process left: `journal forget --finish`"
    if DATABASE.fullmatch(path.name) is not None:
        database = path.with_name(f"{path.name.partition('.')[0]}.db")
        is_left = path.exists() and not database.exists()
        return "it is of a database that is not there" if is_left else None
    is_segment = path.parent.parent == journal.lanes and segment_number(path.name) is not None
    is_ticket = path.parent == journal.path / QUEUE and TICKET.fullmatch(path.name) is not None
    is_import = path.parent == journal.path / IMPORTS and (
        path.name in HINTS or ENTRY.fullmatch(path.name) is not None
    )
    if is_segment or is_import or is_ticket:
        return None
    return None if path.name in _own(journal, path.parent) else "it is none of the journal's files"


def _own(journal: Directory, folder: Path) -> set[str]:
    if folder == journal.path:
        return _OF_JOURNAL
    if folder.parent == journal.lanes:
        return _OF_LANE
    if folder == journal.path / "relay":
        return _OF_RELAY
    is_projection = folder.is_relative_to(journal.path / "projection")
    return _OF_PROJECTION if is_projection else set()


def files_below(folder: Path, on_error: Callable[[OSError], None]) -> Iterator[Path]:
    """Yield everything below a folder that is no folder, never through a link.

    Args:
        folder: the folder.
        on_error: called for each folder that cannot be listed.
    """
    for root, folders, names in os.walk(folder, onerror=on_error):
        links = [name for name in folders if Path(root, name).is_symlink()]
        yield from (Path(root, name) for name in sorted([*names, *links]))
