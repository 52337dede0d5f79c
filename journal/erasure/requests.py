"""Requests to forget, and what they forget: see "Forgetting" in `docs/format.md`.

The projector, the importers, erasure and everything that restores records decide with `Forgotten`,
so that all of them forget the same.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from journal.erasure.naming import Keyed
from journal.erasure.request import request_of
from journal.format.event import Event
from journal.format.event_types import ERASURE_REQUESTED, FORGET
from journal.fs.key_file import read_keys
from journal.segments.find import find_events
from journal.segments.listing import list_segments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from journal.erasure.request import Request
    from journal.format.keyed_hash import Key
    from journal.fs.directory import Directory

_TYPE = ERASURE_REQUESTED.encode()


class Forgotten:
    """What the requests of a journal forget. It is false if there are none.

    The same requests and keys forget the same, whatever their order, and however often each is
    given. Of several with one id each counts.

    Args:
        requests: the requests.
        keys: the keys of the journal.

    Attributes:
        requests: the requests, without those that are given twice, by id.
        unknown_keys: the ids of keys that requests name and the journal lacks, sorted. What these
            requests forget cannot be determined.
    """

    def __init__(self, requests: Iterable[Request], keys: Iterable[Key] = ()) -> None:
        by_id: defaultdict[str, list[Request]] = defaultdict(list)
        by_key: defaultdict[str, list[Request]] = defaultdict(list)
        for request in sorted(requests, key=lambda request: (request.id, request.time)):
            if request not in by_id[request.id]:
                by_id[request.id].append(request)
                by_key[request.key].append(request)
        self._by_id = by_id
        self.requests = tuple(request for same in by_id.values() for request in same)
        known = [key for key in dict.fromkeys(keys) if key.id in by_key]
        self._keyed = [Keyed(key, by_key[key.id]) for key in known]
        self.unknown_keys = tuple(sorted(by_key.keys() - {key.id for key in known}))

    def __bool__(self) -> bool:
        return bool(self.requests)

    def covers(self, request: Request) -> bool:
        """Return whether these requests forget all that another one does, now and later."""
        return any(keyed.covers(request) for keyed in self._keyed)

    def understands(self, request: Request) -> bool:
        """Return whether the journal has the key of a request, one of these."""
        return request.key not in self.unknown_keys

    def knows(self, request: Request) -> bool:
        """Return whether a request is among these."""
        return request in self._by_id.get(request.id, ())

    def forgets_session(self, session: str) -> bool:
        """Return whether a session is forgotten, with all that will ever be appended to it."""
        # no event has this id or type: only a request that names the session takes it
        event = Event(session, "\0", "\0", 0, 0, {})
        return bool(self) and self.apply(event, "", 0)[0] is None

    def apply(self, event: Event, lane: str, seq: int) -> tuple[Event | None, str]:
        """Return what is left of an event, and the id of the request that took the rest.

        Args:
            event: the event.
            lane: uuid of the lane of its record; empty for an event that is not appended yet, which
                only a request without a reach forgets.
            seq: number of its record in the lane.

        Returns:
            The event itself and an empty id; the event without its forgotten parts; or None, if it
            is forgotten.
        """
        if event.session == FORGET:
            return event, ""
        left, by = event, ""
        for keyed in self._keyed:
            found = keyed.forgets(left, lane, seq)
            if found:
                return None, found
            reduced, found = keyed.reduce(left, lane, seq)
            if reduced is None:
                return None, found
            left, by = reduced, by or found
        return left, by


def read_requests(directory: Directory) -> Forgotten:
    """Read all requests in the lanes of a journal, and the journal's keys.

    It returns at once where the journal has no keys: then nothing was ever forgotten here, and what
    others asked to forget cannot be determined. Else it reads every segment, and decodes only the
    lines that can be requests.

    Raises:
        JournalOpenError: the file of the keys is damaged or cannot be read.
        ReadError: a segment cannot be read.
    """
    keys = read_keys(directory.path)
    if not keys:
        return Forgotten(())
    found = (
        request_of(event)
        for ref in list_segments(directory.lanes)
        for event in find_events(ref, _TYPE)
    )
    return Forgotten(filter(None, found), keys)
