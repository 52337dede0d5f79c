"""What a backup copies of a journal: the segments of all lanes, and their sizes, at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.errors import ReadError
from journal.segments.listing import list_segments
from journal.segments.segment import read_header

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from journal.segments.listing import SegmentRef


class Rewritten(Exception):  # noqa: N818 - named after what happened; its callers take a new cut
    """A segment was replaced or removed since it was listed."""


@dataclass(frozen=True, slots=True)
class Source:
    """A segment to copy.

    Attributes:
        ref: the segment as it was listed.
        segment: its uuid; empty where its header cannot be read.
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
class Cut:
    """The segments of a journal at one moment.

    Attributes:
        sources: the segments, by folder and number, without those that another one supersedes.
        superseded: uuids of all segments that were replaced.
    """

    sources: tuple[Source, ...]
    superseded: frozenset[str]


def take_cut(lanes: Path) -> Cut:
    """List the segments of all lanes, and read their headers. Nothing is locked.

    All that was acknowledged before the call is within the listed sizes.

    Raises:
        Rewritten: a segment was replaced meanwhile.
        ReadError: a folder or segment cannot be read.
    """
    found, superseded, lane, folder = [], set[str](), "", ""
    for ref in _list(lanes):
        if ref.lane != folder:
            folder, lane = ref.lane, f"?{ref.lane}"
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
    return Cut(sources, frozenset(superseded))


def check_unchanged(lanes: Path, sources: Iterable[Source]) -> None:
    """Check that the files of a cut are still at their places.

    Raises:
        Rewritten: one was replaced or removed: copies of it and of others may be of two moments.
        ReadError: a folder cannot be read.
    """
    inodes = {(ref.lane, ref.number): ref.version[0] for ref in list_segments(lanes)}
    for source in sources:
        ref = source.ref
        if inodes.get((ref.lane, ref.number)) != ref.version[0]:
            raise Rewritten


def _list(lanes: Path) -> list[SegmentRef]:
    """List all segments; none is missing that was there when the listing began.

    While entries are added to a folder, a listing of it can have the last one and lack one before
    it: the copy of the lane would have a hole.
    """
    refs = list_segments(lanes)
    while True:
        again = list_segments(lanes)
        known = {(ref.lane, ref.number) for ref in refs}
        last = {ref.lane: ref.number for ref in refs}
        if all((r.lane, r.number) in known or r.number > last.get(r.lane, 0) for r in again):
            return refs
        refs = again
