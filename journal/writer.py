"""The handle that programs append with."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from journal.directory import open_directory
from journal.errors import ClosedError, EventError, SyncError
from journal.event import MESSAGE_APPENDED, check_event, moment
from journal.ids import uuid7
from journal.lane_writer import LaneWriter, NewEvent
from journal.unsynced import Unsynced, sync_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from journal.position import Position

Fsync = Literal["never", "interval", "always"]

_GATHER = 0.1
"""Seconds that the background sync gathers for: with the sync itself, below 200 ms."""
_URGENT = 4 * 1024 * 1024
"""Unsynced bytes that end the gathering at once."""
_FULL = 32 * 1024 * 1024
"""Unsynced bytes at which the appender itself waits for the disk: memory stays bounded."""


class Journal:
    """A leased lane to append events to. Safe for threads; a forked child leases its own lane.

    ::

        with Journal.open("~/agents", fsync="interval") as journal:
            journal.append_message("s1", "user", "hello", id="m1")

    What `append` promises when it returns depends on `fsync`:

    - `never`: the event survives the death of the process.
    - `interval`: and a power loss, but for the last 200 ms.
    - `always`: and a power loss. Threads share one fdatasync.
    """

    _writer: LaneWriter | None
    _failure: SyncError | None
    _syncer: threading.Thread | None

    def __init__(self, path: str | os.PathLike[str], fsync: Fsync) -> None:
        if fsync not in get_args(Fsync):
            raise ValueError(f"fsync must be one of {', '.join(get_args(Fsync))}, not {fsync!r}")
        self._directory = open_directory(path)
        self._fsync = fsync
        self._reset()
        self._writer = self._lease()
        _handles.add(self)

    def _reset(self) -> None:
        """Begin with nothing leased and nothing written, as a new or a forked handle does."""
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._wake = threading.Event()
        self._urgent = threading.Event()
        self._syncer = None
        self._durable = 0
        self._refused: tuple[int, SyncError | None] = (0, None)
        self._failure = None
        self._writer = None
        self._closed = False

    def _lease(self) -> LaneWriter:
        return LaneWriter(self._directory, keep=self._fsync != "never")

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, fsync: Fsync = "interval") -> Self:
        """Open the journal at `path`, making it where there is none, and lease a lane.

        Raises:
            JournalOpenError: the folder cannot be opened or made, or holds something else.
            LeaseError: no lane could be leased.
            ValueError: `fsync` is no level.
        """
        return cls(path, fsync)

    @property
    def path(self) -> Path:
        """The journal's folder, absolute."""
        return self._directory.path

    def append(
        self, *, type: str, session: str, data: Mapping[str, Any], id: str | None = None
    ) -> Position:
        """Append one event.

        The same (session, id) may be appended any number of times, by any process: it is one
        event. Without `id` the event gets a UUIDv7.

        Raises:
            EventError: the event cannot be stored as it is; nothing was written.
            AppendError: the file system refused; append it again with the same id.
            SyncError: the disk refused to make it, or earlier events, durable.
            ClosedError: the handle was closed.
        """
        return self._append([_event(type, session, id, data)])[0]

    def append_message(
        self,
        session: str,
        role: str,
        content: str | list[Any] | None = None,
        *,
        id: str | None = None,
        timestamp: datetime | str | int | None = None,
        **fields: Any,  # noqa: ANN401 - the fields of a message, checked by name
    ) -> Position:
        """Append one message (`message.appended`).

        Args:
            session: the conversation.
            role: user, assistant, system, tool, or whatever the agent calls it.
            content: text, or a list of content parts.
            id: the message's own id; with it, appending again changes nothing.
            timestamp: when it was said: an aware datetime, an ISO 8601 string, or microseconds
                since 1970. Without it, the time of the append counts.
            fields: tool_name, tool_calls, tool_call_id, token_count, finish_reason, reasoning,
                source, model, parent, and `extra` for anything else. None means absent.

        Raises:
            EventError: a field is unknown or of the wrong kind; nothing was written.
            AppendError: as for `append`, like SyncError and ClosedError.
        """
        data: dict[str, Any] = {"role": role, "content": content, **fields}
        if timestamp is not None:
            data["timestamp"] = moment("timestamp", timestamp)
        present = {name: value for name, value in data.items() if value is not None}
        return self._append([_event(MESSAGE_APPENDED, session, id, present)])[0]

    def append_many(self, events: Iterable[Mapping[str, Any]]) -> list[Position]:
        """Append events with one write(2): mappings with the keys of `append`'s arguments.

        They are checked before anything is written, but they do not stand or fall together: a
        process killed in the write may leave the first of them.

        Raises:
            EventError: one of them cannot be stored; its index is named; nothing was written.
            AppendError: as for `append`, like SyncError and ClosedError.
        """
        checked = []
        for index, event in enumerate(events):
            try:
                checked.append(_from_mapping(event))
            except EventError as error:
                raise EventError(f"event {index}: {error}") from error
        return self._append(checked) if checked else []

    def _append(self, events: list[NewEvent]) -> list[Position]:
        with self._lock:
            if self._closed:
                raise ClosedError(f"this handle on {self.path} was closed; open another")
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            if self._writer is None:  # a forked child writes to a lane of its own
                self._writer = self._lease()
            positions = self._writer.append(events)
            mark, size = self._writer.unsynced.mark, self._writer.unsynced.size
        if self._fsync == "always" or size > _FULL:
            self._make_durable(mark)
        elif self._fsync == "interval":
            self._sync_soon(mark, size)
        return positions

    def sync(self) -> None:
        """Make everything that was appended durable, whatever the level.

        Raises:
            SyncError: the disk refused; the events it names are written but not durable.
            ClosedError: the handle was closed.
        """
        with self._lock:
            if self._closed:
                raise ClosedError(f"this handle on {self.path} was closed; open another")
            failure, self._failure = self._failure, None
            writer = self._writer
        if writer is not None:
            self._make_durable(writer.unsynced.mark)
        if failure is not None and not failure.ids:
            raise failure

    def _make_durable(self, mark: int) -> None:
        """Return when the first `mark` events are durable; many threads share one sync."""
        with self._sync_lock:
            writer = self._writer
            if self._durable >= mark:
                return
            if writer is None:
                raise SyncError(
                    f"the handle on {self.path} was closed before this was durable;"
                    " append it again with the same ids",
                    (),
                )
            refused, failure = self._refused
            if mark <= refused and failure is not None:
                raise failure
            with self._lock:
                taken = writer.take_unsynced()
            self._sync_taken(writer, taken)

    def _sync_taken(self, writer: LaneWriter, taken: Unsynced) -> None:
        cause = taken.lost
        try:
            if cause is None:
                sync_all(taken)
        except OSError as error:
            cause = error
        except BaseException:
            with self._lock:
                writer.put_back(taken)
            raise
        with self._lock:
            if cause is None:
                writer.synced(taken)
                self._durable = taken.mark
            else:
                self._rescue(writer, taken, cause)

    def _rescue(self, writer: LaneWriter, taken: Unsynced, cause: OSError) -> None:
        try:
            writer.rescue(taken, cause)
        except SyncError as error:
            if not error.ids:  # nothing will write them again: no later sync may claim them
                self._refused = writer.unsynced.mark, error
            raise
        self._durable = writer.unsynced.mark

    def _sync_soon(self, mark: int, size: int) -> None:
        if not self._wake.is_set():
            if self._syncer is None and not self._start_syncer():
                self._make_durable(mark)
                return
            self._wake.set()
        if size > _URGENT:
            self._urgent.set()

    def _start_syncer(self) -> bool:
        """Start the background thread; False where no thread can be started."""
        with self._lock:
            if self._syncer is None:
                arguments = (weakref.ref(self), self._wake, self._urgent)
                syncer = threading.Thread(
                    target=_sync_in_background, args=arguments, name="journal-sync", daemon=True
                )
                try:
                    syncer.start()
                except RuntimeError:  # too many threads, or the interpreter is ending
                    return False
                self._syncer = syncer
        return True

    def _sync_quietly(self) -> bool:
        """Sync for the background thread; keep an error for the next call. False when closed."""
        with self._lock:
            writer = self._writer
            if self._closed or writer is None:
                return False
            mark = writer.unsynced.mark
        try:
            self._make_durable(mark)
        except SyncError as error:
            with self._lock:
                self._failure = error
        return True

    def close(self) -> None:
        """Sync what the level promises, close the files and end the lease; again does nothing.

        Raises:
            SyncError: the disk refused; the handle is closed all the same.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            writer, failure = self._writer, self._failure
        self._wake.set()
        self._urgent.set()
        if writer is None:
            return
        try:
            if self._fsync != "never":
                self._make_durable(writer.unsynced.mark)
        finally:
            with self._sync_lock, self._lock:
                self._writer = None
                writer.close()
        if failure is not None and not failure.ids:
            raise failure

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # a server that opens a handle for every request and forgets it would run out of files
        if getattr(self, "_closed", True) is False:
            self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"fsync={self._fsync}"
        return f"<Journal {self.path} {state}>"

    def _after_fork_in_child(self) -> None:
        """Let go of the parent's lane: two processes must never write to one segment."""
        writer, closed = self._writer, self._closed
        self._reset()
        self._closed = closed
        if writer is not None:
            writer.close()


