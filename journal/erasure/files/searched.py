"""The file `imports/requests`: where no request or receipt is, and which requests were found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from zlib import crc32

import orjson

from journal.format.bounds import is_key
from journal.fs.files import make_folder, swap_file
from journal.fs.ownership import read_own
from journal.segments.blocks import read_at
from journal.segments.segment import open_segment

if TYPE_CHECKING:
    from pathlib import Path

    from journal.segments.listing import SegmentRef

HINT = "requests"
"""Name of the file in `imports/` that names the segments without requests."""

_VERSION = 2
_MOST = 64 * 1024 * 1024
"""Bytes of the file that are read."""
_BEGINNING = 512
"""Bytes of a segment that its checksum is of: they contain the header with the segment's uuid."""

_Numbers = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Searched:
    """Where no request is. Like all files in `imports/` it is a hint: without it all is searched.

    Attributes:
        empty: inode, time of the last change in nanoseconds and size of each final segment without
            a request or a receipt. One that has changed in any way is searched again.
        growing: inode of a growing segment, the number of its first bytes that have none, and a
            checksum of how it begins.
        found: ids of the requests that were found: one that no segment has any more is lost.
    """

    empty: dict[str, _Numbers] = field(default_factory=dict)
    growing: dict[str, _Numbers] = field(default_factory=dict)
    found: frozenset[str] = frozenset()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read it from a file; what is missing or damaged is not known."""
        try:
            kept = orjson.loads(read_own(path, _MOST))
        except (OSError, ValueError):
            return cls()
        if not isinstance(kept, dict) or kept.get("version") != _VERSION:
            return cls()
        return cls(
            _numbers(kept.get("empty")), _numbers(kept.get("growing")), _ids(kept.get("found"))
        )

    def save(self, path: Path) -> None:
        """Write it to a file.

        Raises:
            OSError: the file system refused.
        """
        make_folder(path.parent)
        kept = {"version": _VERSION, "empty": self.empty, "growing": self.growing}
        swap_file(path, orjson.dumps(kept | {"found": sorted(self.found)}))

    def beginning(self, ref: SegmentRef) -> int:
        """Return how many of the first bytes of a growing segment have no request."""
        inode, offset, checksum = self.growing.get(name_of(ref), (0, 0, 0))
        # the inode of a file that was replaced can be used again: its header is another then
        is_same = inode == ref.version[0] and offset <= ref.size
        return offset if is_same and checksum_of(ref, offset) == checksum else 0


def name_of(ref: SegmentRef) -> str:
    """Return the name of a segment: the folder of its lane, and its number."""
    return f"{ref.lane}/{ref.number}"


def checksum_of(ref: SegmentRef, offset: int) -> int:
    """Return a checksum of how a segment begins, up to an offset; -1 if it cannot be read."""
    try:
        with open_segment(ref.path) as file:
            return crc32(read_at(file, 0, min(offset, _BEGINNING)))
    except OSError:  # the search of the segment raises it
        return -1


def _numbers(value: object) -> dict[str, _Numbers]:
    entries = value.items() if isinstance(value, dict) else ()
    return {name: (*each,) for name, each in entries if _is_numbers(each)}


def _ids(value: object) -> frozenset[str]:
    return frozenset(filter(is_key, value)) if isinstance(value, list) else frozenset()


def _is_numbers(value: object) -> bool:
    return isinstance(value, list) and [each.__class__ for each in value] == [int, int, int]
