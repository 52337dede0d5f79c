"""Handoffs: a session goes on on another platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.format.event_types import SESSION_REVISED
from projector.adapters.hermes.base import Base
from projector.adapters.hermes.rows.sessions import SESSIONS, Row, session_rows
from projector.adapters.hermes.rows.values import clean

if TYPE_CHECKING:
    import apsw

_LONGEST = 500
"""Characters of an error that are kept."""


class Handoff(Base):
    """Handoffs: asked for, claimed by one of many, done or failed."""

    def request_handoff(self, session_id: str, platform: str) -> bool:
        """Ask for a handoff; say whether the session is there, and none is under way."""
        states = (None, "completed", "failed")
        said = {"handoff_state": "pending", "handoff_platform": platform}
        return self._move(session_id, states, said, clear=["extra.handoff_error"])

    def claim_handoff(self, session_id: str) -> bool:
        """Take a handoff that was asked for; of many who try, one is told that it may."""
        return self._move(session_id, ("pending",), {"handoff_state": "running"})

    def _move(
        self,
        session: str,
        states: tuple[str | None, ...],
        said: dict[str, str],
        clear: list[str] | None = None,
    ) -> bool:
        data: dict[str, Any] = {"extra": said}
        if clear:
            data["clear"] = clear

        def question(db: apsw.Connection) -> tuple[bool, list[dict[str, Any]]]:
            state = f"SELECT s.handoff_state FROM {SESSIONS} s WHERE s.id = ?"  # noqa: S608 - a constant
            found = db.execute(state, (session,)).fetchone()
            is_so = found is not None and found[0] in states
            event = {"type": SESSION_REVISED, "session": session, "data": data}
            return is_so, [event] if is_so else []

        return self._store.decide(question)

    def get_handoff_state(self, session_id: str) -> dict[str, Any] | None:
        """Return `state`, `platform` and `error`; None if there is no such session."""

        def query(db: apsw.Connection) -> dict[str, Any] | None:
            asked = (
                "SELECT s.handoff_state, s.handoff_platform, s.handoff_error"  # noqa: S608 - a constant
                f" FROM {SESSIONS} s WHERE s.id = ?"
            )
            found = db.execute(asked, (session_id,)).fetchone()
            return found and dict(zip(("state", "platform", "error"), found, strict=True))

        return self._read(query)

    def list_pending_handoffs(self) -> list[Row]:
        """Return the sessions whose handoff nobody has claimed, that which began first first."""
        where, rest = "s.handoff_state = 'pending'", "ORDER BY s.started_at"
        return self._read(lambda db: session_rows(db, where, (), rest))

    def complete_handoff(self, session_id: str) -> None:
        """Say that a handoff is done."""
        said = {"handoff_state": "completed"}
        self._revise(session_id, clear=["extra.handoff_error"], extra=said)

    def fail_handoff(self, session_id: str, error: str) -> None:
        """Say that a handoff failed, and why."""
        said = {"handoff_state": "failed", "handoff_error": clean(error)[:_LONGEST]}
        self._revise(session_id, extra=said)
