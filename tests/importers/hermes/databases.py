"""A Hermes that tests let write a database, and the events that an import of it appends."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from journal.importers.run.driver import Importer
from journal.writer import Journal
from projector.projection import Projection
from tests.importers.feed import journal_events

if TYPE_CHECKING:
    from pathlib import Path

    from journal.importers.run.report import Report

OLD, NEW = 11, 22
"""The oldest and the newest schema version that the importer knows."""
START = 1_770_000_000
"""The start of the sessions of tests, in seconds since 1970."""

SESSION = """
id TEXT PRIMARY KEY, source TEXT NOT NULL, user_id TEXT, model TEXT, model_config TEXT,
system_prompt TEXT, parent_session_id TEXT, started_at REAL NOT NULL, ended_at REAL,
end_reason TEXT, message_count INTEGER DEFAULT 0, tool_call_count INTEGER DEFAULT 0,
input_tokens INTEGER DEFAULT 0, output_tokens INTEGER DEFAULT 0,
cache_read_tokens INTEGER DEFAULT 0, cache_write_tokens INTEGER DEFAULT 0,
reasoning_tokens INTEGER DEFAULT 0, billing_provider TEXT, estimated_cost_usd REAL,
actual_cost_usd REAL, title TEXT, api_call_count INTEGER DEFAULT 0, handoff_state TEXT
"""
MESSAGE = """
id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, role TEXT NOT NULL, content TEXT,
tool_call_id TEXT, tool_calls TEXT, tool_name TEXT, timestamp REAL NOT NULL, token_count INTEGER,
finish_reason TEXT, reasoning TEXT, reasoning_content TEXT, reasoning_details TEXT,
codex_reasoning_items TEXT, codex_message_items TEXT
"""
NEW_SESSION = """,
cwd TEXT, chat_id TEXT, expiry_finalized INTEGER DEFAULT 0,
rewind_count INTEGER NOT NULL DEFAULT 0, archived INTEGER NOT NULL DEFAULT 0
"""
NEW_MESSAGE = """,
platform_message_id TEXT, observed INTEGER DEFAULT 0, active INTEGER NOT NULL DEFAULT 1,
compacted INTEGER NOT NULL DEFAULT 0, api_content TEXT
"""
TOPICS = """
CREATE TABLE telegram_dm_topic_mode (chat_id TEXT PRIMARY KEY, enabled INTEGER, intro TEXT);
CREATE TABLE telegram_dm_topic_bindings
    (chat_id TEXT, thread_id TEXT, session_id TEXT, PRIMARY KEY (chat_id, thread_id));
"""


class Hermes:
    """A program that writes a database as Hermes does: in WAL mode, and it keeps it open."""

    def __init__(self, path: Path, version: int = NEW) -> None:
        self.path = path
        self.db = sqlite3.connect(path, isolation_level=None)
        new = version >= NEW
        self.db.executescript(
            f"""
            PRAGMA journal_mode = WAL;
            CREATE TABLE schema_version (version INTEGER NOT NULL);
            INSERT INTO schema_version VALUES ({version});
            CREATE TABLE sessions ({SESSION}{NEW_SESSION if new else ""});
            CREATE TABLE messages ({MESSAGE}{NEW_MESSAGE if new else ""});
            CREATE TABLE state_meta (key TEXT PRIMARY KEY, value TEXT);
            """
        )

    def insert(self, table: str, **values: object) -> int:
        """Insert a row and return its number."""
        marks = ", ".join("?" * len(values))
        query = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"
        return self.db.execute(query, tuple(values.values())).lastrowid or 0

    def session(self, id: str = "s1", **values: object) -> None:
        """Begin a session."""
        self.insert("sessions", **{"id": id, "source": "cli", "started_at": START, **values})

    def say(self, content: object, session: str = "s1", **values: object) -> int:
        """Add a message, a second after the one before unless a time is given."""
        (count,) = self.db.execute("SELECT count(*) FROM messages").fetchone()
        fields = {"role": "user", "timestamp": START + count + 0.25, **values}
        return self.insert("messages", session_id=session, content=content, **fields)

    def change(self, query: str, *values: object) -> None:
        """Run one statement."""
        self.db.execute(query, values)


def made_by(path: Path, version: int = NEW) -> Hermes:
    """Make a database with a session of two messages."""
    made = Hermes(path, version)
    made.session()
    made.say("one")
    made.say("two", role="assistant")
    return made


def run(journal: Path, *paths: Path, format: str = "hermes", reread: bool = False) -> Report:
    """Import databases into a journal."""
    with Journal.open(journal, fsync="never") as handle:
        importer = Importer(handle, format, reread=reread)
        return importer.run(importer.sources(paths))


def new(journal: Path, path: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Import a database, and return session, type and data of each new event."""
    before = len(journal_events(journal)) if journal.exists() else 0
    assert run(journal, path).errors == {}
    return [(session, type, data) for session, _, type, data in journal_events(journal)[before:]]


def transcript(journal: Path, session: str = "s1") -> list[Any]:
    """Return the contents of a session's messages as the projection returns them."""
    with Projection.open(journal) as projection:
        return [message.content for message in projection.messages(session)]
