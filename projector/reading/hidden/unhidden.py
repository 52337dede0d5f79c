"""Requests to forget that a snapshot does not know: it shows what they name.

Only a snapshot that lacks events is searched for them: one that has all events knows all requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.erasure.request import request_of
from journal.erasure.requests import Forgotten
from journal.format.event_types import ERASURE_REQUESTED
from journal.fs.key_file import read_keys
from journal.segments.find import find_events
from projector.run.hiding import recorded
from projector.run.watermark import is_unchanged, opened, place

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import apsw

    from journal.erasure.request import Request
    from journal.segments.listing import SegmentRef
    from projector.run.open_segments import OpenSegments, Place
    from projector.run.watermark import Mark

_TYPE = ERASURE_REQUESTED.encode()


class Unhidden:
    """Finds the requests that snapshots do not know; a repeated search reads only new bytes.

    Args:
        journal: folder of the journal.
        segments: those that are open.
    """

    def __init__(self, journal: Path, segments: OpenSegments) -> None:
        self._journal = journal
        self._segments = segments
        self._searched: dict[Place, tuple[int, int]] = {}  # inode, bytes searched
        self._found: dict[Place, list[Request]] = {}

    def find(
        self, db: apsw.Connection, unapplied: Iterable[tuple[SegmentRef, Mark | None]]
    ) -> tuple[Request, ...]:
        """Return the requests that the snapshot which `db` holds does not know.

        Requests that hide nothing more are left out, and those whose key the journal lacks.

        Args:
            db: the connection.
            unapplied: the segments with bytes that are not applied, and how far each is applied.

        Raises:
            ReadError: a segment cannot be read.
            JournalOpenError: the file of the keys cannot be read.
        """
        there: list[Request] = []
        for ref, mark in unapplied:
            self._search(ref, mark)
            there += self._found.get(place(ref), ())
        known = recorded(db)
        if not (there or known):  # the keys of a journal without requests are not read
            return ()
        hides = Forgotten(
            (request for request, is_understood in known if is_understood),
            read_keys(self._journal),
        )
        wanted = Forgotten(
            [*there, *(request for request, is_understood in known if not is_understood)],
            read_keys(self._journal),
        )
        return tuple(
            request
            for request in wanted.requests
            if wanted.understands(request)
            and not hides.knows(request)
            and not hides.covers(request)
        )

    def _search(self, ref: SegmentRef, mark: Mark | None) -> None:
        at, inode = place(ref), ref.version[0]
        known, offset = self._searched.get(at, (0, 0))
        if known != inode or offset > ref.size:
            self._found.pop(at, None)
            offset = self._applied(ref, mark)
        if offset < ref.size:
            events, offset = find_events(ref, _TYPE, offset)
            found = [request for event in events if (request := request_of(event)) is not None]
            self._found.setdefault(at, []).extend(found)
        self._searched[at] = inode, offset

    def _applied(self, ref: SegmentRef, mark: Mark | None) -> int:
        """Return how many bytes of a segment were applied; 0 if it was replaced since."""
        if mark is None or not 0 < mark.offset <= ref.size:
            return 0
        with opened(ref, self._segments) as file:
            return mark.offset if is_unchanged(file, mark) else 0