def _event(type: str, session: str, id: str | None, data: Mapping[str, Any]) -> NewEvent:
    id = uuid7() if id is None else id
    check_event(type, session, id, data)
    return type, session, id, data  # type: ignore[return-value] # check_event refuses all but a dict


def _from_mapping(event: Mapping[str, Any]) -> NewEvent:
    try:
        rest = dict(event)
        type, session, data = rest.pop("type"), rest.pop("session"), rest.pop("data")
    except KeyError as error:
        raise EventError(f"{error} is missing") from error
    id = rest.pop("id", None)
    if rest:
        raise EventError(f"{next(iter(rest))!r} is no key of an event (type, session, id, data)")
    return _event(type, session, id, data)


def _sync_in_background(
    handle: weakref.ref[Journal], wake: threading.Event, urgent: threading.Event
) -> None:
    """Sync a handle's appends soon after each first one, until it is closed or forgotten."""
    alive = True
    while alive:
        wake.wait()
        urgent.wait(_GATHER)
        # cleared before the sync takes its snapshot: an append in between wakes again
        wake.clear()
        urgent.clear()
        journal = handle()
        alive = journal is not None and journal._sync_quietly()  # noqa: SLF001 - its own thread
        del journal


_handles: weakref.WeakSet[Journal] = weakref.WeakSet()


def _forget_leases() -> None:
    for handle in list(_handles):
        handle._after_fork_in_child()  # noqa: SLF001 - the handle's own hook


def _close_all() -> None:
    # one handle that cannot sync must not keep the others from it
    with contextlib.ExitStack() as stack:
        for handle in list(_handles):
            stack.callback(handle.close)


os.register_at_fork(after_in_child=_forget_leases)
atexit.register(_close_all)
