"""Handoffs: a session continues on another platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projector.adapters.hermes.base import Base
from projector.adapters.hermes.events import Event, session_revised
from projector.adapters.hermes.rows.sessions import SESSIONS, Row, session_rows
from projector.adapters.hermes.rows.values import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

_LONGEST = 500
"""Characters of an error that are kept."""


class Handoff(Base):
    """Handoffs: requested, claimed by one process, completed or failed."""

    def request_handoff(self, session_id: str, platform: str) -> bool:
        """Request a handoff; False if there is no such session, or one is under way."""
        states = (None, "completed", "failed")
        fields = {"handoff_state": "pending", "handoff_platform": platform}
        return self._move(session_id, states, fields, clear=["extra.handoff_error"])

    def claim_handoff(self, session_id: str) -> bool:
        """Claim a pending handoff; of several processes that try, one gets True."""
        return self._move(session_id, ("pending",), {"handoff_state": "running"})

    def _move(
        self,
        session: str,
        states: tuple[str | None, ...],
        fields: dict[str, str],
        clear: Sequence[str] = (),
    ) -> bool:
        """Set fields of a session whose handoff is in one of the states; return whether it was."""
        event = session_revised(session, clear=clear, extra=fields)

        def question(db: apsw.Connection) -> tuple[bool, list[Event]]:
            state = f"SELECT s.handoff_state FROM {SESSIONS} s WHERE s.id = ?"
            found = db.execute(state, (session,)).fetchone()
            is_in_state = found is not None and found[0] in states
            return is_in_state, [event] if is_in_state else []

        return self._store.decide(question)

    def get_handoff_state(self, session_id: str) -> dict[str, Any] | None:
        """Return `state`, `platform` and `error`; None if there is no such session."""

        def query(db: apsw.Connection) -> dict[str, Any] | None:
            asked = (
                "SELECT s.handoff_state, s.handoff_platform, s.handoff_error"
                f" FROM {SESSIONS} s WHERE s.id = ?"
            )
            found = db.execute(asked, (session_id,)).fetchone()
            return found and dict(zip(("state", "platform", "error"), found, strict=True))

        return self._read(query)

    def list_pending_handoffs(self) -> list[Row]:
        """Return the sessions with a pending handoff, the oldest first."""
        where, rest = "s.handoff_state = 'pending'", "ORDER BY s.started_at"
        return self._read(lambda db: session_rows(db, where, (), rest))

    def complete_handoff(self, session_id: str) -> None:
        """Mark a handoff as completed."""
        fields = {"handoff_state": "completed"}
        self._revise(session_id, clear=["extra.handoff_error"], extra=fields)

    def fail_handoff(self, session_id: str, error: str) -> None:
        """Mark a handoff as failed, with the error."""
        fields = {"handoff_state": "failed", "handoff_error": clean(error)[:_LONGEST]}
        self._revise(session_id, extra=fields)
