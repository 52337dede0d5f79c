"""Messages: appended, read, and replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from journal import EventError
from projector.adapters.hermes.base import Base
from projector.adapters.hermes.events import (
    ARCHIVED,
    message_appended,
    message_revised,
    messages_removed,
    transcript_replaced,
)
from projector.adapters.hermes.messages.message_data import (
    content_of,
    message_data,
    moment_of,
    rewritten,
)
from projector.adapters.hermes.rows.message_ids import new_key, number
from projector.adapters.hermes.rows.messages import COLUMNS, StoredMessage
from projector.adapters.hermes.rows.order import ORDER
from projector.adapters.hermes.rows.retained import REPLACED, is_any_inactive, load_rows, retained
from projector.adapters.hermes.rows.values import clean, now
from projector.store.flush.placeholder import storable
from projector.store.written_order import write_after

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import apsw

    from projector.adapters.hermes.rows.sessions import Row
    from projector.store.written_order import LastMessage

_ONE_RECORD = 12 * 1024 * 1024
"""Bytes of a new transcript above which its messages are appended one by one."""

_ORDER_DESCENDING = ORDER.replace(",", " DESC,") + " DESC"
_LATEST_USER = f"""
SELECT {COLUMNS} FROM messages WHERE session = ? AND role = 'user'
  ORDER BY {_ORDER_DESCENDING} LIMIT 1
