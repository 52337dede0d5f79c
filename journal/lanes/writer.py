"""Append records to a leased lane, and remember what the disk has not promised yet."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from journal.errors import AppendError, LeaseError, SyncError, name_ids, reason
from journal.format.event_types import SWEEPING
from journal.format.position import Position
from journal.format.record import encode
from journal.lanes.lane import lease
from journal.lanes.pending import Unsynced
from journal.process import clock
from journal.process.clock import MAX_ORDER
from journal.segments.segment import ROLL_SIZE
from journal.segments.segment_file import SegmentFile, close_all, header_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from journal.format.new_event import NewEvent
    from journal.fs.directory import Directory

_MOST_OPEN = 32
"""Segments that wait for a sync, where none may ever be asked for."""


class LaneWriter:
    """The one writer of a lane. Not safe for threads: its handle takes turns.

    Args:
        directory: the opened journal.
        keep: whether records are kept in memory until they are synced.
    """

    def __init__(self, directory: Directory, *, keep: bool) -> None:
        self._keep = keep
        self._clock = clock.of(directory.path)
        self._mark = 0
        self._syncing: list[SegmentFile] = []
        self._handed: Unsynced | None = None
        self._take(directory)

    def _take(self, directory: Directory) -> None:
        """Lease a lane, and go on where its last lessee stopped.

        Raises:
            LeaseError: no lane could be leased, or its files cannot be used.
        """
        lane, at = lease(directory.lanes)
        segment = None
        try:
            # a segment that another user made may be one that can only be read
            with contextlib.suppress(PermissionError):
                if at.size is not None:
                    segment = SegmentFile.reopen(lane.path, at.number, at.size)
        except OSError as error:
            lane.release()
            raise LeaseError(
                f"cannot go on in lane {lane.path}: {error.strerror or error}"
            ) from error
        except BaseException:
            lane.release()
            raise
        self._lane, self._segment = lane, segment
        self._uuid, self._seq, self._order, self._number = at.lane, at.seq, at.order, at.number
        self._folder = at.folder
        self._unsure = False
        # the last lessee may have died between making an entry and syncing it
        folders = [*directory.unsynced, directory.lanes, lane.path]
        self.unsynced = Unsynced(self._mark, folders=folders, lane=at.lane)

    @property
    def path(self) -> Path:
        """The lane's folder."""
        return self._lane.path

    def append(
        self, events: Sequence[NewEvent], ends: Mapping[str, int] | None = None
    ) -> list[Position]:
        """Append events with one write(2).

        Args:
            events: the events, in order.
            ends: the last sequence number of every other lane, for events that sweep their
                session and do not say what their author had seen.

        Raises:
            EventError: an event cannot be stored; nothing was written.
            ClockError: the machine's clock is set to what no event can have.
            AppendError: the file system refused; none of the events is acknowledged.
        """
        if self._unsure:
            self._find_end([event[1] for event in events])
        uuid, seq, (time, order) = self._uuid, self._seq, self._clock.tick(self._order)
        started, lines = time, []
        step = 1 if order + len(events) <= MAX_ORDER else 0  # at its end lane and number decide
        for session, id, type, data in events:
            if ends is not None and type in SWEEPING and "seen" not in data:
                data = {**data, "seen": {**ends, uuid: seq - 1}}  # noqa: PLW2901 - the caller's stays
            lines.append(encode(seq, session, id, type, (time, order), data))
            seq, time, order = seq + 1, time + 1, order + step
        self._order = order - step
        self._unsure = True  # until the end: an interrupt may come anywhere
        try:
            self._write(lines, self._seq, started)
        except OSError as error:
            ids = [event[1] for event in events]
            raise AppendError(
                f"cannot append to lane {self._lane.path}: {error.strerror or error};"
                f" not acknowledged: {name_ids(ids)}. Append them again with the same ids"
                " once the cause is gone",
                ids,
            ) from error
        self._seq = seq
        self._mark += len(lines)
        self.unsynced.mark = self._mark
        self._unsure = False
        return [Position(uuid, number) for number in range(seq - len(lines), seq)]

    def _find_end(self, ids: Sequence[str]) -> None:
        """Look at what landed of a write that did not return, and go on behind it.

        Whole lines that landed are events, and their numbers are used up. A torn line may stand
        there: only the last line of a segment may be torn.
        """
        segment = self._segment
        try:
            # a segment that is still empty is used again: on a full disk they would pile up
            if segment is None or segment.size or segment.length():
                self._leave()
                at = self._lane.continuation()
                self._number = max(self._number, at.number)
                if at.lane == self._uuid:
                    self._seq, self._order = max(self._seq, at.seq), max(self._order, at.order)
        except (OSError, LeaseError) as error:
            raise AppendError(
                f"cannot look where lane {self._lane.path} ends: {error};"
                f" not acknowledged: {name_ids(ids)}. Append them again with the same ids",
                ids,
            ) from error
        self._unsure = False

    def _write(self, lines: list[bytes], seq: int, started: int) -> None:
        """Write lines to the active segment.

        Raises:
            OSError: the file system refused; part of the lines may stand in the segment.
        """
        segment, files = self._segment, self.unsynced.files
        if segment is None or segment.size >= ROLL_SIZE or not files or files[-1] is not segment:
            segment = self._active()
        data = lines[0] if len(lines) == 1 else b"".join(lines)
        size = len(data)
        if not segment.size:
            header = header_line(self._uuid, self._folder, seq, started, segment.inode)
            data = header + data
        segment.write(data)
        if self._keep:
            unsynced = self.unsynced
            unsynced.lines += lines
            unsynced.size += size

    def _active(self) -> SegmentFile:
        """Return the segment to write to: the one at hand, or the next."""
        files = self.unsynced.files
        if self._segment is None or self._segment.size >= ROLL_SIZE:
            if not self._keep and len(files) >= _MOST_OPEN:
                self._sync_oldest()
            self._leave()
            self._number += 1
            self._segment = SegmentFile.create(self._lane.path, self._number)
            self.unsynced.folders.append(self._lane.path)
        if not files or files[-1] is not self._segment:
            files.append(self._segment)
        return self._segment

    def _leave(self) -> None:
        """Write no more to the segment at hand; whatever is to sync it closes it."""
        segment, self._segment = self._segment, None
        if segment is None or segment in self.unsynced.files or segment in self._syncing:
            return
        close_all([segment])  # it is synced

    def _sync_oldest(self) -> None:
        """Let go of a final segment: a handle that is never synced would run out of files."""
        oldest = self.unsynced.files.pop(0)
        try:
            oldest.sync()
        finally:
            oldest.close()

    def take_unsynced(self) -> Unsynced:
        """Hand over what is to be synced; what is written from now on is gathered anew."""
        # an interrupt came before it was synced or put back
        if self._handed is not None and self._handed is not self.unsynced:
            self.put_back(self._handed)
        self._handed = self.unsynced
        return self._gather()

    def _gather(self) -> Unsynced:
        """Return what was gathered, and gather anew."""
        taken = self.unsynced
        self.unsynced = Unsynced(self._mark, lane=self._uuid)
        self._syncing = taken.files
        return taken

    def put_back(self, taken: Unsynced) -> None:
        """Take back what was handed over and not synced."""
        self.unsynced = taken.before(self.unsynced)
        self._handed = None
        self._syncing = []

    def synced(self, taken: Unsynced) -> None:
        """Close the final segments of what was synced."""
        self._handed = None  # first: an interrupt must not have closed files synced again
        # one that was written to and rolled meanwhile is synced, and closed, the next time
        going_on = [*self.unsynced.files, self._segment]
        close_all(file for file in taken.files if file not in going_on)
        self._syncing = []

    def close(self) -> None:
        """Close every file and end the lease, without syncing; again does nothing.

        Raises:
            SyncError: the file system lost what was never synced.
        """
        error = close_all([*self.unsynced.files, *self._syncing])
        if self._segment is not None:
            close_all([self._segment])
        self._lane.release()
        if error is not None:
            raise SyncError(
                f"closing lane {self._lane.path} failed ({reason(error)}): what was appended"
                " since the last sync may be lost; append it again with the same ids",
                (),
            ) from error
