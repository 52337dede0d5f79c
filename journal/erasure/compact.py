"""Compaction: fewer files with the same records.

No record is dropped: see "Compaction" in `docs/format.md`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.erasure.files.clean import clean_up
from journal.erasure.files.joining import SMALL, examine, find_remains, groups, join, remove
from journal.erasure.lock import erasing
from journal.format.timestamps import moment
from journal.fs.directory import open_directory
from journal.process import clock
from journal.segments.listing import list_lane, own_lanes

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from journal.erasure.files.joining import Remains, Sound
    from journal.erasure.lock import EraserLock
    from journal.segments.listing import SegmentRef


@dataclass(frozen=True, slots=True)
class Compaction:
    """What was joined, or would be.

    Attributes:
        joined: small segments that were joined with others.
        segments: segments that they became.
        bytes: bytes of those that were joined.
        removed: files of joined segments that were removed.
        waiting: files of joined segments that stay, because readers may have listed them. A call
            an hour later removes them.
        started: when it began, microseconds since 1970.
        duration: microseconds; 0 of a dry run.
    """

    joined: int
    segments: int
    bytes: int
    removed: int
    waiting: int
    started: int
    duration: int


def compact(
    path: str | os.PathLike[str],
    *,
    before: datetime | str | int | None = None,
    dry_run: bool = False,
    timeout: float = 10.0,
) -> Compaction:
    """Join the small final segments of each lane, up to 32 MiB; no record is dropped or changed.

    ::

        journal.compact("~/agents", before="2026-01-01T00:00Z")

    Positions stay valid, and every answer stays the same. Writers, readers and projectors may be at
    work, and wait for nothing. It can be interrupted at any point and done again.

    Segments become small when they lose what is forgotten, and when a writer is asked to continue
    in a new one. After a restart of the machine a writer begins a new lane, and segments of
    different lanes are not joined.

    Args:
        path: the journal's folder.
        before: only segments whose last event was appended before this moment, by the clock of its
            writer: an aware datetime, an ISO 8601 string with a zone, or microseconds since 1970.
        dry_run: only find what would be joined; no lock is acquired.
        timeout: seconds to wait for another process that erases or compacts.

    Raises:
        NotAJournalError: there is no journal.
        JournalOpenError: it, or the lock, cannot be opened.
        EventError: `before` is no time.
        EraserBusy: another process erased or compacted all that time.
        EraseError: the file system refused; no record is lost.
        ReadError: a folder or segment cannot be read.
    """
    directory = open_directory(path, create=False)
    limit = None if before is None else moment("before", before)
    began, started = time.monotonic(), clock.wall()
    if dry_run:
        found = list(_all_groups(directory.lanes, limit))
        due = [remains.is_due() for remains in _all_remains(directory.lanes)]
        waiting = sum(len(group) - 1 for group in found) + due.count(False)
        joined, size = sum(map(len, found)), sum(each.size for group in found for each in group)
        return Compaction(joined, len(found), size, due.count(True), waiting, started, 0)
    # the loops are in functions of their own, so that Ctrl-C within them finds the lock's exit
    with erasing(directory.path, timeout) as lock:
        clean_up(directory)
        done = _join_all(directory.lanes, limit, lock)
        removed = _remove_all(directory.lanes, lock)
    joined, size = sum(map(len, done)), sum(each.size for group in done for each in group)
    duration = round((time.monotonic() - began) * 1e6)
    gone, waiting = removed.count(True), removed.count(False)
    return Compaction(joined, len(done), size, gone, waiting, started, duration)


def _join_all(lanes: Path, before: int | None, lock: EraserLock) -> list[list[Sound]]:
    return [group for group in _all_groups(lanes, before) if join(group, lock)]


def _remove_all(lanes: Path, lock: EraserLock) -> list[bool]:
    return [remains.is_due() and remove(remains, lock) for remains in _all_remains(lanes)]


def _all_groups(lanes: Path, before: int | None) -> Iterator[list[Sound]]:
    """Yield the segments of each lane that are to be joined."""
    for name in own_lanes(lanes):
        refs = list_lane(lanes / name)
        passed = {remains.ref.number for remains in find_remains(refs)}
        yield from groups(_examine(ref, before) for ref in refs if ref.number not in passed)


def _examine(ref: SegmentRef, before: int | None) -> Sound | None:
    if not ref.final or ref.size >= SMALL:
        return None
    sound = examine(ref)
    is_old = before is None or (sound is not None and sound.time < before)
    return sound if is_old else None


def _all_remains(lanes: Path) -> Iterator[Remains]:
    for name in own_lanes(lanes):
        yield from find_remains(list_lane(lanes / name))
