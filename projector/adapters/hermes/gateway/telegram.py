"""Topics of Telegram chats, each bound to a session."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

from projector.adapters.hermes.events import Event, key_deleted
from projector.adapters.hermes.namespaces import TOPIC_BINDINGS, TOPIC_MODES
from projector.adapters.hermes.rows.sessions import SESSIONS, Row, rich_row, session_ids
from projector.adapters.hermes.state_meta import StateMeta
from projector.store.deciding.values import key_value, key_values
from projector.store.keys import key_event

if TYPE_CHECKING:
    import apsw

_VERSION = "telegram_dm_topic_schema_version"
_MODE_COLUMNS = (
    "chat_id",
    "user_id",
    "enabled",
    "activated_at",
    "updated_at",
    "has_topics_enabled",
    "allows_users_to_create_topics",
    "capability_checked_at",
    "intro_message_id",
    "pinned_message_id",
)


class Telegram(StateMeta):
    """Chats in which each topic has its own session.

    A binding disappears with its session.
    """

    def apply_telegram_topic_migration(self) -> None:
        """Store the version of Hermes's tables of topics; there are no tables to create."""
        if self.get_meta(_VERSION) != "2":
            self.set_meta(_VERSION, "2")

    def enable_telegram_topic_mode(
        self,
        *,
        chat_id: str,
        user_id: str,
        has_topics_enabled: bool | None = None,
        allows_users_to_create_topics: bool | None = None,
    ) -> None:
        """Give each topic of a chat its own session."""
        self.apply_telegram_topic_migration()
        chat, moment = str(chat_id), time.time()
        fields = {
            "chat_id": chat,
            "user_id": str(user_id),
            "enabled": 1,
            "updated_at": moment,
            "has_topics_enabled": _flag(has_topics_enabled),
            "allows_users_to_create_topics": _flag(allows_users_to_create_topics),
            "capability_checked_at": moment,
        }

        def question(db: apsw.Connection) -> tuple[None, list[Event]]:
            before = key_value(db, TOPIC_MODES, chat) or {"activated_at": moment}
            row = dict.fromkeys(_MODE_COLUMNS) | before | fields
            return None, [key_event(TOPIC_MODES, chat, row)]

        self._store.decide(question)

    def disable_telegram_topic_mode(self, *, chat_id: str, clear_bindings: bool = True) -> None:
        """Give a chat one session again; delete the bindings of its topics if asked to."""
        chat = str(chat_id)

        def question(db: apsw.Connection) -> tuple[None, list[Event]]:
            events = _disabled(db, chat)
            if clear_bindings:
                events += [
                    key_deleted(TOPIC_BINDINGS, key)
                    for key, row in _all(db)
                    if row["chat_id"] == chat
                ]
            return None, events

        self._store.decide(question)

    def is_telegram_topic_mode_enabled(self, *, chat_id: str, user_id: str) -> bool:
        """Return whether the topics of this user's chat have their own sessions."""
        row = self._read(lambda db: key_value(db, TOPIC_MODES, str(chat_id)))
        return row is not None and row["user_id"] == str(user_id) and bool(row["enabled"])

    def get_telegram_topic_binding(self, *, chat_id: str, thread_id: str) -> Row | None:
        """Return the binding of a topic; None if it has none."""
        key = _key(chat_id, thread_id)
        return self._read(lambda db: dict(_bindings(db)).get(key))

    def list_telegram_topic_bindings_for_chat(self, *, chat_id: str) -> list[Row]:
        """Return the bindings of the topics of a chat, the last changed first."""
        rows = [row for row in self._bound() if row["chat_id"] == str(chat_id)]
        return sorted(rows, key=_updated, reverse=True)

    def get_telegram_topic_binding_by_session(self, *, session_id: str) -> Row | None:
        """Return the binding of a session; None if it has none."""
        found = (row for row in self._bound() if row["session_id"] == str(session_id))
        return next(found, None)

    def delete_telegram_topic_binding(self, *, chat_id: str, thread_id: str) -> int:
        """Delete the binding of a topic; the last one of a chat also disables its topic mode.

        Returns:
            The number of deleted bindings: 1 or 0.
        """
        chat, key = str(chat_id), _key(chat_id, thread_id)

        def question(db: apsw.Connection) -> tuple[int, list[Event]]:
            bound = dict(_bindings(db))
            if key not in bound:
                return 0, []
            events = [key_deleted(TOPIC_BINDINGS, key)]
            if not any(row["chat_id"] == chat for other, row in bound.items() if other != key):
                events += _disabled(db, chat)
            return 1, events

        return self._store.decide(question)

    def bind_telegram_topic(
        self,
        *,
        chat_id: str,
        thread_id: str,
        user_id: str,
        session_key: str,
        session_id: str,
        managed_mode: str = "auto",
    ) -> None:
        """Bind a topic to a session.

        Raises:
            ValueError: the session is bound to another topic.
            sqlite3.IntegrityError: there is no such session.
        """
        self.apply_telegram_topic_migration()
        key, moment = _key(chat_id, thread_id), time.time()
        row = {
            "chat_id": str(chat_id),
            "thread_id": str(thread_id),
            "user_id": str(user_id),
            "session_key": str(session_key),
            "session_id": str(session_id),
            "managed_mode": managed_mode,
            "linked_at": moment,
            "updated_at": moment,
        }

        def question(db: apsw.Connection) -> tuple[None, list[Event]]:
            bound = dict(_bindings(db))
            if any(r["session_id"] == row["session_id"] for k, r in bound.items() if k != key):
                raise ValueError("session is already linked to another Telegram topic")
            if not session_ids(db, "s.id = ?", (row["session_id"],)):
                raise sqlite3.IntegrityError(
                    f"FOREIGN KEY constraint failed: there is no session {session_id!r}"
                )
            linked = bound[key]["linked_at"] if key in bound else moment
            return None, [key_event(TOPIC_BINDINGS, key, row | {"linked_at": linked})]

        self._store.decide(question)

    def is_telegram_session_linked_to_topic(self, *, session_id: str) -> bool:
        """Return whether a session is bound to a topic."""
        return self.get_telegram_topic_binding_by_session(session_id=session_id) is not None

    def list_unlinked_telegram_sessions_for_user(
        self,
        *,
        chat_id: str,  # noqa: ARG002 - Hermes takes it and does not use it either
        user_id: str,
        limit: int = 10,
    ) -> list[Row]:
        """Return a user's sessions on Telegram without a binding, the most recently active first.

        They have `preview` and `last_active`.
        """

        def query(db: apsw.Connection) -> list[Row]:
            bound = {row["session_id"] for _, row in _bindings(db)}
            where = "s.source = 'telegram' AND s.user_id = ?"
            rest = "ORDER BY s.last_active DESC, s.started_at DESC"
            found: list[Row] = []
            for id in session_ids(db, where, (str(user_id),), rest):
                if len(found) == limit:
                    break
                if id not in bound:
                    found.append(rich_row(db, id))
            return found

        return self._read(query)

    def _bound(self) -> list[Row]:
        return [row for _, row in self._read(_bindings)]


def _key(chat: object, thread: object) -> str:
    return f"{chat}/{thread}"


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(bool(value))


def _updated(row: Row) -> float:
    return float(row["updated_at"])


def _all(db: apsw.Connection) -> list[tuple[str, Row]]:
    return list(key_values(db, TOPIC_BINDINGS).items())


def _bindings(db: apsw.Connection) -> list[tuple[str, Row]]:
    """Return the bindings whose sessions exist, with their keys."""
    query = f"SELECT 1 FROM {SESSIONS} s WHERE s.id = ?"
    return [
        (key, row)
        for key, row in _all(db)
        if db.execute(query, (row["session_id"],)).get is not None
    ]


def _disabled(db: apsw.Connection, chat: str) -> list[Event]:
    row = key_value(db, TOPIC_MODES, chat)
    off = {"enabled": 0, "updated_at": time.time()}
    return [] if row is None else [key_event(TOPIC_MODES, chat, row | off)]
