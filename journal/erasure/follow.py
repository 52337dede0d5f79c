"""Reads a growing journal further, without forgotten events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from journal.erasure.requests import RequestScan
from journal.segments.follow import Follower

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from journal.format.scan import Damage
    from journal.fs.directory import Directory
    from journal.segments.listing import SegmentRef
    from journal.segments.reader import Located


class EventFollower:
    """Reads the events of a journal, as `Follower` reads its records.

    A request hides events at once, but their bytes may stay in a segment for some time: another
    process leases the lane, or they were appended later.

    Args:
        directory: the opened journal.
        on_damage: called with each stretch of bytes that holds no valid record.
        warn: called once with each reason why an event is shown that may be forgotten.
    """

    def __init__(
        self,
        directory: Directory,
        on_damage: Callable[[SegmentRef, Damage], None],
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._requests = RequestScan(directory)
        self._warn = warn
        self._warned: set[str] = set()
        self._follower = Follower(directory.lanes, on_damage)

    def read(self) -> Iterator[Located]:
        """Yield all events, in their order; `poll` continues after them.

        Raises:
            JournalOpenError: the file of the keys is damaged or cannot be read.
            ReadError: a file or folder cannot be read.
        """
        return self._left(self._follower.read())

    def poll(self) -> Iterator[Located]:
        """Yield the new events behind everything that was read so far, in their order.

        Raises:
            JournalOpenError, ReadError: as `read`.
        """
        return self._left(self._follower.poll())

    def _left(self, found: Iterable[Located]) -> Iterator[Located]:
        forgotten = self._requests.read_understood()
        for text in self._requests.warnings():
            if text not in self._warned:
                self._warned.add(text)
                self._warn(text)
        if not forgotten:
            yield from found
            return
        for at in found:
            event = at.record.event
            left, _ = forgotten.apply(event, at.lane, at.record.seq)
            if left is event:
                yield at
            elif left is not None:
                yield replace(at, record=at.record._replace(event=left))
