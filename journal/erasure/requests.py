"""Requests to forget, and their effect: see "Forgetting" in `docs/format.md`.

The projector, the importers, erasure and everything that restores records use `Forgotten`, so that
all of them forget the same events.
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from journal.erasure.files.searched import HINT, Searched, checksum_of, name_of
from journal.erasure.naming import Keyed
from journal.erasure.receipts import TYPES, named_requests, warnings
from journal.erasure.request import request_of
from journal.erasure.texts import Redaction
from journal.format.event import Event
from journal.format.event_types import FORGET, MESSAGE_APPENDED, OF_ERASURE
from journal.fs.directory import ERASER
from journal.fs.key_file import read_keys
from journal.segments.find import find_events
from journal.segments.gone import repeat_if_gone
from journal.segments.listing import list_segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from journal.erasure.request import Request
    from journal.format.keyed_hash import Key
    from journal.fs.directory import Directory
    from journal.segments.listing import SegmentRef

_WORTH = 1 << 20
"""Bytes that were searched before the hint is stored for growing segments alone."""


class Forgotten:
    """What the requests of a journal forget. It is false if there are none.

    The order of requests and keys, and repeated requests, make no difference. Of several requests
    with one id, each is in force.

    Args:
        requests: the requests.
        keys: the keys of the journal.

    Attributes:
        requests: the requests without duplicates, by id.
        unknown_keys: the ids of keys that requests name and the journal lacks, sorted. What these
            requests forget cannot be determined.
        names_messages: whether a request forgets messages in every session.
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
        self._redaction = Redaction(known, self.requests)
        self.names_messages = any(request.messages for request in self.requests)
        self.unknown_keys = tuple(sorted(by_key.keys() - {key.id for key in known}))

    def __bool__(self) -> bool:
        return bool(self.requests)

    def covers(self, request: Request) -> bool:
        """Return whether these requests forget all that another one does, now and later."""
        hides = any(keyed.covers(request) for keyed in self._keyed)
        return hides and self._redaction.covers(request)

    def understands(self, request: Request) -> bool:
        """Return whether the journal has the key of a request, one of these."""
        return request.key not in self.unknown_keys

    def knows(self, request: Request) -> bool:
        """Return whether a request is among these."""
        return request in self._by_id.get(request.id, ())

    def forgets_session(self, session: str) -> bool:
        """Return whether a session is forgotten, with all events that are ever appended to it."""
        # no event has this id or type: only a request that names the session forgets it
        event = Event(session, "\0", "\0", 0, 0, {})
        return bool(self) and self.apply(event, "", 0)[0] is None

    def forgets_message(self, session: str, id: str, data: dict[str, Any]) -> bool:
        """Return whether a message that is not appended yet is forgotten, wherever it comes from.

        One that is no JSON is not: it has no hashes, and no record can hold it.
        """
        event = Event(session, id, MESSAGE_APPENDED, 0, 0, data)
        try:
            return self.apply(event, "", 0)[0] is None
        except TypeError:
            return False

    def redact_message(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the data of a message that is not appended yet, as readers would be shown it.

        It is the same object if nothing in it is redacted, and if it is no JSON.
        """
        event = Event("\0", "\0", MESSAGE_APPENDED, 0, 0, data)
        try:
            return self._redaction.apply(event, "", 0)[0].data
        except TypeError:
            return data

    def apply(self, event: Event, lane: str, seq: int) -> tuple[Event | None, str]:
        """Return an event without its forgotten parts, and the id of a request that changes it.

        Args:
            event: the event.
            lane: uuid of the lane of its record; empty for an event that is not appended yet, which
                only a request without a reach forgets.
            seq: number of its record in the lane.

        Returns:
            The event itself and an empty id; the event without its forgotten parts and with marks
            in the texts that are redacted; or None, if it is forgotten.
        """
        # an older version, or another program, may have written messages there
        if event.session == FORGET and event.type in OF_ERASURE:
            return event, ""
        left, by = self._without(event, lane, seq)
        if left is None:
            return None, by
        redacted, request = self._redaction.apply(left, lane, seq)
        if redacted is left:
            return left, by
        # a request may name what is left by its redacted text
        left, again = self._without(redacted, lane, seq)
        return left, by or again or request

    def _without(self, event: Event, lane: str, seq: int) -> tuple[Event | None, str]:
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


class RequestScan:
    """Finds the requests of a journal; a repeated search reads only new bytes.

    What has no request can be listed in `<journal>/imports/requests`, so that the next process need
    not search it. The ids of those that were found are listed there, too.

    Args:
        directory: the opened journal.
        before_each: called before each segment that is searched; what it raises ends the search,
            and `save` keeps what was searched.

    Attributes:
        lost: ids of the requests that no lane has any more, sorted: receipts name them, or an
            earlier search found them. What they forget is not known.
    """

    def __init__(
        self, directory: Directory, before_each: Callable[[], None] = lambda: None
    ) -> None:
        self._directory = directory
        self._before_each = before_each
        self._hint = directory.path / "imports" / HINT
        self._known: Searched | None = None
        self._searched: dict[str, tuple[int, int]] = {}  # segment: inode, bytes searched
        self._found: dict[str, list[Request]] = {}
        self._named: dict[str, set[str]] = {}  # ids that the receipts of a segment name
        self.lost: tuple[str, ...] = ()
        self._keys: tuple[Key, ...] = ()
        self._forgotten = Forgotten(())
        self._is_changed = True
        self._new = 0
        self._new_bytes = 0

    def read_understood(self) -> Forgotten:
        """Return what the requests in the lanes forget, if there can be some.

        It returns at once in a journal that has no key and in which nothing was ever erased: it
        needs no search. If the key alone is missing, no request is understood, and `warnings` says
        so.

        Raises:
            JournalOpenError, ReadError: as `read`.
        """
        path = self._directory.path
        if read_keys(path) or os.path.lexists(path / ERASER):
            return self.read()
        return Forgotten(())

    def warnings(self) -> tuple[str, ...]:
        """Return why something may not be recognized that was forgotten, as the last search saw."""
        return warnings(self._forgotten.unknown_keys, self.lost)

    def read(self) -> Forgotten:
        """Return what the requests in the lanes forget.

        Raises:
            JournalOpenError: the file of the keys is damaged or cannot be read.
            ReadError: a segment cannot be read.
        """
        keys = read_keys(self._directory.path)
        if self._known is None:
            self._known = Searched.load(self._hint)
        known = self._known
        repeat_if_gone(lambda: self._search_all(known))
        if self._is_changed or keys != self._keys:
            lost = self._missing(known)
            if lost:
                # a request may have been appended, and carried out, behind what was searched
                repeat_if_gone(lambda: self._search_all(known))
            self.lost = tuple(sorted(lost & self._missing(known)))
            self._is_changed = False
            found = [request for there in self._found.values() for request in there]
            self._keys, self._forgotten = keys, Forgotten(found, keys)
        return self._forgotten

    def _missing(self, known: Searched) -> frozenset[str]:
        """Return the ids of requests that are named, and that were not found."""
        there = {request.id for found in self._found.values() for request in found}
        return known.found.union(*self._named.values()) - there

    def _search_all(self, known: Searched) -> None:
        for ref in list_segments(self._directory.lanes):
            if self._search(ref, known):
                self._is_changed = True

    def _search(self, ref: SegmentRef, known: Searched) -> bool:
        """Search the new bytes of a segment; return whether the requests have changed."""
        name, version = name_of(ref), (*ref.version, ref.size)
        if known.empty.get(name) == version:
            return False
        inode, offset = self._searched.get(name) or (ref.version[0], known.beginning(ref))
        is_changed = False
        if inode != ref.version[0] or offset > ref.size:
            had = self._found.pop(name, None), self._named.pop(name, None)
            is_changed, offset = any(each is not None for each in had), 0
        if offset < ref.size:
            self._before_each()
            events, end = find_events(ref, TYPES, offset)
            self._new_bytes += end - offset
            offset = end
            found = [request for event in events if (request := request_of(event)) is not None]
            named = [id for event in events for id in named_requests(event)]
            if found:
                self._found.setdefault(name, []).extend(found)
            if named:
                self._named.setdefault(name, set()).update(named)
            is_changed |= bool(found or named)
        self._searched[name] = ref.version[0], offset
        if ref.final and not self._has_erasures(name):
            known.empty[name] = version
            self._new += 1
        return is_changed

    def _has_erasures(self, name: str) -> bool:
        """Return whether a segment has a request or a receipt."""
        return name in self._found or name in self._named

    def save(self) -> None:
        """Store what has no request, if that spares the next process a search.

        Raises:
            OSError: the file system refused.
        """
        known = self._known
        if known is None:
            return
        found = known.found | {it.id for there in self._found.values() for it in there}
        if not (self._new or self._new_bytes > _WORTH or found != known.found):
            return
        refs = {name_of(ref): ref for ref in list_segments(self._directory.lanes)}
        empty = {name: version for name, version in known.empty.items() if name in refs}
        growing = {
            name: (inode, offset, checksum_of(refs[name], offset))
            for name, (inode, offset) in self._searched.items()
            if name in refs and not self._has_erasures(name) and name not in empty
        }
        self._known = Searched(empty, growing, found)
        self._known.save(self._hint)
        self._new = self._new_bytes = 0


def read_requests(directory: Directory) -> Forgotten:
    """Read all requests in the lanes of a journal, and the journal's keys.

    Raises:
        JournalOpenError, ReadError: as `RequestScan.read`.
    """
    return RequestScan(directory).read()
