"""Marks sessions in the journal as gone, or as there again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal.errors import ReadError
from journal.format.event_types import GONE, SESSION_REVISED
from journal.format.new_event import new_event
from journal.process import clock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from journal.erasure.requests import RequestScan
    from journal.importers.run.known.keys import KnownKeys
    from journal.importers.run.report import Report
    from journal.writer import Journal


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one journal.

    Attributes:
        journal: they are appended to it.
        keys: knows which sessions are marked.
        requests: finds what was forgotten: it gets no mark.
        report: counts them.
    """

    journal: Journal
    keys: KnownKeys
    requests: RequestScan
    report: Report

    def gone(self, sessions: Iterable[str]) -> None:
        """Mark sessions as gone, unless they are marked already.

        Raises:
            JournalError: the journal could not be written.
        """
        now = clock.wall()
        self.report.vanish(self._append(sessions, {GONE: now}, f"{GONE}:{now}", is_gone=True))

    def returned(self, sessions: Iterable[str]) -> None:
        """Clear the mark of sessions that have one.

        Raises:
            JournalError: the journal could not be written.
        """
        data = {"clear": [GONE]}
        id = f"{GONE}:{clock.wall()}:cleared"
        self.report.returned += len(self._append(sessions, data, id, is_gone=False))

    def _append(
        self, sessions: Iterable[str], data: dict[str, Any], id: str, *, is_gone: bool
    ) -> list[str]:
        """Append an event to each session that is not in that state; return these."""
        sessions = sorted(sessions)
        if not sessions:
            return []
        try:
            self.keys.load()
        except ReadError as error:
            self.report.skip(f"vanished sources are not marked: {error}")
            return []
        forgotten = self.requests.read_understood()
        changed = [
            session
            for session in sessions
            if (session in self.keys.gone) != is_gone and not forgotten.forgets_session(session)
        ]
        self.journal.append_many(
            [new_event(session, SESSION_REVISED, dict(data), id=id) for session in changed]
        )
        for session in changed:
            self.keys.gone.put(session, is_gone=is_gone)
        return changed
