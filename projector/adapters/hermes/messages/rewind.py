"""Rewinds: messages removed from the end of a transcript, and restored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from projector.adapters.hermes.base import Base
from projector.adapters.hermes.events import Event, messages_removed, session_revised
from projector.adapters.hermes.rows.message_ids import number
from projector.adapters.hermes.rows.retained import REWOUND, Retained, load_rows, retained
from projector.adapters.hermes.rows.sessions import session_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from projector.adapters.hermes.rows.sessions import Row

_LONGEST, _SHOWN = 80, 77
"""The most characters of a preview, and those before the dots of a longer one."""


class Rewind(Base):
    """Rewinds of transcripts, and restores."""

    def rewind_to_message(self, session_id: str, target_message_id: int) -> dict[str, Any]:
        """Remove a message of the user and all behind it; the session counts its rewinds.

        Returns:
            `rewound_count` (the number of removed messages), `target_message` (its row), and
            `new_head_id` (id of the last message now, or None).

        Raises:
            ValueError: the session has no such message, or it is not the user's.
            ArbiterBusy, NotProjected: as `SessionStore.decide`.
        """

        def question(db: apsw.Connection) -> tuple[dict[str, Any], list[Event]]:
            found = retained(db, session_id)
            at = index_of(session_id, found, target_message_id)
            if at is None:
                raise ValueError(f"message {target_message_id} not found in session {session_id}")
            [target] = load_rows(db, session_id, [found[at]])
            if target["role"] != "user":
                raise ValueError(
                    f"rewind target must be a 'user' message (got role={target['role']!r},"
                    f" id={target_message_id})"
                )
            target["tool_calls"] = target["tool_calls"] and json.dumps(target["tool_calls"])
            rewound = [message.id for message in found[at:] if message.is_active]
            left = [message.id for message in found[:at] if message.is_active]
            session = session_row(db, session_id)
            count = 1 + (session["rewind_count"] if session is not None else 0)
            events = [session_revised(session_id, extra={"rewind_count": count})]
            if rewound:
                events.append(messages_removed(session_id, rewound, REWOUND))
            answer = {
                "rewound_count": len(rewound),
                "target_message": target,
                "new_head_id": number(session_id, left[-1]) if left else None,
            }
            return answer, events

        return self._store.decide(question)

    def restore_rewound(self, session_id: str, since_message_id: int) -> int:
        """Restore the inactive messages from one on; return their number."""

        def query(db: apsw.Connection) -> list[str]:
            found = retained(db, session_id)
            at = index_of(session_id, found, since_message_id)
            behind = [m for m in found if number(session_id, m.id) >= since_message_id]
            return [
                message.id
                for message in (behind if at is None else found[at:])
                if not message.is_active
            ]

        store = self._store
        inactive = self._read(query)
        store.restore_messages(session_id, inactive, REWOUND)
        return len(inactive)

    def list_recent_user_messages(
        self, session_id: str, limit: int = 20, include_inactive: bool = False
    ) -> list[dict[str, Any]]:
        """Return `id`, `timestamp` and `preview` of the user's messages, the last first."""

        def query(db: apsw.Connection) -> list[Row]:
            found: list[Row] = []
            for message in reversed(retained(db, session_id, inactive=include_inactive)):
                if len(found) == int(limit):
                    break
                found += [r for r in load_rows(db, session_id, [message]) if r["role"] == "user"]
            return found

        return [
            {
                "id": row["id"],
                "timestamp": row["timestamp"],
                "preview": _preview(row["content"]),
            }
            for row in self._read(query)
        ]


def index_of(session: str, messages: Sequence[Retained], wanted: int) -> int | None:
    """Return the index of the message with a number; None if there is none."""
    found = (at for at, message in enumerate(messages) if number(session, message.id) == wanted)
    return next(found, None)


def text_of(content: object) -> str:
    """Return the text in content, that of its parts in one; without any, that it is other."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
    texts = (part.get("text") for part in parts)
    return " ".join(str(text) for text in texts if text).strip() or "[multimodal content]"


def _preview(content: object) -> str:
    text = " ".join(text_of(content).split())
    return text if len(text) <= _LONGEST else f"{text[:_SHOWN]}..."
