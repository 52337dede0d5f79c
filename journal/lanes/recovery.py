"""Makes a lane's writer usable again, after a broken write or a failed sync, or without files."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Literal

from journal.errors import AppendError, JournalError, LeaseError, SyncError, name_ids, reason
from journal.format.record import encode_event
from journal.fs.directory import open_directory
from journal.lanes.roll_request import take_request
from journal.lanes.torn import tidy
from journal.lanes.unsynced import sync_all, vanished
from journal.process.clock import MAX_ORDER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from journal.fs.directory import Directory
    from journal.lanes.unsynced import Unsynced
    from journal.lanes.writer import LaneWriter

LOOK_EVERY = 0.1
"""Seconds after which an append checks that its files are still in the journal's folder."""


class Recovery:
    """Returns one writer to `ready`, with every event that the disk may have lost.

    Attributes:
        journal: the journal's folder.
        next_look: when an append checks its files again, by `monotonic`.
    """

    def __init__(self, writer: LaneWriter, directory: Directory) -> None:
        self.journal: Path = directory.path
        self.next_look = monotonic() + LOOK_EVERY
        self._writer = writer
        self._stranded: Unsynced | None = None

    def prepare(self, ids: Sequence[str]) -> None:
        """Make the writer ready to append.

        Args:
            ids: the events that are to be appended, for the error.

        Raises:
            AppendError: the lane vanished, or its end cannot be read.
        """
        if self._writer.state == "gone" or monotonic() > self.next_look:
            self._look(ids)
        if self._writer.state == "unsure":
            self._find_end(ids)

    def _look(self, ids: Sequence[str]) -> None:
        """Detect that the files are gone from the journal's folder, and lease another lane.

        Also detect that an eraser asks for a new segment.

        A file without a name is lost when it is closed. That is raised once; the next append
        continues in the journal that is at the path then.
        """
        writer = self._writer
        try:
            there = writer.lane.is_there()
            if not there and writer.state == "gone":
                self._lease_again()
                writer.state = "ready"
            elif not there or not (writer.segment is None or writer.segment.is_there()):
                if not there:
                    writer.state = "gone"
                self.next_look = 0.0
                writer.leave()
                writer.unsynced.lost = vanished(writer.lane.path)
                raise writer.unsynced.lost
            elif writer.state == "gone":
                writer.state = "unsure"  # the journal was moved back
            elif take_request(writer.lane.path) and writer.segment and writer.segment.size:
                # its sync is still to come: until then it belongs to the unsynced events
                writer.leave()
        except (OSError, JournalError) as error:
            raise AppendError(
                f"lane {writer.lane.path} vanished: {reason(error)};"
                f" not acknowledged: {name_ids(ids)}. Append them again with the same ids"
                f" when there is a journal at {self.journal} again",
                ids,
            ) from error
        self.next_look = monotonic() + LOOK_EVERY

    def _find_end(self, ids: Sequence[str]) -> None:
        """Find the lines in the file of a write that did not return, and continue behind them.

        Complete lines are events, and their numbers are used. A torn line may follow them, if the
        disk refuses to remove it: nothing is written to that segment again, because only its last
        line may be torn.
        """
        writer = self._writer
        try:
            writer.undo()
            segment = writer.segment
            # a segment that is still empty is used again: on a full disk empty segments would
            # accumulate
            if segment is None or segment.size or segment.length():
                writer.leave()
                tidy(writer.lane.path)
                at = writer.lane.continuation()
                writer.number = max(writer.number, at.number)
                if at.lane == writer.uuid:
                    writer.seq = max(writer.seq, at.seq)
                    writer.order = max(writer.order, at.order)
        except (OSError, LeaseError) as error:
            raise AppendError(
                f"cannot find the end of lane {writer.lane.path}: {error};"
                f" not acknowledged: {name_ids(ids)}. Append them again with the same ids",
                ids,
            ) from error
        writer.state = "ready"

    def _lease_again(self) -> None:
        """Lease a lane of the journal at the path, and move to it what is not durable.

        Raises:
            JournalError: there is no journal, or no lane could be leased.
        """
        # do not create: the journal was moved or deleted, and an empty one would hide it
        directory = open_directory(self.journal, create=False)
        writer = self._writer
        old, lost = writer.lane, writer.unsynced
        files = [*lost.files, *([writer.segment] if writer.segment else [])]
        # an interrupt may come anywhere: what was acknowledged is kept until it is taken over
        self._stranded = lost
        writer.note_order()
        writer.lease(directory)
        writer.drop(files)
        old.release()
        self._take_over()

    def resume(self) -> None:
        """Include in the next sync what was not synced when the last one was interrupted."""
        if self._stranded is not None:
            self._take_over()
        writer = self._writer
        if writer.handed is not None and writer.handed is not writer.unsynced:
            self.put_back(writer.handed)

    def _take_over(self) -> None:
        """Move what is not durable of a lane that vanished to the present lane."""
        lost, writer = self._stranded, self._writer
        if lost is None or lost is writer.unsynced:  # the interrupt came before it was left
            self._stranded = None
            return
        lines, seq, order = self._numbered(lost)
        moved = replace(writer.unsynced, lines=writer.unsynced.lines + lines)
        moved.size += sum(map(len, lines))
        if lines:
            moved.lost = vanished(writer.lane.path)  # the next sync writes them
        # in one step: an interrupt must neither lose a number nor give it out twice
        writer.unsynced, writer.seq, writer.order, self._stranded = moved, seq, order, None

    def _numbered(self, lost: Unsynced) -> tuple[list[bytes], int, int]:
        """Return what is to be written again, as records of the present lane.

        Returns:
            The lines, the sequence number behind them, and the order of the last event then.
        """
        seq, order = self._writer.seq, self._writer.order
        if lost.lane == self._writer.uuid:
            return lost.lines, seq, order
        lines = []
        for record in lost.records():
            event = record.event
            order = max(order + 1, event.order)
            again = replace(event, order=min(order, MAX_ORDER))
            lines.append(encode_event(seq, again))
            seq += 1
        return lines, seq, order

    def rescue(self, lost: Unsynced, cause: OSError) -> None:
        """Write what a failed sync may have lost to a fresh segment, and sync that.

        A failed fsync is never tried again on its file: the kernel may have dropped the pages
        and would call the next try good (Rebello et al., "Can Applications Recover from fsync
        Failures?", USENIX ATC 2020).

        Args:
            lost: what was handed over to the sync.
            cause: why it failed.

        Raises:
            SyncError: that failed too, or nothing was kept to write again; the events it
                names are written but not durable.
        """
        writer = self._writer
        self.put_back(lost, cause)
        writer.abandon(writer.unsynced.files)
        writer.unsynced.files = []
        what = f"the disk refused to sync lane {writer.lane.path} ({cause.strerror or cause})"
        if not writer.keep:
            error = SyncError(
                f"{what}: what was appended since the last sync may not survive a power loss;"
                " append it again with the same ids",
                (),
            )
            writer.unsynced = writer.nothing(writer.unsynced.folders)
            raise error from cause
        self._follow(cause)
        whole = writer.unsynced
        records = whole.records()
        ids = [record.event.id for record in records]
        fresh = writer.nothing(whole.folders)
        try:
            writer.unsynced = fresh
            if records:
                # the fresh segment begins with what is written again
                writer.write(whole.lines, records[0].seq, records[0].event.time)
            sync_all(fresh)
            writer.unsynced = writer.nothing()
        except BaseException as again:
            writer.unsynced = whole
            writer.abandon(fresh.files)
            if not isinstance(again, OSError):
                raise
            raise SyncError(
                f"{what}, and again on a fresh segment ({again}); written but not durable:"
                f" {name_ids(ids)}. Mend the disk, then call sync()",
                ids,
            ) from cause

    def put_back(self, handed: Unsynced, cause: OSError | None = None) -> None:
        """Join what was handed over and not synced with what was written meanwhile.

        Args:
            handed: what was handed over.
            cause: why the disk may have lost it, if it may.
        """
        writer = self._writer
        later = writer.unsynced
        whole = handed.before(later)
        seq, order = writer.seq, writer.order
        if handed.lane != writer.uuid:  # an append has leased another lane: these follow
            lines, seq, order = self._numbered(handed)
            whole.lines = later.lines + lines
            cause = cause or vanished(writer.lane.path)
        whole.lost = cause or whole.lost
        writer.take_back(whole, seq, order)

    def _follow(self, cause: OSError) -> None:
        """Move what is lost to the journal at the path, if its lane is no longer there.

        Raises:
            SyncError: there is none.
        """
        writer, lost = self._writer, self._writer.unsynced
        try:
            if writer.lane.is_there():
                return
            self._become("gone")
            self.next_look = 0.0
            self._lease_again()
            self._become("ready")
        except (OSError, JournalError) as error:
            writer.unsynced = lost
            ids = [record.event.id for record in lost.records()]
            raise SyncError(
                f"lane {writer.lane.path} cannot be synced ({reason(cause)}), and no other can"
                f" be leased ({reason(error)}); not durable: {name_ids(ids)}."
                " Put the journal back, then call sync()",
                ids,
            ) from cause

    def _become(self, state: Literal["gone", "ready"]) -> None:
        """Change the writer's state, but for one that is being closed."""
        if self._writer.state not in ("closing", "closed"):
            self._writer.state = state
