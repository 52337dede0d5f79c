"""A lane's writer that goes on when a sync fails or the lane's files vanish."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from journal.errors import AppendError, JournalError, SyncError, name_ids, reason
from journal.format.record import encode_event
from journal.fs.directory import open_directory
from journal.lanes.pending import Unsynced, sync_all, vanished
from journal.lanes.writer import LaneWriter
from journal.process import clock
from journal.segments.segment_file import close_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from journal.format.new_event import NewEvent
    from journal.format.position import Position
    from journal.fs.directory import Directory
    from journal.segments.segment_file import SegmentFile

_LOOK = 0.1
"""Seconds after which an append looks whether its files are still in the journal's folder."""


class RescuingWriter(LaneWriter):
    """The one writer of a lane, which writes again what the disk may have lost."""

    _stranded: Unsynced | None = None

    def _take(self, directory: Directory) -> None:
        super()._take(directory)
        self._directory, self._gone = directory, False
        self._next_look = monotonic() + _LOOK

    def append(
        self, events: Sequence[NewEvent], ends: Mapping[str, int] | None = None
    ) -> list[Position]:
        """Append events with one write(2), to files that are still in the journal's folder.

        Raises:
            EventError: an event cannot be stored; nothing was written.
            AppendError: the file system refused, or the lane vanished; none of the events is
                acknowledged.
        """
        if monotonic() > self._next_look:
            self._look([event[1] for event in events])
        return LaneWriter.append(self, events, ends)

    def _look(self, ids: Sequence[str]) -> None:
        """Notice that the files are gone from the journal's folder, and lease anew.

        What is written to a file without a name is lost when it is closed. It is said once;
        the next append goes on in whatever journal then stands there.
        """
        try:
            there = self._lane.is_there()
            if not there and self._gone:
                self._lease_anew()
            elif not there or not (self._segment is None or self._segment.is_there()):
                self._gone, self._next_look = not there, 0.0
                self._leave()
                self.unsynced.lost = vanished(self._lane.path)
                raise self.unsynced.lost
            self._gone = False
        except (OSError, JournalError) as error:
            raise AppendError(
                f"lane {self._lane.path} vanished: {reason(error)};"
                f" not acknowledged: {name_ids(ids)}. Append them again with the same ids"
                f" once there is a journal at {self._directory.path} again",
                ids,
            ) from error
        self._next_look = monotonic() + _LOOK

    def _lease_anew(self) -> None:
        """Lease a lane of the journal that stands there now, and take there what is not durable.

        Raises:
            JournalError: there is none, or no lane could be leased.
        """
        # whoever took the journal away did not ask for an empty one in its place
        directory = open_directory(self._directory.path, create=False)
        old, lost = self._lane, self.unsynced
        files = [*lost.files, *([self._segment] if self._segment else [])]
        # an interrupt may come anywhere: what was acknowledged is kept until it is taken over
        self._stranded = lost
        self._take(directory)
        # what a sync is at work on is closed behind it
        close_all(file for file in files if file not in self._syncing)
        old.release()
        self._take_over()

    def _take_over(self) -> None:
        """Take what is not durable of a lane that vanished to the lane at hand."""
        lost = self._stranded
        if lost is None:
            return
        lines = self._numbered(lost)
        self.unsynced.lines += lines
        self.unsynced.size += sum(map(len, lines))
        if lines:
            self.unsynced.lost = vanished(self._lane.path)  # the next sync writes them
        self._stranded = None

    def take_unsynced(self) -> Unsynced:
        """Hand over what is to be synced, with what an interrupt left behind."""
        if self._stranded is not None:
            self._take_over()
        return super().take_unsynced()

    def _numbered(self, lost: Unsynced) -> list[bytes]:
        """Return what is to be written again, as records of the lane at hand."""
        if lost.lane == self._uuid:
            return lost.lines
        lines = []
        for record in lost.records():
            event = record.event
            self._order = max(self._order + 1, event.order)
            again = replace(event, order=min(self._order, clock.MAX_ORDER))
            lines.append(encode_event(self._seq, again))
            self._seq += 1
        return lines

    def rescue(self, lost: Unsynced, cause: OSError) -> None:
        """Write what a failed sync may have lost to a fresh segment, and sync that.

        A failed fsync is never tried again on its file: the kernel may have dropped the pages
        and would call the next try good (Rebello et al., "Can Applications Recover from fsync
        Failures?", USENIX ATC 2020).

        Raises:
            SyncError: that failed too, or nothing was kept to write again; the events it
                names are written but not durable.
        """
        self._handed = None
        later = self._gather()
        whole = lost.before(later)
        if lost.lane != self._uuid:  # an append has leased anew meanwhile: these come behind
            whole.lines = later.lines + self._numbered(lost)
        self._syncing = []
        self._abandon(whole.files)
        whole.files, whole.lost = [], cause
        if self._keep:
            whole = self._follow(whole, cause)
        what = f"the disk refused to sync lane {self._lane.path} ({cause.strerror or cause})"
        if not self._keep:
            self.unsynced.folders = whole.folders
            raise SyncError(
                f"{what}: what was appended since the last sync may not survive a power loss;"
                " append it again with the same ids",
                (),
            ) from cause
        records = whole.records()
        ids = [record.event.id for record in records]
        self.unsynced.folders = list(whole.folders)
        try:
            if records:
                # the fresh segment begins with what is written again
                self._write(whole.lines, records[0].seq, records[0].event.time)
            sync_all(self.unsynced)
        except BaseException as again:
            self._abandon(self.unsynced.files)
            self.unsynced = whole
            if not isinstance(again, (OSError, AppendError)):
                raise
            raise SyncError(
                f"{what}, and again on a fresh segment ({again}); written but not durable:"
                f" {name_ids(ids)}. Mend the disk, then call sync()",
                ids,
            ) from cause
        self.unsynced = Unsynced(self._mark, lane=self._uuid)

    def _follow(self, lost: Unsynced, cause: OSError) -> Unsynced:
        """Take what is lost to the journal that stands there now, if this one's lane is gone.

        Raises:
            SyncError: there is none.
        """
        try:
            if self._lane.is_there():
                return lost
            self._gone, self._next_look = True, 0.0
            self.unsynced = lost
            self._lease_anew()
        except (OSError, JournalError) as error:
            self.unsynced = lost
            ids = [record.event.id for record in lost.records()]
            raise SyncError(
                f"lane {self._lane.path} cannot be synced ({reason(cause)}), and no other can"
                f" be leased ({reason(error)}); not durable: {name_ids(ids)}."
                " Put the journal back, then call sync()",
                ids,
            ) from cause
        whole = self._gather()
        self._syncing = []
        return whole

    def _abandon(self, files: list[SegmentFile]) -> None:
        """Close files that must never be written again; what they held is written elsewhere."""
        close_all([*files, *([self._segment] if self._segment else [])])
        self._segment = None
