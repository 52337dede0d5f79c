"""What a backup copies of a journal: the segments of all lanes, up to their present sizes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from journal.errors import ReadError
from journal.segments.listing import list_lane, list_segments
from journal.segments.segment import read_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from journal.segments.listing import SegmentRef


class Rewritten(Exception):  # noqa: N818 - named after what happened; its callers list the lane again
    """A segment was replaced or removed since it was listed."""


@dataclass(frozen=True, slots=True)
class Source:
    """A segment to copy.

    Attributes:
        ref: the segment as it was listed.
        segment: its uuid; empty if its header cannot be read.
        lane: uuid of its lane, as `Copied.lane`.
    """

    ref: SegmentRef
    segment: str
    lane: str

    @property
    def place(self) -> tuple[str, int, str]:
        """What distinguishes it, as `Copied.place`."""
        return self.ref.lane, self.ref.number, self.segment


@dataclass(frozen=True, slots=True)
class Lane:
    """The segments of one lane's folder.

    Attributes:
        sources: the segments, by number, without those that another one supersedes.
        superseded: uuids of all segments that were replaced.
    """

    sources: tuple[Source, ...]
    superseded: frozenset[str]


def list_all(lanes: Path) -> dict[str, list[SegmentRef]]:
    """List the segments of all lanes, by the name of their folder. Nothing is locked.

    All that was acknowledged before the call is within the listed sizes.

    Raises:
        ReadError: a folder cannot be read.
    """
    found: dict[str, list[SegmentRef]] = {}
    for ref in _complete(partial(list_segments, lanes)):
        found.setdefault(ref.lane, []).append(ref)
    return found


def list_one(folder: Path) -> list[SegmentRef]:
    """List the segments of one lane, as `list_all`."""
    return _complete(partial(list_lane, folder))


def identify(refs: Iterable[SegmentRef]) -> Lane:
    """Read the headers of a lane's segments.

    Raises:
        Rewritten: a segment was removed since it was listed.
        ReadError: a segment cannot be read.
    """
    found, superseded, lane = [], set[str](), ""
    for ref in refs:
        lane = lane or f"?{ref.lane}"
        try:
            header = read_header(ref.path)
        except FileNotFoundError as error:
            raise Rewritten from error
        except OSError as error:
            raise ReadError(f"cannot read {ref.path}: {error.strerror or error}") from error
        if header is not None:
            lane = header.lane
            superseded.update(header.supersedes)
        found.append(Source(ref, header.segment if header else "", lane))
    sources = tuple(source for source in found if source.segment not in superseded)
    return Lane(sources, frozenset(superseded))


def check_unchanged(folder: Path, sources: Iterable[Source]) -> None:
    """Check that the files of a lane are still at their places.

    Raises:
        Rewritten: one was replaced or removed: the copies may be from different times.
        ReadError: the folder cannot be read.
    """
    inodes = {ref.number: ref.version[0] for ref in list_lane(folder)}
    if any(inodes.get(source.ref.number) != source.ref.version[0] for source in sources):
        raise Rewritten


def _complete(listed: Callable[[], list[SegmentRef]]) -> list[SegmentRef]:
    """List segments; all that existed when the listing began are included.

    While entries are added to a folder, a listing of it can have the last one and lack one before
    it: the copy of the lane would have a gap.
    """
    refs = listed()
    while True:
        again = listed()
        known = {(ref.lane, ref.number) for ref in refs}
        last = {ref.lane: ref.number for ref in refs}
        if all((r.lane, r.number) in known or r.number > last.get(r.lane, 0) for r in again):
            return refs
        refs = again
