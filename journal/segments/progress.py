"""How far a segment was read, so that reading continues if an eraser has replaced the file.

The new file has the same records at other offsets, and runs in place of the erased ones. The
position is found again by its sequence number.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from journal.format.record import Erased
from journal.format.scan import Damage, Found
from journal.segments.blocks import read_at, read_chunk
from journal.segments.segment import behind

if TYPE_CHECKING:
    from io import FileIO

_BEGINNING = 512
"""Bytes at a segment's start that hold its uuid."""


@dataclass(slots=True)
class Progress:
    """How far a segment was read.

    Attributes:
        offset: bytes that were read.
        inode: of the file that was read, 0 if none was.
        beginning: its first bytes.
        reached: the sequence number behind the last record; 0 if there was none.
        stretches: how many stretches of damage were read since that record.
        moved_to: offset at which the next item begins in a file that replaced the one before; None
            if it is the same file. A reader that knows it sets it to None.
    """

    offset: int = 0
    inode: int = 0
    beginning: bytes = b""
    reached: int = 0
    stretches: int = 0
    moved_to: int | None = None

    def find_again(self, file: FileIO, *, final: bool) -> Found | None:
        """Move the offset if the file at the path is another one than was read.

        Args:
            file: the segment, opened.
            final: whether it cannot grow.

        Returns:
            The rest of a run of erased events of which a part was read; None if there is none.

        Raises:
            ReadError: the file cannot be read.
        """
        inode, beginning = os.fstat(file.fileno()).st_ino, read_at(file, 0, _BEGINNING)
        is_other = self.inode != inode or not beginning.startswith(self.beginning)
        rest = None
        if is_other and self.inode and self.offset:
            self.offset, rest = self._search(file, final=final)
            self.moved_to = self.offset
        self.inode, self.beginning = inode, beginning
        return rest

    def _search(self, file: FileIO, *, final: bool) -> tuple[int, Found | None]:
        """Return the offset after the records that were read; 0 if the file does not have them."""
        offset, stretches = 0, self.stretches
        is_found, rest = not self.reached, None
        at_end = False
        while not at_end:
            chunk = read_chunk(file, offset, final=final)
            for item in chunk.items:
                end = item.offset + item.length if isinstance(item, Damage) else item.end
                if not is_found:
                    if isinstance(item, Found) and self._is_last(item):
                        is_found, rest, offset = True, self._rest(item), end
                elif stretches and isinstance(item, Damage):
                    stretches, offset = stretches - 1, end
                else:
                    return offset, rest
            if is_found and not stretches:
                return offset, rest
            at_end = chunk.at_end or chunk.end == offset
            offset = max(offset, chunk.end)
        return (offset if is_found else 0), rest

    def _is_last(self, item: Found) -> bool:
        """Return whether an item is, or contains, the last record that was read."""
        following = behind(item.record)[0]
        if isinstance(item.record, Erased):
            return item.record.seq < self.reached <= following
        return following == self.reached

    def _rest(self, item: Found) -> Found | None:
        run = item.record
        if not isinstance(run, Erased) or behind(run)[0] == self.reached:
            return None
        count = run.seq + run.count - self.reached
        return item._replace(record=replace(run, seq=self.reached, count=count))

    def note(self, items: list[Found | Damage]) -> None:
        """Record items that were read, in order."""
        for index in range(len(items) - 1, -1, -1):
            item = items[index]
            if isinstance(item, Found):
                self.reached, self.stretches = behind(item.record)[0], len(items) - 1 - index
                return
        self.stretches += len(items)
