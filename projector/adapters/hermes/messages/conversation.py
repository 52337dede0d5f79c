"""Transcripts in the form in which the model gets them."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from projector.adapters.hermes.rows.retained import load_rows, retained
from projector.adapters.hermes.sessions.continuations import Continuations, lineage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import apsw

    from projector.adapters.hermes.rows.sessions import Row

_SPOKEN = ("user", "assistant")
_STRUCTURED = ("reasoning_details", "codex_reasoning_items", "codex_message_items")

Message = dict[str, Any]
"""A message under OpenAI's names, without empty fields."""


class Conversation(Continuations):
    """Transcripts in the form in which the model gets them.

    Where Hermes is loaded, its own functions clean the contents, as they do in its own store.
    """

    def get_messages_as_conversation(
        self,
        session_id: str,
        include_ancestors: bool = False,
        include_inactive: bool = False,
        repair_alternation: bool = False,
    ) -> list[Message]:
        """Return the transcript of a session.

        Args:
            session_id: the session.
            include_ancestors: begin with the messages of the sessions that it continues; of a
                user's message that is repeated there, one is left.
            include_inactive: compacted and rewound messages too.
            repair_alternation: have Hermes repair the order of roles for the model: two messages
                of the user in a row become one, and so on.
        """

        def query(db: apsw.Connection) -> list[Row]:
            names = lineage(db, session_id) if include_ancestors else [session_id]
            return _together(db, names, inactive=include_inactive)

        found = self._read(query)
        return self._model_messages(
            found, is_deduplicated=include_ancestors, is_repaired=repair_alternation
        )

    def get_resume_conversations(self, session_id: str) -> tuple[list[Message], list[Message]]:
        """Return what the model gets when a session is resumed, and what the user sees."""
        found = self._lineage_rows(session_id)
        own = [row for row in found if row["session_id"] == session_id]
        return (
            self._model_messages(own, is_repaired=True),
            self._model_messages(found, is_deduplicated=True),
        )

    def get_ancestor_display_prefix(self, session_id: str) -> list[Message]:
        """Return what the user sees of the sessions that a resumed one continues."""
        found = [row for row in self._lineage_rows(session_id) if row["session_id"] != session_id]
        return self._model_messages(found, is_deduplicated=True)

    def _lineage_rows(self, session: str) -> list[Row]:
        return self._read(lambda db: _together(db, lineage(db, session), inactive=False))

    def _model_messages(
        self, found: Iterable[Row], *, is_deduplicated: bool = False, is_repaired: bool = False
    ) -> list[Message]:
        messages: list[Message] = []
        for row in found:
            message = _model_message(row)
            if self._is_later and row["timestamp"]:
                message["timestamp"] = row["timestamp"]
            if not (is_deduplicated and _is_repeated(messages, message)):
                messages.append(message)
        # reviewers of older versions left their messages in the transcripts of others
        strip = _of_hermes("_strip_background_review_harness")
        if strip is not None:
            messages = strip(messages)
        if is_repaired and messages and "hermes_state" in sys.modules:
            import_module("agent.agent_runtime_helpers").repair_message_sequence(None, messages)
        return messages


def _of_hermes(name: str) -> Any:  # noqa: ANN401 - a function of a foreign module
    return getattr(sys.modules.get("hermes_state"), name, None)


def _together(db: apsw.Connection, sessions: Sequence[str], *, inactive: bool) -> list[Row]:
    """Return the messages of sessions as one transcript, in the order in which they were appended.

    Those of one session stay in their order.
    """
    whole = []
    for session in sessions:
        messages = retained(db, session, inactive=inactive)
        latest = 0
        for message, row in zip(messages, load_rows(db, session, messages), strict=True):
            latest = max(latest, message.order)
            whole.append((latest, row))
    return [row for _, row in sorted(whole, key=_by_latest)]


def _by_latest(found: tuple[int, Row]) -> int:
    return found[0]


def _model_message(row: Row) -> Message:
    """Return a message without its empty fields."""
    role, content = row["role"], row["content"]
    if role in _SPOKEN and isinstance(content, str):
        sanitize = _of_hermes("sanitize_context")
        content = (content if sanitize is None else sanitize(content)).strip()
    message = {"role": role, "content": content}
    names = ["api_content", "tool_call_id", "tool_name", "effect_disposition", "tool_calls"]
    message |= {name: row[name] for name in names if row[name]}
    if row["platform_message_id"]:
        message["message_id"] = row["platform_message_id"]
    if row["observed"]:
        message["observed"] = True
    if role == "assistant":
        message |= {name: row[name] for name in ("finish_reason", "reasoning") if row[name]}
        if row["reasoning_content"] is not None:
            message["reasoning_content"] = row["reasoning_content"]
        message |= {name: json.loads(row[name]) for name in _STRUCTURED if row[name]}
    return message


def _is_repeated(messages: Sequence[Message], message: Message) -> bool:
    """Return whether the user sent the same content since the assistant's last answer."""
    content = message["content"]
    if message["role"] != "user" or not isinstance(content, str) or not content:
        return False
    for before in reversed(messages):
        if before["role"] == "user" and before["content"] == content:
            return True
        if before["role"] == "assistant" and (before["content"] or before.get("tool_calls")):
            return False
    return False
