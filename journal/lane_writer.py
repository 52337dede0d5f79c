"""Append records to a leased lane, and remember what the disk has not promised yet."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from journal import clock
from journal.directory import sync_folder
from journal.errors import AppendError, SyncError, name_ids
from journal.event import Event
from journal.ids import uuid7
from journal.lane import lease
from journal.position import Position
from journal.record import FORMAT, Header, Record, decode, encode_event, encode_header
from journal.segment import ROLL_SIZE, SegmentFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from journal.directory import Directory

NewEvent = tuple[str, str, str, dict[str, Any]]
"""An event that is to be appended: type, session, id, data."""


@dataclass(slots=True)
class Unsynced:
    """What was written since the last good sync.

    Attributes:
        mark: count of events that this lane writer had written.
        files: segments with unsynced bytes, the active one last.
        folders: folders with unsynced entries.
        lines: the records themselves, to be written again if the disk loses them.
        size: bytes in `lines`.
    """

    mark: int = 0
    files: list[SegmentFile] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    size: int = 0


class LaneWriter:
    """The one writer of a lane. Not safe for threads: its handle takes turns.

    Args:
        directory: the opened journal.
        keep: whether records are kept in memory until they are synced.
    """

    def __init__(self, directory: Directory, *, keep: bool) -> None:
        self._keep = keep
        self._lane = lease(directory.lanes)
        try:
            at = self._lane.continuation()
            self._segment = (
                SegmentFile.reopen(self._lane.path, at.number, at.size)
                if at.size is not None
                else None
            )
        except BaseException:
            self._lane.release()
            raise
        self._uuid, self._seq, self._time, self._number = at.lane, at.seq, at.time, at.number
        self._mark = 0
        # the last lessee may have died between making an entry and syncing it
        folders = [*directory.unsynced, directory.lanes, self._lane.path]
        self.unsynced = Unsynced(folders=folders)

    @property
    def path(self) -> Path:
        """The lane's folder."""
        return self._lane.path

    def append(self, events: Sequence[NewEvent]) -> list[Position]:
        """Append events with one write(2).

        Raises:
            EventError: an event cannot be stored; nothing was written.
            AppendError: the file system refused; none of the events is acknowledged.
        """
        seq, started = self._seq, clock.tick(self._time)
        time, lines = started, []
        for type, session, id, data in events:
            time = clock.tick(time)
            lines.append(encode_event(seq, Event(id, type, session, time, data)))
            seq += 1
        self._time = time
        offset = self._write(lines, [event[2] for event in events], started)
        self._seq = seq
        self._mark += len(lines)
        self.unsynced.mark = self._mark
        number = self._number
        positions = []
        for line in lines:
            offset += len(line)
            positions.append(Position(self._uuid, number, offset))
        return positions

    def _write(self, lines: list[bytes], ids: Sequence[str], started: int) -> int:
        """Write lines to the active segment; return the offset at which they begin."""
        try:
            segment = self._active()
            header = b"" if segment.size else self._header(started)
            segment.write(header + b"".join(lines))
        except OSError as error:
            # a torn line may stand there now: only the last line of a segment may be torn
            self._segment = None
            raise AppendError(
                f"cannot append to lane {self._lane.path}: {error.strerror or error};"
                f" not acknowledged: {name_ids(ids)}. Append them again with the same ids"
                " once the cause is gone",
                ids,
            ) from error
        size = sum(map(len, lines))
        self._remember(segment, lines, size)
        return segment.size - size

    def _active(self) -> SegmentFile:
        """Return the segment to write to: the one at hand, or the next."""
        if self._segment is not None and self._segment.size < ROLL_SIZE:
            return self._segment
        self._number += 1
        self._segment = SegmentFile.create(self._lane.path, self._number)
        self.unsynced.folders.append(self._lane.path)
        return self._segment

    def _header(self, started: int) -> bytes:
        header = Header(
            format=FORMAT,
            segment=uuid7(),
            lane=self._uuid,
            seq=self._seq,
            host=platform.node(),
            boot=_boot_id(),
            pid=os.getpid(),
            started=started,
        )
        return encode_header(header)

    def _remember(self, segment: SegmentFile, lines: list[bytes], size: int) -> None:
        unsynced = self.unsynced
        if not unsynced.files or unsynced.files[-1] is not segment:
            unsynced.files.append(segment)
        if self._keep:
            unsynced.lines += lines
            unsynced.size += size

    def take_unsynced(self) -> Unsynced:
        """Hand over what is to be synced; what is written from now on is gathered anew."""
        taken = self.unsynced
        self.unsynced = Unsynced(self._mark)
        return taken

    def synced(self, taken: Unsynced) -> None:
        """Close the final segments of what was synced."""
        for file in taken.files:
            if file is not self._segment:
                file.close()

    def rescue(self, lost: Unsynced, cause: OSError) -> None:
        """Write what a failed sync may have lost to a fresh segment, and sync that.

        A failed fsync is never tried again on its file: the kernel may have dropped the pages
        and would call the next try good (Rebello et al., "Can Applications Recover from fsync
        Failures?", USENIX ATC 2020).

        Raises:
            SyncError: that failed too, or nothing was kept to write again; the events it
                names are written but not durable.
        """
        later = self.take_unsynced()
        self._abandon([*lost.files, *later.files])
        lines = lost.lines + later.lines
        folders = [*lost.folders, *later.folders]
        self.unsynced.folders += folders
        what = f"the disk refused to sync lane {self._lane.path} ({cause.strerror or cause})"
        if not self._keep:
            raise SyncError(
                f"{what}: what was appended since the last sync may not survive a power loss;"
                " append it again with the same ids",
                (),
            ) from cause
        records = _records(lines)
        ids = [record.event.id for record in records]
        seq = self._seq
        try:
            if records:
                self._seq = records[0].seq  # the fresh segment begins with what is written again
                self._write(lines, ids, records[0].event.time)
            sync_all(self.unsynced)
        except (OSError, AppendError) as again:
            self._abandon(self.unsynced.files)
            self.unsynced = Unsynced(self._mark, [], folders, lines, sum(map(len, lines)))
            raise SyncError(
                f"{what}, and again on a fresh segment ({again}); written but not durable:"
                f" {name_ids(ids)}. Mend the disk, then call sync()",
                ids,
            ) from cause
        finally:
            self._seq = seq
        self.unsynced = Unsynced(self._mark)

    def _abandon(self, files: list[SegmentFile]) -> None:
        """Close files that must never be written again."""
        for file in files:
            file.close()
        if self._segment is not None:
            self._segment.close()
        self._segment = None

    def close(self) -> None:
        """Close every file and end the lease, without syncing; again does nothing."""
        for file in self.unsynced.files:
            file.close()
        if self._segment is not None:
            self._segment.close()
        self._lane.release()


def sync_all(unsynced: Unsynced) -> None:
    """Make everything in `unsynced` durable.

    Raises:
        OSError: the disk refused.
    """
    for file in unsynced.files:
        file.sync()
    for folder in dict.fromkeys(unsynced.folders):
        sync_folder(folder)


def _records(lines: list[bytes]) -> list[Record]:
    decoded = (decode(line[:-1]) for line in lines)
    return [record for record in decoded if isinstance(record, Record)]


def _boot_id() -> str:
    """Name the running of the machine; empty where the kernel does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
