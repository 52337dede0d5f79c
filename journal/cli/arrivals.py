"""What `journal append` does not write: events that requests forget."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Any

from journal.arriving import without_forgotten
from journal.errors import EventError
from journal.fs.directory import ERASER, KEY_FILE, open_directory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journal.erasure.requests import Forgotten, RequestScan
    from journal.redact.redactor import Redactor

_AGAIN = 1.0
"""Seconds after which requests are looked for again: a command can read lines for days."""


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
