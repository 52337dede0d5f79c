"""Segments that another one supersedes: it has the same records, but for those that were erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.record import Header
from journal.format.scan import Found

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from journal.segments.blocks import Chunk
    from projector.run.watermark import Mark


class Superseded:
    """The uuids of the segments that the headers which were read supersede."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def add(self, header: Header) -> None:
        """Note what a segment supersedes."""
        rows = [(uuid,) for uuid in header.supersedes]
        self._db.executemany("INSERT OR IGNORE INTO _superseded(uuid) VALUES(?)", rows)

    def has(self, uuid: str) -> bool:
        """Return whether a segment is superseded."""
        query = "SELECT 1 FROM _superseded WHERE uuid = ?"
        return self._db.execute(query, (uuid,)).fetchone() is not None


def known_numbers(before: Mark, chunk: Chunk, marks: Iterable[Mark]) -> int | None:
    """Return how many sequence numbers of a segment need not be applied again.

    Args:
        before: the mark of the segment that was read at its place.
        chunk: the beginning of the segment that is there now.
        marks: those of all segments.

    Returns:
        How many of its first numbers were applied already; None if it does not supersede the
        segment that was read.
    """
    first = chunk.items[0] if chunk.items else None
    if not (isinstance(first, Found) and isinstance(first.record, Header)):
        return None
    superseded = first.record.supersedes
    if before.uuid not in superseded:
        return None
    # if several segments were joined, records of another one may be first
    is_joined = any(mark.uuid in superseded for mark in marks if mark is not before)
    return 0 if is_joined else max(before.numbers, before.known)
