"""Messages: appended, read, and rewritten whole."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson

from journal.errors import EventError
from journal.format.event_types import (
    ARCHIVED,
    MESSAGE_APPENDED,
    MESSAGE_REMOVED,
    MESSAGE_REVISED,
    TRANSCRIPT_REPLACED,
)
from journal.process import clock
from projector.adapters.hermes.base import Base
from projector.adapters.hermes.messages.message_data import (
    content_of,
    holdable,
    message_data,
    moment_of,
    rewritten,
)
from projector.adapters.hermes.rows.message_ids import new_key, number
from projector.adapters.hermes.rows.order import Last, last_message
from projector.adapters.hermes.rows.retained import REPLACED, is_any_inactive, kept, rows
from projector.adapters.hermes.rows.values import clean, now
from projector.db.rows import STORED, stored
from projector.db.schema import MESSAGE
from projector.errors import ProjectorError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import apsw

    from projector.adapters.hermes.rows.sessions import Row

_REMEMBERED = 1000
"""Sessions of which it is remembered what stands last."""
_ONE_RECORD = 12 * 1024 * 1024
"""Bytes of a new transcript above which its messages do not go into one record."""

_LATEST_USER = f"""
SELECT key, {STORED} FROM events WHERE kind = {MESSAGE} AND state = 0 AND role = 'user'
  AND session = (SELECT id FROM sessions WHERE session = ?)
  ORDER BY place DESC, depth DESC, ord DESC, seq DESC, part DESC LIMIT 1
