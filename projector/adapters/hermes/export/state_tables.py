"""The tables of a database that Hermes opens: those of 0.13, and what 0.19 adds to them.

Hermes adds missing columns and indexes when it opens a database. 0.13 does not fill a full-text
index that it creates, so the indexes are created and filled here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from projector.adapters.hermes.export.state_file import StateFile

VERSION = 17
"""The schema version in the database.

The tables are those of version 11, which 0.13 has; it also opens higher versions. 0.19 upgrades a
database of any version to its own, 22. From a version below 16 it hides every short session
without title and parent as one of a sub-agent, although such sessions may be the user's.
"""

SESSION = {
    "id": "TEXT PRIMARY KEY",
    "source": "TEXT NOT NULL",
    "user_id": "TEXT",
    "model": "TEXT",
    "model_config": "TEXT",
    "system_prompt": "TEXT",
    "parent_session_id": "TEXT REFERENCES sessions(id)",
    "started_at": "REAL NOT NULL",
    "ended_at": "REAL",
    "end_reason": "TEXT",
    "message_count": "INTEGER DEFAULT 0",
    "tool_call_count": "INTEGER DEFAULT 0",
    "input_tokens": "INTEGER DEFAULT 0",
    "output_tokens": "INTEGER DEFAULT 0",
    "cache_read_tokens": "INTEGER DEFAULT 0",
    "cache_write_tokens": "INTEGER DEFAULT 0",
    "reasoning_tokens": "INTEGER DEFAULT 0",
    "billing_provider": "TEXT",
    "billing_base_url": "TEXT",
    "billing_mode": "TEXT",
    "estimated_cost_usd": "REAL",
    "actual_cost_usd": "REAL",
    "cost_status": "TEXT",
    "cost_source": "TEXT",
    "pricing_version": "TEXT",
    "title": "TEXT",
    "api_call_count": "INTEGER DEFAULT 0",
    "handoff_state": "TEXT",
    "handoff_platform": "TEXT",
    "handoff_error": "TEXT",
}
"""Columns of `sessions` and their declarations; likewise below."""

LATER_SESSION = {
    "session_key": "TEXT",
    "chat_id": "TEXT",
    "chat_type": "TEXT",
    "thread_id": "TEXT",
    "display_name": "TEXT",
    "origin_json": "TEXT",
    "expiry_finalized": "INTEGER DEFAULT 0",
    "cwd": "TEXT",
    "git_branch": "TEXT",
    "git_repo_root": "TEXT",
    "compression_failure_cooldown_until": "REAL",
    "compression_failure_error": "TEXT",
    "compression_fallback_streak": "INTEGER NOT NULL DEFAULT 0",
    "profile_name": "TEXT",
    "rewind_count": "INTEGER NOT NULL DEFAULT 0",
    "archived": "INTEGER NOT NULL DEFAULT 0",
}

MESSAGE = {
    "id": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "session_id": "TEXT NOT NULL REFERENCES sessions(id)",
    "role": "TEXT NOT NULL",
    "content": "TEXT",
    "tool_call_id": "TEXT",
    "tool_calls": "TEXT",
    "tool_name": "TEXT",
    "timestamp": "REAL NOT NULL",
    "token_count": "INTEGER",
    "finish_reason": "TEXT",
    "reasoning": "TEXT",
    "reasoning_content": "TEXT",
    "reasoning_details": "TEXT",
    "codex_reasoning_items": "TEXT",
    "codex_message_items": "TEXT",
}

LATER_MESSAGE = {
    "effect_disposition": "TEXT",
    "platform_message_id": "TEXT",
    "observed": "INTEGER DEFAULT 0",
    "active": "INTEGER NOT NULL DEFAULT 1",
    "compacted": "INTEGER NOT NULL DEFAULT 0",
    "api_content": "TEXT",
}

META = {"key": "TEXT PRIMARY KEY", "value": "TEXT"}

ROUTE = {
    "scope": "TEXT NOT NULL DEFAULT ''",
    "session_key": "TEXT NOT NULL",
    "entry_json": "TEXT NOT NULL",
    "updated_at": "REAL NOT NULL",
}

TOPIC_MODE = {
    "chat_id": "TEXT PRIMARY KEY",
    "user_id": "TEXT NOT NULL",
    "enabled": "INTEGER NOT NULL DEFAULT 1",
    "activated_at": "REAL NOT NULL",
    "updated_at": "REAL NOT NULL",
    "has_topics_enabled": "INTEGER",
    "allows_users_to_create_topics": "INTEGER",
    "capability_checked_at": "REAL",
    "intro_message_id": "TEXT",
    "pinned_message_id": "TEXT",
}

TOPIC_BINDING = {
    "chat_id": "TEXT NOT NULL",
    "thread_id": "TEXT NOT NULL",
    "user_id": "TEXT NOT NULL",
    "session_key": "TEXT NOT NULL",
    "session_id": "TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE",
    "managed_mode": "TEXT NOT NULL DEFAULT 'auto'",
    "linked_at": "REAL NOT NULL",
    "updated_at": "REAL NOT NULL",
}

_INDEXES = (
    "INDEX idx_sessions_source ON sessions(source)",
    "INDEX idx_sessions_parent ON sessions(parent_session_id)",
    "INDEX idx_sessions_started ON sessions(started_at DESC)",
    "UNIQUE INDEX idx_sessions_title_unique ON sessions(title) WHERE title IS NOT NULL",
    "INDEX idx_messages_session ON messages(session_id, timestamp)",
)

_TOPIC_INDEXES = (
    "UNIQUE INDEX idx_telegram_dm_topic_bindings_session ON telegram_dm_topic_bindings(session_id)",
    "INDEX idx_telegram_dm_topic_bindings_user ON telegram_dm_topic_bindings(user_id, chat_id)",
)

_SEARCHED = ("content", "tool_name", "tool_calls")


def create_tables(file: StateFile, *, later: bool) -> None:
    """Create the tables that every database has; if `later`, with what 0.19 adds."""
    _create(file, "schema_version", {"version": "INTEGER NOT NULL"})
    file.execute("INSERT INTO schema_version(version) VALUES(?)", (VERSION,))
    _create(file, "sessions", SESSION | (LATER_SESSION if later else {}))
    _create(file, "messages", MESSAGE | (LATER_MESSAGE if later else {}))
    _create(file, "state_meta", META)
    if later:
        _create(file, "gateway_routing", ROUTE, "PRIMARY KEY(scope, session_key)")


def create_topics(file: StateFile) -> None:
    """Create the tables of Telegram's topics; Hermes creates them at the first use of topics."""
    _create(file, "telegram_dm_topic_mode", TOPIC_MODE)
    _create(file, "telegram_dm_topic_bindings", TOPIC_BINDING, "PRIMARY KEY(chat_id, thread_id)")
    for index in _TOPIC_INDEXES:
        file.execute(f"CREATE {index}")


