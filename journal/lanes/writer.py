"""Append records to a leased lane, and gather what is to be synced."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal

from journal.errors import AppendError, LeaseError, SyncError, name_ids, reason
from journal.format.event_types import SWEEPING
from journal.format.new_event import Encoded
from journal.format.position import Position
from journal.format.record import encode
from journal.lanes.leasing import lease
from journal.lanes.torn import is_removable
from journal.lanes.unsynced import Unsynced
from journal.process import clock
from journal.process.clock import MAX_ORDER
from journal.segments.segment import ROLL_SIZE
from journal.segments.segment_file import SegmentFile, close_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from journal.format.new_event import Ready
    from journal.fs.directory import Directory

State = Literal["ready", "unsure", "gone", "closing", "closed"]
"""The state of a writer.

==========  =====================================  ==============================================
state       it begins when                         what an append does
==========  =====================================  ==============================================
`ready`     a lane is leased, a write returned     it writes
`unsure`    a write begins, a lane came back       `Recovery` finds the lane's end first
`gone`      the lane vanished and that was raised  `Recovery` leases another lane first
`closing`   the handle is closed                   it raises; the last sync is under way
`closed`    that sync has ended                    it raises; files and lease are released
==========  =====================================  ==============================================
"""

_new = tuple.__new__
"""Makes a position in half of the time of a call of `Position`: each event gets one."""
_MOST_OPEN = 32
"""Segments that wait for a sync, at most: at `never`, no sync may ever be requested."""


class LaneWriter:
    """The one writer of a lane. Not safe for threads: `SharedLane` serializes them.

    Args:
        directory: the opened journal.
        keep: whether records are kept in memory until they are synced.

    Attributes:
        state: its state.
        lane: the lease.
        segment: the segment that is written to; None where the next write begins another one.
        number: number of the highest segment.
        uuid: uuid of the lane.
        seq: sequence number of the next event.
        order: order of the last event.
        mark: count of the events that were written, over all lanes that it held.
        unsynced: what was written since the last hand-over to a sync.
        handed: what was handed over, until it is synced or returned.
    """

    def __init__(self, directory: Directory, *, keep: bool) -> None:
        self.keep = keep
        self.mark = 0
        self._clock = clock.of(directory.path)
        self._syncing: list[SegmentFile] = []
        self.handed: Unsynced | None = None
        self.lease(directory)
        self.state: State = "ready"

    def lease(self, directory: Directory) -> None:
        """Lease a lane, and continue where its last lessee stopped.

        Raises:
            LeaseError: no lane could be leased, or its files cannot be used.
        """
        lane, at = lease(directory.lanes)
        segment = None
        try:
            # a segment that another user made may be read-only
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
        self.lane, self.segment = lane, segment
        self.uuid, self.seq, self.order, self.number = at.lane, at.seq, at.order, at.number
        self._folder = at.folder
        # the last lessee may have died between making an entry and syncing it
        folders = [*directory.unsynced, directory.lanes, lane.path]
        self.unsynced = Unsynced(self.mark, folders=folders, lane=at.lane)

    def note_order(self) -> None:
        """Note the last order, before the lane is left: this process writes behind it elsewhere.

        The wall clock may be set back, and the next lane may have lower orders.
        """
        self._clock.observe(self.order)

    def append(
        self, events: Sequence[Ready], ends: Mapping[str, int] | None = None
    ) -> list[Position]:
        """Append events with one write(2); the state must be `ready`.

        Args:
            events: the events, in order.
            ends: the last sequence number of every other lane, for events that sweep their
                session and do not name what their author had seen.

        Raises:
            EventError: an event cannot be stored; nothing was written.
            ClockError: the machine's clock is set to a time that no event can have.
            AppendError: the file system refused; none of the events is acknowledged.
        """
        uuid, seq, (time, order) = self.uuid, self.seq, self._clock.tick(self.order)
        started, lines, positions = time, [], []
        step = 1 if order + len(events) <= MAX_ORDER else 0  # at its end lane and number decide
        for event in events:
            if isinstance(event, Encoded):
                lines.append(event.line(seq, time, order))
            else:
                session, id, type, data, redacted, importer = event
                if ends is not None and type in SWEEPING and "seen" not in data:
                    data = {**data, "seen": {**ends, uuid: seq - 1}}  # the caller's stays
                at = time, order
                lines.append(encode(seq, session, id, type, at, data, redacted, importer))
            positions.append(_new(Position, (uuid, seq)))
            seq, time, order = seq + 1, time + 1, order + step
        self.order = order - step
        self.state = "unsure"  # until the write has returned: an interrupt may occur at any point
        try:
            self.write(lines, self.seq, started)
        except OSError as error:
            ids = [event[1] for event in events]
            raise AppendError(
                f"cannot append to lane {self.lane.path}: {error.strerror or error};"
                f" not acknowledged: {name_ids(ids)}. Append them again with the same ids"
                " when the cause is removed",
                ids,
            ) from error
        self.seq = seq
        self.mark += len(lines)
        self.unsynced.mark = self.mark
        self.state = "ready"
        return positions

    def write(self, lines: list[bytes], seq: int, started: int) -> None:
        """Write lines to the active segment.

        Args:
            lines: whole records.
            seq: sequence number of the first, for the header of a new segment.
            started: when a new segment is begun, microseconds since 1970.

        Raises:
            OSError: the file system refused; part of the lines may be in the segment.
        """
        segment, unsynced = self.segment, self.unsynced
        files = unsynced.files
        if segment is None or segment.size >= ROLL_SIZE or not files or files[-1] is not segment:
            segment = self._active()
        data = lines[0] if len(lines) == 1 else b"".join(lines)
        size = len(data)
        if not segment.size:
            data = segment.header_line(self.uuid, self._folder, seq, started) + data
        try:
            segment.write(data)
        except OSError:
            self.undo()
            raise
        if self.keep:
            unsynced.lines += lines
            unsynced.size += size

    def undo(self) -> None:
        """Leave nothing of a write that failed: no unfinished line, and no empty segment.

        If the disk refuses that, too, the next lessee of the lane does it.
        """
        segment = self.segment
        if segment is None:
            return
        with contextlib.suppress(OSError):
            if segment.cut() or not is_removable(self.lane.path, segment.number):
                return
            if segment in self.unsynced.files:
                self.unsynced.files.remove(segment)
            self.number = min(self.number, segment.number - 1)
            self.leave()
            segment.remove()

    def _active(self) -> SegmentFile:
        """Return the segment to write to, the present one or the next, among those to be synced."""
        files = self.unsynced.files
        if self.segment is None or self.segment.size >= ROLL_SIZE:
            if not self.keep and len(files) >= _MOST_OPEN:
                self._sync_oldest()
            self.leave()
            # both first: an interrupt must not leave a segment whose number is used again, or whose
            # name is never synced
            self.number += 1
            self.unsynced.folders.append(self.lane.path)
            self.segment = SegmentFile.create(self.lane.path, self.number)
        if not files or files[-1] is not self.segment:
            files.append(self.segment)
        return self.segment

    def leave(self) -> None:
        """Stop writing to the present segment; it is closed here or by the sync that covers it."""
        segment, self.segment = self.segment, None
        if segment is None or segment in self.unsynced.files or segment in self._syncing:
            return
        close_all([segment])  # it is synced

    def _sync_oldest(self) -> None:
        """Sync and close a final segment: a handle that is never synced would run out of files."""
        oldest = self.unsynced.files.pop(0)
        try:
            oldest.sync()
        finally:
            oldest.close()

    def hand_over(self) -> Unsynced:
        """Hand over the unsynced events; later writes are collected separately."""
        unsynced = self.handed = self.unsynced
        self._syncing = unsynced.files
        self.unsynced = self.nothing()
        return unsynced

    def nothing(self, folders: Sequence[Path] = ()) -> Unsynced:
        """Return the state in which everything is synced, except for some folders."""
        return Unsynced(self.mark, folders=list(folders), lane=self.uuid)

    def take_back(self, unsynced: Unsynced, seq: int, order: int) -> None:
        """Set the unsynced events, including those that were handed over.

        Args:
            unsynced: all that is to be synced.
            seq: sequence number of the next event.
            order: order of the last event.
        """
        # in one step: after an interrupt each event must be in one place, and each number be used
        # once
        self.unsynced, self.handed, self._syncing, self.seq, self.order = (
            *(unsynced, None, []),
            *(seq, order),
        )

    def synced(self, unsynced: Unsynced) -> None:
        """Close the final segments of a hand-over that was synced."""
        self.handed = None  # first: an interrupt must not have closed files synced again
        # a segment that was written to and rolled meanwhile is synced, and closed, the next time
        going_on = [*self.unsynced.files, self.segment]
        close_all(file for file in unsynced.files if file not in going_on)
        self._syncing = []

    def drop(self, files: Sequence[SegmentFile]) -> None:
        """Close files, except those that are being synced: the sync closes them."""
        close_all(file for file in files if file not in self._syncing)

    def abandon(self, files: Sequence[SegmentFile]) -> None:
        """Close files that must never be written again, the present segment among them."""
        segment, self.segment = self.segment, None  # first: nothing may be written to a closed one
        close_all([*files, *([segment] if segment else [])])

    def close(self) -> None:
        """Close every file and end the lease, without syncing; again does nothing.

        Raises:
            SyncError: the file system lost what was never synced.
        """
        if self.state == "unsure":
            self.undo()
        self.state = "closed"
        self.note_order()
        error = close_all([*self.unsynced.files, *self._syncing])
        if self.segment is not None:
            close_all([self.segment])
        self.lane.release()
        if error is not None:
            raise SyncError(
                f"closing lane {self.lane.path} failed ({reason(error)}): what was appended"
                " since the last sync may be lost; append it again with the same ids",
                (),
            ) from error
