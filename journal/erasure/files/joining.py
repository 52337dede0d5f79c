"""Small segments that follow each other in a lane become one, with the same lines.

The joined segment gets the name of the first one. The files of the others stay for a while: a
reader may have listed them. Until they are removed, readers skip them, because the joined segment
supersedes them.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.erasure.files.swap import Version, swap, version_of
from journal.erasure.rewrite import new_header
from journal.errors import EraseError, ReadError, reason
from journal.format.record import FORMAT, Record
from journal.fs import disk
from journal.fs.files import sync_folder
from journal.process.ids import uuid7
from journal.segments.blocks import read_at, read_between
from journal.segments.reader import SegmentWalk
from journal.segments.segment import ROLL_SIZE, behind, open_segment, read_header, read_tail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from io import FileIO

    from journal.erasure.lock import EraserLock
    from journal.format.record import Header
    from journal.segments.listing import SegmentRef

SMALL = ROLL_SIZE // 4
"""Bytes up to which a segment is joined with others. A larger one stays, so that its bytes are not
written again whenever a small one follows it."""
_MOST = 1_000
"""Uuids in `supersedes` of a joined segment, at most: every reader reads its header."""
GRACE = 3600.0
"""Seconds for which the files of joined segments stay."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A final segment without damage, whose records follow each other.

    Attributes:
        ref: where it is.
        version: of the file that was read.
        header: its header.
        header_end: offset behind the header.
        following: the sequence number behind its last record.
        orders: order of its first and of its last event; None without events.
        time: when its last event was appended, by its writer's clock, microseconds since 1970; if
            it has no events, when it was created.
    """

    ref: SegmentRef
    version: Version
    header: Header
    header_end: int
    following: int
    orders: tuple[int, int] | None
    time: int

    @property
    def size(self) -> int:
        """Bytes of the file that was read."""
        return self.version[1]

    @property
    def uuids(self) -> list[str]:
        """Its uuid, and those of the segments that it supersedes."""
        return [self.header.segment, *self.header.supersedes]


def examine(ref: SegmentRef) -> Sound | None:
    """Read a final segment; return None if it has damage, a gap, or another format.

    Raises:
        ReadError: it cannot be read.
    """
    headers: list[tuple[Header, int]] = []
    damaged = False

    def on_damage(*_: object) -> None:
        nonlocal damaged
        damaged = True

    try:
        with open_segment(ref.path) as file:
            version = version_of(os.fstat(file.fileno()))
    except OSError as error:
        raise ReadError(f"cannot read {ref.path}: {reason(error)}") from error
    walk = SegmentWalk(ref, on_damage, lambda header, end: headers.append((header, end)))
    orders: list[int] = []
    following = at = 0
    for record in walk.read():
        if damaged or not headers or headers[0][0].format != FORMAT:
            return None
        following = following or headers[0][0].seq
        if record.seq != following:
            return None
        following, moment, order = behind(record)
        if isinstance(record, Record):
            orders.append(order)
            del orders[1:-1]
            at = moment
    if damaged or not headers or not walk.closed or headers[0][0].format != FORMAT:
        return None
    header, end = headers[0]
    found = (orders[0], orders[-1]) if orders else None
    return Sound(ref, version, header, end, following or header.seq, found, at or header.started)


def groups(found: Iterable[Sound | None]) -> Iterator[list[Sound]]:
    """Yield the segments that are to be joined, two or more at a time. Pure.

    Args:
        found: the segments of a lane's folder, by number; None for one that stays as it is.
    """
    group: list[Sound] = []
    for sound in found:
        if sound is None or not _fits(group, sound):
            if len(group) > 1:
                yield group
            group = []
        if sound is not None:
            group.append(sound)
    if len(group) > 1:
        yield group


def _fits(group: Sequence[Sound], sound: Sound) -> bool:
    """Return whether a segment goes on where a group ends, and is not too much for it."""
    if not group:
        return True
    last = group[-1].header
    highest = max((each.orders[1] for each in group if each.orders), default=-1)
    return (
        (last.lane, last.folder) == (sound.header.lane, sound.header.folder)
        and sound.header.seq == group[-1].following
        and (sound.orders is None or sound.orders[0] > highest)
        and sum(each.size for each in (*group, sound)) <= ROLL_SIZE
        and sum(len(each.uuids) for each in (*group, sound)) <= _MOST
    )


def join(group: Sequence[Sound], lock: EraserLock) -> bool:
    """Write the lines of a group into one segment, in the place of the first.

    Returns:
        False if one of them is not the one that was read; nothing was changed.

    Raises:
        EraserBusy: the eraser's lock was lost.
        EraseError: the file system refused; all segments are still there.
    """

    def is_current() -> bool:
        return all(version_of(each.ref.path.lstat()) == each.version for each in group)

    try:
        with ExitStack() as stack:
            files = [stack.enter_context(open_segment(each.ref.path)) for each in group]
            if not is_current():
                return False
            return swap(group[0].ref.path, _content(group, files), lock, is_current)
    except (OSError, ReadError) as error:
        raise EraseError(
            f"cannot join segments {group[0].ref.number} to {group[-1].ref.number} in"
            f" {group[0].ref.folder}: {reason(error)}; nothing is lost. Do it again once the cause"
            " is gone"
        ) from error


def _content(group: Sequence[Sound], files: Sequence[FileIO]) -> Iterator[bytes]:
    first, file = group[0], files[0]
    joined = [uuid for each in group[1:] for uuid in each.uuids]
    yield new_header(read_at(file, 0, first.header_end), uuid7(), joined)
    for each, file in zip(group, files, strict=True):
        yield from read_between(file, each.header_end, each.size)


@dataclass(frozen=True, slots=True)
class Remains:
    """The file of a segment that was joined with another one.

    Attributes:
        ref: where it is.
        by: the segment that supersedes it: one before it in its folder.
    """

    ref: SegmentRef
    by: SegmentRef

    def is_due(self) -> bool:
        """Return whether no reader should need it any more: it is removed."""
        _, changed = self.by.version
        return time.time_ns() - changed >= GRACE * 1e9


def find_remains(refs: Iterable[SegmentRef]) -> list[Remains]:
    """Find the files of joined segments among those of a lane's folder, by number.

    Raises:
        ReadError: a header cannot be read.
    """
    found = []
    superseding: dict[str, SegmentRef] = {}
    for ref in refs:
        try:
            header = read_header(ref.path)
        except OSError as error:
            raise ReadError(f"cannot read {ref.path}: {reason(error)}") from error
        if header is None:
            continue
        by = superseding.get(header.segment)
        if by is not None and ref.final:
            found.append(Remains(ref, by))
        else:
            superseding |= dict.fromkeys(header.supersedes, ref)
    return found


def remove(remains: Remains, lock: EraserLock) -> bool:
    """Remove the file of a segment that was joined; return False if the joined one lacks its end.

    Raises:
        EraserBusy: the eraser's lock was lost.
        EraseError: the file system refused.
    """
    ref, by = remains.ref, remains.by
    try:
        whole, part = read_tail(by.path), read_tail(ref.path)
        if whole is None or part is None or whole.seq < part.seq:
            return False
        lock.check()
        disk.in_use.unlink(ref.path)
        sync_folder(ref.folder)
    except OSError as error:
        raise EraseError(
            f"cannot remove {ref.path}, whose lines are in {by.path}: {reason(error)}; nothing is"
            " lost. Do it again once the cause is gone"
        ) from error
    return True
