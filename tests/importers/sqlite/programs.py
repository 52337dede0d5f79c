"""Programs that tests let write databases, and imports of these."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

from journal.importers.run.driver import Importer
from journal.writer import Journal
from projector.projection import Projection
from tests.importers.feed import journal_events

if TYPE_CHECKING:
    from pathlib import Path

    from journal.importers.run.report import Report

NOON = 1_770_000_000_000
"""Milliseconds since 1970 at which the conversations of tests begin."""

OPENCODE = """
CREATE TABLE session (id TEXT PRIMARY KEY, project_id TEXT, parent_id TEXT, slug TEXT,
    directory TEXT, title TEXT, version TEXT, share_url TEXT, time_created INTEGER,
    time_updated INTEGER);
CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER,
    time_updated INTEGER, data TEXT);
CREATE TABLE part (id TEXT PRIMARY KEY, message_id TEXT, session_id TEXT, time_created INTEGER,
    time_updated INTEGER, data TEXT);
CREATE INDEX of_message ON message (session_id);
CREATE INDEX of_part ON part (session_id);
"""


class Opencode:
    """A program that writes a database as opencode does: in WAL mode, and it keeps it open."""

    def __init__(self, path: Path, mode: str = "wal") -> None:
        self.path = path
        self.db = sqlite3.connect(path, isolation_level=None, timeout=0)
        self.db.execute(f"PRAGMA journal_mode = {mode}")
        self.db.executescript(OPENCODE)

    def session(self, id: str, second: int = 0, **more: Any) -> None:  # noqa: ANN401 - any value
        """Write the row of a session."""
        row = {"id": id, "directory": "/work/app", "title": f"Title of {id}", "version": "1.2.3"}
        times = {"time_created": NOON, "time_updated": NOON + second * 1000}
        self._put("session", {**row, **times, **more})

    def message(self, id: str, second: int, session: str = "ses_1", /, **info: Any) -> None:  # noqa: ANN401 - any value
        """Write a message without parts."""
        when = NOON + second * 1000
        data = {"role": "user", "time": {"created": when}, **info}
        times = {"time_created": when, "time_updated": when}
        self._put("message", {"id": id, "session_id": session, **times, "data": json.dumps(data)})

    def part(self, id: str, message: str, second: int, session: str = "ses_1", **data: Any) -> None:  # noqa: ANN401 - any value
        """Write a part, or write it again."""
        when = NOON + second * 1000
        row = {"id": id, "message_id": message, "session_id": session, "data": json.dumps(data)}
        self._put("part", {**row, "time_created": when, "time_updated": when})

    def says(self, number: int, text: str, session: str = "ses_1") -> None:
        """Write a message of the user."""
        self.message(f"msg_{session}_{number}", number, session)
        part = {"type": "text", "text": text}
        self.part(f"prt_{session}_{number}", f"msg_{session}_{number}", number, session, **part)

    def _put(self, table: str, row: dict[str, Any]) -> None:
        columns, marks = ", ".join(row), ", ".join("?" * len(row))
        changes = ", ".join(f"{name} = excluded.{name}" for name in row)
        self.db.execute(
            f"INSERT INTO {table} ({columns}) VALUES ({marks})"
            f" ON CONFLICT (id) DO UPDATE SET {changes}",
            tuple(row.values()),
        )


def take(journal: Path, *paths: Path, format: str = "auto", reread: bool = False) -> Report:
    """Import databases."""
    with Journal.open(journal, fsync="never") as handle:
        importer = Importer(handle, format, reread=reread)
        return importer.run(importer.sources(paths))


def types(journal: Path) -> list[str]:
    """Return the types of all events."""
    return [type for *_, type, _ in journal_events(journal)]


def transcript(journal: Path, session: str) -> list[tuple[str | None, Any]]:
    """Return role and content of the messages in a session's transcript."""
    with Projection.open(journal) as projection:
        return [(message.role, message.content) for message in projection.messages(session)]