def finish_tables(file: StateFile) -> None:
    """Create the indexes of filled tables, and the triggers of the full-text indexes."""
    for index in _INDEXES:
        file.execute(f"CREATE {index}")
    _index_text(file, "messages_fts", "")
    _index_text(file, "messages_fts_trigram", ", tokenize='trigram'")


def _create(file: StateFile, name: str, columns: dict[str, str], rest: str = "") -> None:
    parts = [f"{column} {declared}" for column, declared in columns.items()]
    if rest:
        parts.append(rest)
    file.execute(f"CREATE TABLE {name}({', '.join(parts)})")


def _index_text(file: StateFile, table: str, options: str) -> None:
    """Create a full-text index of the messages, fill it, and create its triggers."""
    # Hermes finds the triggers by name, and creates its own if these are missing
    put = f"INSERT INTO {table}(rowid, content) VALUES(new.id, {_text('new.')})"
    take = f"DELETE FROM {table} WHERE rowid = old.id"
    file.execute(f"CREATE VIRTUAL TABLE {table} USING fts5(content{options})")
    file.execute(f"INSERT INTO {table}(rowid, content) SELECT id, {_text('')} FROM messages")
    for event, deeds in {"insert": put, "delete": take, "update": f"{take}; {put}"}.items():
        file.execute(f"CREATE TRIGGER {table}_{event} AFTER {event} ON messages BEGIN {deeds}; END")


def _text(row: str) -> str:
    return " || ' ' || ".join(f"coalesce({row}{column}, '')" for column in _SEARCHED)
