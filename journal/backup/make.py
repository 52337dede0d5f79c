"""Make a backup of a journal, or bring one up to date, while processes write to the journal."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from journal.backup.copier import Copier, Differs, sweep
from journal.backup.cut import Rewritten, check_unchanged, identify, list_all, list_one
from journal.backup.manifest import MANIFEST, Copied, Manifest, read_manifest
from journal.backup.place import located
from journal.errors import BackupFailed, JournalOpenError, reason
from journal.fs import disk
from journal.fs.directory import KEY_FILE, LANES, open_directory
from journal.fs.files import make_folders, sweep_drafts, sync_above
from journal.fs.key_file import add_keys, read_keys
from journal.fs.lock import lock
from journal.process import clock
from journal.process.fork import no_fork

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.backup.cut import Source
    from journal.fs.directory import Directory
    from journal.segments.listing import SegmentRef

_LOCK = "lock"
_OURS = {MANIFEST, KEY_FILE, LANES, _LOCK}
_ROUNDS = 100
"""Listings of one lane, each because a segment was rewritten since the one before, until that is an
error."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A copy that was kept although the segment in the journal is missing or differs.

    Attributes:
        folder: name of the lane's folder.
        number: number of the segment.
        why: `missing`: the journal has no such segment; `differs`: its bytes are others, or fewer.
    """

    folder: str
    number: int
    why: Literal["missing", "differs"]


@dataclass(frozen=True, slots=True)
class BackupReport:
    """The content of a backup, and what was done.

    Attributes:
        path: folder of the backup.
        journal: uuid of the journal.
        began: when it began, microseconds since 1970.
        segments: segments in it.
        bytes: their bytes.
        written: bytes of segments that were written this time.
        removed: number of copies that were removed because an erasure replaced their segments.
        kept: copies that differ from the journal, which lost or changed these bytes.
    """

    path: Path
    journal: str
    began: int
    segments: int
    bytes: int
    written: int
    removed: int
    kept: tuple[Kept, ...]


def make_backup(journal: str | os.PathLike[str], folder: str | os.PathLike[str]) -> BackupReport:
    """Copy a journal into a folder, with its keys; again into the same folder, only what is new.

    Processes may write during the backup, and do not wait for it. All events that were acknowledged
    before the call are in the backup; of each lane it has the records from the first one on,
    without a gap. At each moment, also after a crash, the folder has the earlier backup or the new
    one.

    A segment that erasure replaced is replaced in the backup, too, and its old bytes are removed.
    Other copies are never removed: if the journal lost or changed bytes, the report names the
    copies that still have them.

    Args:
        journal: the journal's folder.
        folder: a new or empty folder, or that of an earlier backup of the journal.

    Raises:
        NotAJournalError: there is no journal.
        JournalOpenError: the journal or its keys cannot be read.
        ReadError: a lane cannot be read.
        BackupDamaged: the manifest of the earlier backup is damaged.
        BackupFailed: the folder cannot be written, or holds something else; the backup that was in
            it is unchanged.
    """
    directory = open_directory(journal, create=False)
    target = located(folder)
    if directory.path in (target, *target.parents):
        raise BackupFailed(
            f"{target} is in the journal {directory.path}: give a folder outside of it"
        )
    try:
        make_folders(target)
        with _held(target):
            return _Making(directory, target).run()
    except OSError as error:
        raise BackupFailed(
            f"cannot write the backup in {target}: {reason(error)}; what was there is"
            " unchanged. Repeat it when the cause is removed"
        ) from error


@contextmanager
def _held(target: Path) -> Iterator[None]:
    """Check that a folder is a backup or can become one, and lock it against other backups."""
    names = os.listdir(target)
    if MANIFEST not in names:
        for name in names:
            if name not in _OURS and not name.startswith("."):
                raise BackupFailed(
                    f"{target} is no backup and not empty (it holds {name!r});"
                    " give a new or an empty folder"
                )
    with no_fork.turn:
        held = lock(disk.in_use.open_lock(target / _LOCK))
    if held is None:
        raise BackupFailed(f"another backup to {target} runs: wait until it has ended")
    try:
        yield
    finally:
        os.close(held)


class _Making:
    """One backup; the folder is locked."""

    def __init__(self, directory: Directory, target: Path) -> None:
        self._directory = directory
        self._target = target
        self._lanes = target / LANES
        self._copier = Copier(self._lanes)
        self._known: dict[tuple[str, int, str], Copied] = {}
        self._superseded: set[str] = set()
        self._differing: list[Source] = []

    def run(self) -> BackupReport:
        """Copy, and replace the manifest; return the report."""
        began = clock.wall()
        before = self._before()
        sweep_drafts(self._target)
        sweep(self._lanes, _files(before))
        self._known = {copied.place: copied for copied in before}
        copies = self._copy_all()
        missing = self._missing(before, copies)
        ids = self._copy_keys()  # after the copies, because records in them may need a new key
        self._copier.sync()
        sync_above(self._target)
        segments = tuple(sorted([*copies, *missing], key=lambda copied: copied.place))
        made = Manifest(self._directory.uuid, self._directory.format, began, ids, segments)
        made.write(self._target)
        removed = sweep(self._lanes, _files(segments))
        kept = [Kept(*place[:2], "missing") for place in sorted(old.place for old in missing)]
        kept += [Kept(source.ref.lane, source.ref.number, "differs") for source in self._differing]
        return BackupReport(
            path=self._target,
            journal=made.journal,
            began=began,
            segments=len(segments),
            bytes=sum(copied.size for copied in segments),
            written=self._copier.written,
            removed=removed,
            kept=tuple(kept),
        )

    def _before(self) -> tuple[Copied, ...]:
        """Return the earlier backup's copies; none if there is no earlier backup."""
        if not os.path.lexists(self._target / MANIFEST):
            return ()
        before = read_manifest(self._target)
        if before.journal != self._directory.uuid:
            raise BackupFailed(
                f"{self._target} is a backup of journal {before.journal}, and"
                f" {self._directory.path} is {self._directory.uuid}: give another folder"
            )
        return before.segments

    def _copy_keys(self) -> tuple[str, ...]:
        """Add the journal's keys to the backup; return the ids of all that are in it."""
        keys = read_keys(self._directory.path)
        try:
            if keys:
                add_keys(self._target, keys)
            return tuple(key.id for key in read_keys(self._target))
        except JournalOpenError as error:
            raise BackupFailed(f"{error}; the backup that was there is unchanged") from error

    def _copy_all(self) -> list[Copied]:
        """Copy all lanes up to the sizes that they have now; return the copies."""
        copies = []
        for name, refs in list_all(self._directory.lanes).items():
            copies += self._copy_lane(self._directory.lanes / name, refs)
        return copies

    def _copy_lane(self, folder: Path, refs: list[SegmentRef]) -> list[Copied]:
        """Copy one lane; list it again, and copy what is new, if a segment was rewritten."""
        for _ in range(_ROUNDS):
            differing: list[Source] = []
            try:
                lane = identify(refs)
                found = [self._copy(source, differing) for source in lane.sources]
                check_unchanged(folder, lane.sources)
            except Rewritten:
                refs = list_one(folder)
                continue
            self._superseded |= lane.superseded
            self._differing += differing
            return [copied for copied in found if copied is not None]
        raise BackupFailed(
            f"segments in {folder} are rewritten again and again: wait until erasure has ended, and"
            " do it again"
        )

    def _copy(self, source: Source, differing: list[Source]) -> Copied | None:
        old = self._known.get(source.place)
        try:
            copied = self._copier.copy(source, old)
        except Differs:
            differing.append(source)
            return old
        if copied is not None:
            self._known[source.place] = copied
        return copied

    def _missing(self, before: tuple[Copied, ...], copies: list[Copied]) -> list[Copied]:
        """Return earlier copies whose segments are missing in the journal without an explanation.

        A missing segment is explained if another one supersedes it, or if it was moved.
        """
        places = {(copied.folder, copied.number) for copied in copies}
        sizes: dict[str, int] = {}
        for copied in copies:
            sizes[copied.segment] = max(copied.size, sizes.get(copied.segment, 0))
        return [
            old
            for old in before
            if (
                old.segment not in self._superseded and old.size > sizes.get(old.segment, -1)
                if old.segment
                else (old.folder, old.number) not in places
            )
        ]


def _files(segments: tuple[Copied, ...]) -> set[tuple[str, str]]:
    return {(copied.folder, copied.file) for copied in segments}
