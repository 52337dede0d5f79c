"""Reading the events of a journal, and following them as it grows."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from journal.erasure.follow import EventFollower
from journal.errors import EventError
from journal.format.lossless import check_text
from journal.format.position import Position
from journal.format.timestamps import moment
from journal.fs.directory import open_directory
from journal.segments.damaged_bytes import DamagedBytes

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from journal.format.event import Event
    from journal.format.scan import Damage
    from journal.fs.directory import Directory
    from journal.segments.listing import SegmentRef
    from journal.segments.reader import Located

POLL = 0.15
"""Seconds between two reads of a journal that is followed."""

_log = logging.getLogger("journal")


class Entry(NamedTuple):
    """An event, and the position of its record."""

    position: Position
    event: Event


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are read.

    Attributes:
        session: only those of this session; None for all.
        since: only those that were appended at this time or later, by the clock of their writer:
            microseconds since 1970; None for all.
        types: only those of these types; None for all.
    """

    session: str | None
    since: int | None
    types: frozenset[str] | None

    def passes(self, event: Event) -> bool:
        """Return whether an event is read."""
        return (
            (self.session is None or event.session == self.session)
            and (self.since is None or event.time >= self.since)
            and (self.types is None or event.type in self.types)
        )


def read(
    path: str | os.PathLike[str],
    *,
    session: str | None = None,
    types: Iterable[str] | None = None,
    since: datetime | str | int | None = None,
    follow: bool = False,
    on_damage: Callable[[DamagedBytes], None] | None = None,
) -> Iterator[Entry]:
    """Read the events of a journal, in the order of events.

    ::

        for position, event in journal.read("~/agents", types=["message.appended"]):
            print(position, event.session, event.data.get("content"))

    An event that was appended several times, under one key, is read several times: what counts of
    several is decided by the projection. A record that a writer wrote again after a failed sync is
    read once. A record that a writer has not finished is read when it is finished. What is
    forgotten is not read.

    Bytes that are no valid record are skipped: every valid record around them is read. They are
    handed to `on_damage`, or else logged as a warning of the logger `journal`. After a crash, one
    unfinished record at the end of a segment is normal; it was never acknowledged.

    Args:
        path: the journal's folder.
        session: only events of this session.
        types: only events of these types, such as `message.appended`.
        since: only events that were appended at this time or later, by the clock of their writer:
            an aware datetime, an ISO 8601 string with a zone, or microseconds since 1970.
        follow: continue as the journal grows, and never end. Each look (there are about seven a
            second) yields what is new in the order of events; an event of another process may
            come after one with a higher order that was read before. A ReadError ends it, also if
            the folder is away only for a moment: call `read` again, with `since` to read less.
        on_damage: called for each damaged stretch, when reading comes to it.

    Raises:
        NotAJournalError: there is no journal.
        JournalOpenError: it cannot be opened; or its file `key` is damaged, which is raised while
            the events are read.
        EventError: `since` is no time, `session` or a type no text, or `on_damage` no function.
        ReadError: a lane cannot be read; raised while the events are read.
    """
    if session is not None:
        check_text("session", session)
    if types is not None and not isinstance(types, str):
        types = _checked_types(types)
    if on_damage is not None and not callable(on_damage):
        raise EventError(f"on_damage must be a function, not {on_damage!r:.60}")
    directory = open_directory(path, create=False)
    least = None if since is None else moment("since", since)
    wanted = None if types is None else frozenset([types] if isinstance(types, str) else types)

    asked = EventFilter(session, least, wanted)
    found = _read(directory, on_damage or _warn, is_endless=follow)
    return (
        Entry(Position(at.lane, at.record.seq), at.record.event)
        for at in found
        if asked.passes(at.record.event)
    )


def _checked_types(types: object) -> list[str]:
    if isinstance(types, bytes) or not isinstance(types, Iterable):
        raise EventError(f"types must be a list of types of events, not {types!r:.60}")
    found = list(types)
    for index, type in enumerate(found):
        check_text(f"types[{index}]", type)
    return found


def _read(
    directory: Directory, on_damage: Callable[[DamagedBytes], None], *, is_endless: bool
) -> Iterator[Located]:
    def tell(ref: SegmentRef, damage: Damage) -> None:
        on_damage(DamagedBytes.of(ref, damage))

    follower = EventFollower(directory, tell)
    yield from follower.read()
    while is_endless:
        yield from follower.poll()
        time.sleep(POLL)


def _warn(damage: DamagedBytes) -> None:
    _log.warning("%s", damage)