"""


class Messages(Base):
    """Messages of sessions, in the order in which Hermes wrote them."""

    def append_message(
        self,
        session_id: str,
        role: str,
        content: object = None,
        tool_name: str | None = None,
        tool_calls: object = None,
        tool_call_id: str | None = None,
        token_count: int | None = None,
        finish_reason: str | None = None,
        reasoning: str | None = None,
        reasoning_content: str | None = None,
        reasoning_details: object = None,
        codex_reasoning_items: object = None,
        codex_message_items: object = None,
        platform_message_id: str | None = None,
        observed: bool = False,
        effect_disposition: str | None = None,
        timestamp: object = None,
        api_content: str | None = None,
    ) -> int:
        """Append a message without waiting for other processes; return its id.

        The session need not exist. Values that JSON cannot hold are stored as text. Of a message
        that no record can hold (over 16 MiB) the beginning is stored.

        Raises:
            EventError: the session's id is empty, longer than 1,024 characters or has controls.
            AppendError, SyncError, ClosedError: as `SessionStore.append`.
        """
        data = message_data(
            {
                "role": role,
                "content": content,
                "tool_name": tool_name,
                "tool_calls": tool_calls,
                "tool_call_id": tool_call_id,
                "token_count": token_count,
                "finish_reason": finish_reason,
                "reasoning": reasoning,
                "reasoning_content": reasoning_content,
                "reasoning_details": reasoning_details,
                "codex_reasoning_items": codex_reasoning_items,
                "codex_message_items": codex_message_items,
                "platform_message_id": platform_message_id,
                "observed": observed,
                "effect_disposition": effect_disposition,
                "api_content": api_content,
            }
        )
        key = new_key()
        last = self._order.place(session_id, key, data, moment_of(timestamp))
        try:
            self._store.add([message_appended(session_id, key, data)])
        except EventError:  # a row of Hermes's database may be larger than a record
            data = storable(session_id, key, data)
            self._store.add([message_appended(session_id, key, data)])
        self._order.note(session_id, last)
        return number(session_id, key)

    def get_messages(
        self,
        session_id: str,
        include_inactive: bool = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Row]:
        """Return the messages of a session in order; none if the session does not exist.

        Args:
            session_id: id of the session.
            include_inactive: compacted and rewound messages too.
            limit: the most to return; None for all.
            offset: the number to skip.
        """
        start = max(offset, 0)
        end = None if limit is None or limit < 0 else start + limit

        def query(db: apsw.Connection) -> list[Row]:
            found = retained(db, session_id, inactive=include_inactive)
            return load_rows(db, session_id, found[start:end])

        return self._read(query)

    def replace_messages(
        self,
        session_id: str,
        messages: Sequence[Mapping[str, Any]],
        active_only: bool = False,
    ) -> None:
        """Make these messages the whole transcript, in one step.

        Args:
            session_id: id of the session.
            messages: mappings with the keys of Hermes's conversations.
            active_only: keep the inactive messages; else they are removed too.

        Raises:
            EventError: the id of the session is invalid; nothing was written.
        """
        if not active_only:
            self._replace(session_id, messages, None)
            return

        def query(db: apsw.Connection) -> list[str]:
            return [message.id for message in retained(db, session_id, inactive=False)]

        active = self._read(query)
        # the new transcript first: a crash between the two writes must lose no message
        last = self._order.look_up(session_id)
        self._replace(session_id, messages, last, rest=ARCHIVED)
        if active:
            self._store.remove_messages(session_id, active, REPLACED)

    def archive_and_compact(
        self, session_id: str, compacted_messages: Sequence[Mapping[str, Any]]
    ) -> int:
        """Make these messages the whole transcript; the others are archived, and still found.

        Returns:
            The number of these messages.
        """
        last = self._order.last(session_id)
        self._replace(session_id, compacted_messages, last, rest=ARCHIVED)
        return len(compacted_messages)

    def _replace(
        self,
        session: str,
        messages: Sequence[Mapping[str, Any]],
        last: LastMessage | None,
        rest: str | None = None,
    ) -> None:
        items = []
        moment = now()
        for message in messages:
            key, data = new_key(), rewritten(message)
            at = moment_of(message.get("timestamp"))
            at = moment if at is None else at
            parent, last = write_after(last, key, at)
            if parent is not None:
                data["parent"] = parent
            items.append({"id": key, "timestamp": at, **storable(session, key, data)})
            moment = max(moment, at) + 1
        if len(orjson.dumps(items)) > _ONE_RECORD:
            items = self._append_hidden(session, items)
        self._store.add([transcript_replaced(session, items, rest)])
        if last is not None:
            self._order.note(session, last)

    def _append_hidden(self, session: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Append the messages of a transcript that is too large for one record, as removed ones.

        Returns:
            The items of a `transcript.replaced` that puts them into the transcript.
        """
        events = []
        for item in items:
            data = {name: value for name, value in item.items() if name != "id"}
            events.append(message_appended(session, item["id"], data))
        keys = [item["id"] for item in items]
        self._store.add([*events, messages_removed(session, keys, REPLACED)])
        return [{"message": key} for key in keys]

    def has_archived_messages(self, session_id: str) -> bool:
        """Return whether a session has compacted or rewound messages."""
        return self._read(lambda db: is_any_inactive(db, session_id))

    def has_platform_message_id(self, session_id: str, platform_message_id: str) -> bool:
        """Return whether a session has a message with this id of a platform."""

        def query(db: apsw.Connection) -> bool:
            query = (
                "SELECT rowid FROM all_messages WHERE session = ?"
                " AND json_extract(other_fields, '$.extra.platform_message_id') = ?"
            )
            found = {row for (row,) in db.execute(query, (session_id, str(platform_message_id)))}
            return bool(found) and any(m.row in found for m in retained(db, session_id))

        return self._read(query)

    def set_latest_user_api_content(
        self, session_id: str, content: object, api_content: str
    ) -> int:
        """Store what the model was sent for the last message of the user, if that has `content`.

        Returns:
            The number of changed messages: 1 or 0.
        """
        wanted = content_of(content)
        if (redactor := self._store.journal.redactor) is not None:
            # the stored message has marks in the place of secrets
            wanted = redactor.redact("message.appended", {"content": wanted})[0]["content"]

        def query(db: apsw.Connection) -> StoredMessage | None:
            found = db.execute(_LATEST_USER, (session_id,)).fetchone()
            return None if found is None else StoredMessage.of(found)

        found = self._read(query)
        if found is None:
            return 0
        extra = found.extra
        if found.fields.get("content", extra.get("content")) != wanted:
            return 0
        extra = extra | {"api_content": clean(api_content)}
        self._store.add([message_revised(session_id, found.id, extra=extra)])
        return 1
