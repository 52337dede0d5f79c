"""Events that are not appended yet, and the requests that forget them.

A writer does not look for requests: they are in other lanes. What it appends to a session that is
forgotten is hidden, and its bytes stay until the next erasure. So programs that append what comes
from elsewhere leave it out before.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from journal.errors import EventError
from journal.format.bounds import is_moment
from journal.format.event import Event
from journal.format.event_types import MESSAGE_APPENDED
from journal.fs.directory import ERASER, KEY_FILE, open_directory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journal.erasure.requests import Forgotten, RequestScan
    from journal.redact.redactor import Redactor

_AGAIN = 1.0
"""Seconds after which requests are looked for again: a command can read lines for days."""


def is_forgotten(path: str | os.PathLike[str], session: str) -> bool:
    """Return whether a session is forgotten: what is appended to it is hidden for ever.

    `append` does not look for that, since requests are in other lanes. Ask before a session is
    continued that another process may have forgotten. The segments are searched for requests, about
    a gigabyte a second; in a journal without a file `key` the answer is there at once.

    ::

        if journal.is_forgotten("~/agents", "s1"):
            session = "s2"

    Args:
        path: the journal's folder.
        session: id of the session.

    Raises:
        NotAJournalError: there is no journal.
        JournalOpenError: the file `key` is damaged.
        ReadError: a lane cannot be read.
    """
    from journal.erasure.requests import RequestScan  # noqa: PLC0415 - as in `Arrivals`

    return (
        RequestScan(open_directory(path, create=False)).read_understood().forgets_session(session)
    )


def without_forgotten(
    event: dict[str, Any], forgotten: Forgotten, redactor: Callable[[], Redactor]
) -> dict[str, Any] | None:
    """Return an event without its forgotten parts, and with marks in texts that are redacted.

    A message is forgotten if its request names it in clear, or as it is after redaction: of what
    was redacted when it was written, a request may know no more.

    Args:
        event: with the keys of `Journal.append`'s arguments, among them an id.
        forgotten: what the requests of the journal forget.
        redactor: returns what redacts by the rules of today, also where the event is written in
            clear.

    Returns:
        The event itself if nothing in it is named; None if it is forgotten.
    """
    whole = Event(event["session"], event["id"], event["type"], 0, 0, event["data"])
    try:
        left, _ = forgotten.apply(whole, "", 0)
    except TypeError:
        return event  # it is no JSON, so it has no hashes: the journal raises the reason
    if left is None or _is_forgotten_redacted(left, forgotten, redactor):
        return None
    return event if left is whole else {**event, "data": left.data, "redacted": left.redacted}


def _is_forgotten_redacted(
    event: Event, forgotten: Forgotten, redactor: Callable[[], Redactor]
) -> bool:
    is_named = event.type == MESSAGE_APPENDED and is_moment(event.data.get("timestamp"))
    if not (is_named and forgotten.names_messages):
        return False
    data, redacted = redactor().redact(event.type, event.data)
    if redacted is None:
        return False
    written = replace(event, data=data, redacted=event.redacted or redacted)
    return forgotten.apply(written, "", 0)[0] is None


class Arrivals:
    """Refuses events that are forgotten, before a command appends them.

    In a journal that has no key and in which nothing was ever erased it costs two looks for a file
    a second. Else the lanes are searched for requests, since a copy of them may have no other file
    that says so; later only their new bytes.

    Args:
        journal: the journal's folder, which may not exist yet.
        warn: called once with each reason why something may not be recognized that was forgotten.
    """

    def __init__(self, journal: Path, warn: Callable[[str], None]) -> None:
        self._journal = journal
        self._warn = warn
        self._warned: set[str] = set()
        self._scan: RequestScan | None = None
        self._forgotten: Forgotten | None = None
        self._look_at = 0.0
        self._redacts: Redactor | None = None

    def left(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return what is left of an event, as `without_forgotten`.

        Raises:
            EventError: it is forgotten.
            JournalOpenError, ReadError: the requests cannot be read.
        """
        forgotten = self._requests()
        if not forgotten:
            return event
        left = without_forgotten(event, forgotten, self._redactor)
        if left is not None:
            return left
        session, id = event["session"], event["id"]
        if forgotten.forgets_session(session):
            raise EventError(
                f"session {session!r} is forgotten: the message would be hidden, so it was not"
                " written; give the session another id"
            )
        raise EventError(
            f"message {id!r} of session {session!r} is forgotten: it would be hidden, so it was not"
            " written"
        )

    def _redactor(self) -> Redactor:
        if self._redacts is None:
            from journal.redact.setup import way_out  # noqa: PLC0415 - few messages need the rules

            self._redacts = way_out(self._journal)
        return self._redacts

    def _requests(self) -> Forgotten | None:
        now = time.monotonic()
        if now < self._look_at:
            return self._forgotten
        self._look_at = now + _AGAIN
        signs = (self._journal / name for name in (KEY_FILE, ERASER))
        if self._scan is None and any(map(os.path.lexists, signs)):
            # few journals need these modules
            from journal.erasure.requests import RequestScan  # noqa: PLC0415

            self._scan = RequestScan(open_directory(self._journal, create=False))
        if self._scan is not None:
            self._forgotten = self._scan.read()
            for text in self._scan.warnings():
                if text not in self._warned:
                    self._warned.add(text)
                    self._warn(text)
            with contextlib.suppress(OSError):  # a hint: without it the next command searches more
                self._scan.save()
        return self._forgotten
