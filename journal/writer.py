"""The handle that programs append with."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, Self, Unpack, get_args

from journal.errors import ClosedError, EventError, Reentered
from journal.format.event_types import EDITS, MESSAGE_APPENDED, SWEEPING
from journal.format.fields.message import message_data
from journal.format.new_event import check_all, checked, with_index
from journal.fs.directory import open_directory
from journal.lanes.group_commit import Fsync, SharedLane
from journal.process.ending import close_at_end
from journal.process.fork import no_fork, register

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from journal.format.fields.message import MoreMessageFields
    from journal.format.new_event import Encoded, Ready
    from journal.format.position import Position
    from journal.format.redacted import Redacted
    from journal.lanes.edit_order import EditOrder
    from journal.redact.redactor import Redactor
    from journal.redact.scanner import Scanner


class Journal:
    """A leased lane to append events to. Safe for threads; a forked child leases its own lane.

    ::

        with Journal.open("~/agents", fsync="interval") as journal:
            journal.append_message("s1", "user", "hello", id="m1")
            journal.append(session="s1", type="session.titled", data={"title": "Greetings"})
            journal.append_many([new_event("s1", "tool.used", {"tool": "ls"}, id="t1")])
            journal.append_behind_read([new_event("s1", "tool.used", {"tool": "cd"}, id="t2")])
            journal.sync()
            print(journal.path, journal.ends())

    What `append` promises when it returns depends on `fsync`:

    - `never`: the event survives the death of the process.
    - `interval`: and a power loss, but for the last 200 ms.
    - `always`: and a power loss. Threads share one fdatasync.

    `redactor` is what replaces secrets before they are written; None if nothing does.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fsync: Fsync = "interval",
        redact: bool | Sequence[Scanner] = False,
    ) -> None:
        if fsync not in get_args(Fsync):
            raise ValueError(f"fsync must be one of {', '.join(get_args(Fsync))}, not {fsync!r}")
        self._directory = open_directory(path)
        self.redactor: Redactor | None = None
        if redact is not False:
            with no_fork.turn:  # few handles need it
                from journal.redact.setup import redactor_of  # noqa: PLC0415
            self.redactor = redactor_of(self._directory.path, redact)
        self._fsync: Fsync = fsync
        self._turn = threading.RLock()
        self._aside: list[SharedLane] = []
        self._lane: SharedLane | None = SharedLane(self._directory, fsync)
        self._edits: EditOrder | None = None
        self._closed = False
        close_at_end(self)
        register(self)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        fsync: Fsync = "interval",
        redact: bool | Sequence[Scanner] = False,
    ) -> Self:
        """Open the journal at `path`, making it where there is none, and lease a lane.

        Args:
            path: the journal's folder.
            fsync: what an append promises when it returns: `never`, `interval` or `always`.
            redact: replace secrets by marks: true, or scanners. 1 KB takes 18 to 25 microseconds.

        Raises:
            JournalOpenError: the folder cannot be opened or made, or holds something else.
            LeaseError: no lane could be leased.
            RedactionError: `redact.toml` cannot be used, or asks for what is not installed.
            ValueError: `fsync` is no level, or `redact` is none of these.
        """
        return cls(path, fsync=fsync, redact=redact)

    @property
    def path(self) -> Path:
        """The journal's folder, absolute."""
        return self._directory.path

    def append(
        self,
        *,
        session: str,
        id: str | None = None,
        type: str,
        data: Mapping[str, Any],
        redacted: Redacted | None = None,
        importer: str | None = None,
    ) -> Position:
        """Append one event.

        The same (session, id) may be appended any number of times, by any process: one event.

        Args:
            session: the conversation that it belongs to.
            id: the event's own id, unique within the session; without it, it gets a UUIDv7.
            type: what happened, such as `message.appended`.
            data: the fact itself, a JSON object.
            redacted: what was redacted in `data` already, as an event of another journal has it.
            importer: name and version of what imports it.

        Returns:
            The position of its record, which `Projection.wait_for` takes.

        Raises:
            EventError: the event cannot be stored as it is; nothing was written.
            ClockError: the machine's clock is set to a time that no event can have.
            AppendError: the file system refused; append it again with the same id.
            SyncError: the disk refused to make it, or earlier events, durable.
            ClosedError: the handle was closed.
        """
        return self._append([checked(session, id, type, data, redacted, importer)])[0]

    def append_message(
        self,
        session: str,
        role: str,
        content: str | list[Any] | None = None,
        *,
        id: str | None = None,
        **fields: Unpack[MoreMessageFields],
    ) -> Position:
        """Append one message (`message.appended`).

        Args:
            session: the conversation.
            role: user, assistant, system, tool, or whatever the agent calls it.
            content: text, or a list of content parts.
            id: the message's own id; with it, appending again changes nothing.
            fields: tool_name, tool_calls, tool_call_id, token_count, finish_reason, reasoning,
                source, model, parent, meta, and `extra` for anything else; and timestamp, when it
                was written: an aware datetime, an ISO 8601 string, or microseconds since 1970.
                Without it, the message has the time of the append. None means absent.

        Returns:
            The position of its record.

        Raises:
            EventError: a field is unknown or of the wrong kind; nothing was written.
            ClockError, AppendError, SyncError, ClosedError: as `append`.
        """
        data = message_data({"role": role, "content": content, **fields})
        return self._append([checked(session, id, MESSAGE_APPENDED, data)])[0]

    def append_many(self, events: Iterable[Mapping[str, Any] | Encoded]) -> list[Position]:
        """Append events with one write(2): mappings with the keys of `append`'s arguments.

        All are checked first. A process killed in the write may leave only the first of them.

        Args:
            events: the events, such as `journal.new_event` returns.

        Returns:
            The position of each record, in the same order.

        Raises:
            EventError: one of them cannot be stored; its index is named; nothing was written.
            ClockError, AppendError, SyncError, ClosedError: as `append`.
        """
        return self._append_all(check_all(events), EDITS)

    def append_behind_read(self, events: Iterable[Mapping[str, Any] | Encoded]) -> list[Position]:
        """Append as `append_many`, for a caller that has just read what the events change.

        An edit must come behind the events that it changes, so `append_many` reads the ends of all
        lanes before. This method does so only for a sweep, which names them.

        Raises:
            EventError, ClockError, AppendError, SyncError, ClosedError: as `append_many`.
        """
        return self._append_all(check_all(events), SWEEPING)

    def _append_all(self, new: list[Ready], dependent: frozenset[str]) -> list[Position]:
        self._check_open()
        try:
            return self._append(new, dependent) if new else []
        except EventError as error:
            raise with_index(new, error) from error

    def _append(self, events: list[Ready], dependent: frozenset[str] = EDITS) -> list[Position]:
        lane = self._lane or self._lease()
        if self.redactor is not None:
            events = self.redactor.redact_events(events)
        types, ends = {event[2] for event in events}, None
        if not dependent.isdisjoint(types):
            ends = self._edit_order().look(events, lane.path.name)
        elif not EDITS.isdisjoint(types):  # what they change may have the last order there is
            self._edit_order().check_order()
        try:
            return lane.append(events, ends)
        except Reentered:
            return self._append_aside(events, ends)

    def _append_aside(self, events: list[Ready], ends: dict[str, int] | None) -> list[Position]:
        """Append to another lane, for a handler that runs in the middle of a call of its thread.

        It is synced at once: a handler cannot always start a thread.
        """
        if any(event[2] in EDITS for event in events):
            # the edit must also come behind the events of this handle's own lane
            ends = self._edit_order().look(events, "")
        for lane in list(self._aside):
            with contextlib.suppress(Reentered):
                return lane.append(events, ends)
        lane = SharedLane(self._directory, "never" if self._fsync == "never" else "always")
        self._aside.append(lane)
        return lane.append(events, ends)

    def ends(self) -> dict[str, int]:
        """Return the last sequence number of every lane, by its uuid.

        All events that this process appends from now on come behind these records in order.
        The first call reads the headers of all segments.

        Raises:
            ReadError: a lane cannot be read.
            ClosedError: the handle was closed.
        """
        self._check_open()
        return self._edit_order().frontier.ends()

    def _edit_order(self) -> EditOrder:
        if self._edits is None:
            with no_fork.turn:
                from journal.lanes.edit_order import EditOrder  # noqa: PLC0415 - only edits need it

            self._edits = EditOrder(self._directory)
        return self._edits

    def _lease(self) -> SharedLane:
        """Lease a lane for a forked child, which must not write to its parent's."""
        with self._turn:
            self._check_open()
            self._lane = self._lane or SharedLane(self._directory, self._fsync)
            return self._lane

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(f"this handle on {self.path} was closed; open another")

    def sync(self) -> None:
        """Make everything that was appended durable, whatever the level.

        Raises:
            SyncError: the disk refused; the events it names are written but not durable.
            ClosedError: the handle was closed.
            Reentered: called in a handler in the middle of another call; nothing was done.
        """
        (self._lane or self._lease()).sync()
        for lane in list(self._aside):
            lane.sync()

    def close(self) -> None:
        """Sync what the level promises, close the files and end the lease; again does nothing.

        Raises:
            SyncError: the disk refused; the handle is closed all the same.
            Reentered: called in a handler in the middle of another call; nothing was done.
        """
        try:
            with contextlib.ExitStack() as stack:  # one error must not keep the others open
                for lane in self._lanes():
                    stack.callback(lane.close)
                with self._turn:
                    self._closed = True
        except Reentered:
            self._closed = False
            raise

    def _lanes(self) -> list[SharedLane]:
        return [*([self._lane] if self._lane is not None else []), *self._aside]

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # a server that opens a handle for every request and forgets it would run out of files
        if getattr(self, "_closed", True) is False:
            self.close()

    def __repr__(self) -> str:
        return f"<Journal {self.path} {'closed' if self._closed else f'fsync={self._fsync}'}>"

    def after_fork_in_child(self) -> None:
        """Release the parent's lane: two processes must never write to one segment."""
        self._turn = threading.RLock()
        self._edits = None
        lanes, self._lane, self._aside = self._lanes(), None, []
        for lane in lanes:
            lane.abandon()