"""  # noqa: S608 - a constant


class Messages(Base):
    """Messages of sessions, in the order in which they were written."""

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
        """Append a message, whatever others do at the moment; return its id.

        The session need not be there yet. What JSON cannot hold is kept as its text, and of what
        no record can hold (over 16 MiB) the beginning.

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
        last = self._put_behind(session_id, key, data, moment_of(timestamp))
        event = {"type": MESSAGE_APPENDED, "session": session_id, "id": key, "data": data}
        try:
            self._store.add([event])
        except EventError:  # Hermes's database holds more than a record
            event["data"] = holdable(session_id, key, data)
            self._store.add([event])
        self._note_last(session_id, last)
        return number(session_id, key)

    def _put_behind(self, session: str, key: str, data: dict[str, Any], moment: int | None) -> Last:
        """Put a message behind what stands last; without a moment it is said now."""
        last = self._tails.get(session)
        if moment is None:
            # the event's own order is the message's place: it never goes back
            _, at = clock.of(self._store.journal.path).tick(0)
        else:
            at = data["timestamp"] = moment
            last = last or self._look_last(session)
        if last is not None and (parent := last.parent_of(at)) is not None:
            data["parent"] = parent
        return Last(key, at) if last is None else last.then(key, at)

    def _look_last(self, session: str) -> Last | None:
        """Return what stands last as far as is known, without waiting for anybody."""
        with suppress(ProjectorError):  # a message must not be lost with the projection
            return self._store.projection.peek(lambda db: last_message(db, session))
        return None

    def _note_last(self, session: str, last: Last) -> None:
        if len(self._tails) >= _REMEMBERED:
            self._tails.clear()
        self._tails[session] = last

    def get_messages(
        self,
        session_id: str,
        include_inactive: bool = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Row]:
        """Return the messages of a session in order, perhaps those that are inactive too.

        Args:
            session_id: a session; one that is not there has none.
            include_inactive: those that were compacted or taken back, too.
            limit: most to return; None for all.
            offset: how many to skip.
        """
        start = max(offset, 0)
        end = None if limit is None or limit < 0 else start + limit

        def query(db: apsw.Connection) -> list[Row]:
            found = kept(db, session_id, inactive=include_inactive)
            return rows(db, session_id, found[start:end])

        return self._read(query)

    def replace_messages(
        self,
        session_id: str,
        messages: Sequence[Mapping[str, Any]],
        active_only: bool = False,
    ) -> None:
        """Make these messages the whole transcript, at once.

        Args:
            session_id: the session.
            messages: of each the keys that Hermes's conversations have.
            active_only: keep what is inactive; else it is gone, too.

        Raises:
            EventError: the session's id is none; nothing was written.
        """
        if not active_only:
            self._replace(session_id, messages, None)
            return

        def query(db: apsw.Connection) -> list[str]:
            return [message.key for message in kept(db, session_id, inactive=False)]

        active = self._read(query)
        # what is archived stays so, and what is out is out: first the new, that nothing is lost
        self._replace(session_id, messages, self._look_last(session_id), rest=ARCHIVED)
        if active:
            self._store.remove(session_id, active, REPLACED)

    def archive_and_compact(
        self, session_id: str, compacted_messages: Sequence[Mapping[str, Any]]
    ) -> int:
        """Make these messages the whole transcript; those before are archived, and still found.

        Returns:
            How many they are.
        """
        last = self._tails.get(session_id) or self._look_last(session_id)
        self._replace(session_id, compacted_messages, last, rest=ARCHIVED)
        return len(compacted_messages)

    def _replace(
        self,
        session: str,
        messages: Sequence[Mapping[str, Any]],
        last: Last | None,
        **more: str,
    ) -> None:
        items = []
        moment = now()
        for message in messages:
            key, data = new_key(), rewritten(message)
            at = moment_of(message.get("timestamp"))
            at = moment if at is None else at
            if last is not None and (parent := last.parent_of(at)) is not None:
                data["parent"] = parent
            items.append({"id": key, "timestamp": at, **holdable(session, key, data)})
            last = Last(key, at) if last is None else last.then(key, at)
            moment = max(moment, at) + 1
        data = {"messages": items, **more}
        if len(orjson.dumps(items)) > _ONE_RECORD:
            data["messages"] = self._brought(session, items)
        self._store.add([{"type": TRANSCRIPT_REPLACED, "session": session, "data": data}])
        if last is not None:
            self._note_last(session, last)

    def _brought(self, session: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Append the messages of a transcript that is too large for a record, out of sight.

        Returns:
            The transcript that has them.
        """
        events = []
        for item in items:
            data = {name: value for name, value in item.items() if name != "id"}
            event = {"type": MESSAGE_APPENDED, "session": session, "id": item["id"], "data": data}
            events.append(event)
        keys = [item["id"] for item in items]
        gone = {"messages": keys, "reason": REPLACED}
        events.append({"type": MESSAGE_REMOVED, "session": session, "data": gone})
        self._store.add(events)
        return [{"message": key} for key in keys]

    def has_archived_messages(self, session_id: str) -> bool:
        """Say whether a session has messages that are inactive."""
        return self._read(lambda db: is_any_inactive(db, session_id))

    def has_platform_message_id(self, session_id: str, platform_message_id: str) -> bool:
        """Say whether a session has a message that a platform calls so."""

        def query(db: apsw.Connection) -> bool:
            named = (
                f"SELECT id FROM events WHERE kind = {MESSAGE}"  # noqa: S608 - a constant
                " AND session = (SELECT id FROM sessions WHERE session = ?)"
                " AND json_extract(rest, '$.extra.platform_message_id') = ?"
            )
            found = db.execute(named, (session_id, str(platform_message_id)))
            numbers = {row for (row,) in found}
            return bool(numbers) and any(m.row in numbers for m in kept(db, session_id))

        return self._read(query)

    def set_latest_user_api_content(
        self, session_id: str, content: object, api_content: str
    ) -> int:
        """Note what the model was sent for the last message of the user, if it is this one.

        Returns:
            How many messages were changed: 1 or 0.
        """
        wanted = content_of(content)

        def query(db: apsw.Connection) -> tuple[str, dict[str, Any]] | None:
            found = db.execute(_LATEST_USER, (session_id,)).fetchone()
            return None if found is None else (str(found[0]), stored(found[1:]).in_force)

        found = self._read(query)
        if found is None:
            return 0
        key, data = found
        extra = data.get("extra", {})
        if data.get("content", extra.get("content")) != wanted:
            return 0
        said = {"message": key, "extra": extra | {"api_content": clean(api_content)}}
        self._store.add([{"type": MESSAGE_REVISED, "session": session_id, "data": said}])
        return 1
