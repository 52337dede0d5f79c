"""Restores a backup: as a new journal, or the records that its journal lacks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.backup.missing import find_missing
from journal.backup.new_journal import make_journal
from journal.backup.place import open_backup
from journal.backup.requests import requests_in
from journal.erasure.receipts import find_lost_requests
from journal.erasure.requests import Forgotten, read_requests
from journal.errors import BackupFailed, reason
from journal.fs.directory import MARK, open_directory
from journal.fs.key_file import add_keys, read_keys
from journal.fs.location import locate
from journal.fs.ownership import check_folder
from journal.lanes.restore import restore

if TYPE_CHECKING:
    from pathlib import Path

    from journal.backup.place import Backup


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """The result of a restore.

    Attributes:
        path: folder of the journal.
        journal: its uuid.
        is_new: whether the journal was made by this.
        segments: segments that were copied; 0 if the journal was there.
        bytes: their bytes.
        events: records that the journal lacked and that were written to it; 0 if it is new.
        lane: name of the folder that they were written to; empty if none were.
        forgotten: records of the backup that were left out, in whole or in part, because a request
            to forget names them.
        requests: requests to forget among the records: what they name is hidden in the journal from
            now on, and its bytes stay until the next erasure; 0 if it is new.
        unknown_keys: ids of keys that requests name and that neither backup nor journal has: what
            these requests forget is unknown.
        lost_requests: ids of requests to forget of which the journal has only the receipt.
    """

    path: Path
    journal: str
    is_new: bool
    segments: int
    bytes: int
    events: int
    lane: str
    forgotten: int
    requests: int
    unknown_keys: tuple[str, ...]
    lost_requests: tuple[str, ...]


def restore_backup(
    folder: str | os.PathLike[str], journal: str | os.PathLike[str]
) -> RestoreReport:
    """Restore a backup.

    If there is no journal, it is created from the backup, with every byte and with its uuid. It
    appears when it is complete. Writers begin new lanes in it, because its old ones may continue
    elsewhere.

    If the journal of the backup exists, the records and keys that it lacks are added to it; the
    records get their own folder. Nothing is overwritten. Processes may write during the restore.

    What a request to forget names, in the backup or in the journal, is not restored. A restore can
    be repeated after any failure.

    Args:
        folder: the folder of the backup.
        journal: the journal's folder; it may be new or empty.

    Raises:
        BackupDamaged: the backup is damaged; nothing was restored.
        BackupFailed: there is no backup, or it is one of another journal, or the journal's folder
            holds something else or cannot be written.
        JournalOpenError: the journal cannot be opened.
        AppendError: the file system refused; what was written to the journal before stays.
        LeaseError: no folder for the records could be made.
        ReadError: a lane of the journal cannot be read.
    """
    backup = open_backup(folder)
    target = locate(journal)
    if backup.path in (target, *target.parents):
        raise BackupFailed(
            f"{target} is in the backup {backup.path}: restore to a folder outside of it, named"
            " with --journal or JOURNAL_DIR"
        )
    try:
        if os.path.lexists(target / MARK):
            return _add(backup, target)
        _check_empty(target)
        forgotten = Forgotten(requests_in(backup), backup.keys)
        left_out = make_journal(backup, target, forgotten)
    except OSError as error:
        raise BackupFailed(
            f"cannot restore to {target}: {reason(error)}. Repeat it when the cause is removed"
        ) from error
    segments = backup.manifest.segments
    return RestoreReport(
        path=target,
        journal=backup.manifest.journal,
        is_new=True,
        segments=len(segments),
        bytes=sum(copied.size for copied in segments),
        events=0,
        lane="",
        forgotten=left_out,
        requests=0,
        unknown_keys=forgotten.unknown_keys,
        lost_requests=find_lost_requests(open_directory(target)),
    )


def _check_empty(target: Path) -> None:
    if not os.path.lexists(target):
        return
    check_folder(target)
    for name in os.listdir(target):
        raise BackupFailed(
            f"{target} is no journal and not empty (it holds {name!r}): restore to a new folder,"
            " named with --journal or JOURNAL_DIR"
        )


def _add(backup: Backup, target: Path) -> RestoreReport:
    """Add the missing records and keys to a journal."""
    directory = open_directory(target)
    if directory.uuid != backup.manifest.journal:
        raise BackupFailed(
            f"{backup.path} is a backup of journal {backup.manifest.journal}, and {target} is"
            f" {directory.uuid}: restore it to a new folder, named with --journal or JOURNAL_DIR"
        )
    if backup.keys:
        add_keys(directory.path, backup.keys)  # before the records that need them
    known = read_requests(directory)
    added = [request for request in requests_in(backup) if not known.knows(request)]
    forgotten = Forgotten([*known.requests, *added], read_keys(directory.path))
    missing = find_missing(backup, directory, forgotten)
    lane, events = "", 0
    if missing:
        folder, events = restore(directory, missing.records())
        lane = folder.name
    return RestoreReport(
        path=target,
        journal=directory.uuid,
        is_new=False,
        segments=0,
        bytes=0,
        events=events,
        lane=lane,
        forgotten=missing.left_out,
        requests=len(added),
        unknown_keys=forgotten.unknown_keys,
        lost_requests=find_lost_requests(directory),
    )
