"""Who may compress a session, and when it is tried again after it failed."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, TypeVar

from journal.errors import JournalError
from projector.adapters.hermes.base import Base
from projector.adapters.hermes.rows.sessions import SESSIONS
from projector.adapters.hermes.rows.values import clean
from projector.errors import ProjectorError
from projector.store.claims import leaving, standing, taking

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

Answer = TypeVar("Answer")

_UNTIL, _ERROR = "compression_failure_cooldown_until", "compression_failure_error"
_STREAK = "compression_fallback_streak"

_log = logging.getLogger("projector.hermes")


class Leases(Base):
    """Locks on the compression of sessions: of many who try, one gets it, for a while.

    Where they cannot be decided on, they are refused, with a warning in the log, as Hermes does:
    a session that is not compressed now can be so later.
    """

    def try_acquire_compression_lock(
        self, session_id: str, holder: str, ttl_seconds: float = 300.0
    ) -> bool:
        """Take the lock of a session for some seconds; say whether the holder has it now."""

        def question(db: apsw.Connection) -> tuple[bool, list[dict[str, Any]]]:
            held, token = standing(db, _lock(session_id))
            if held is not None:
                return held.holder == holder, []
            _, event = taking(_lock(session_id), holder, token + 1, ttl_seconds)
            return True, [event]

        return bool(session_id) and self._decided(question, otherwise=False)

    def refresh_compression_lock(
        self, session_id: str, holder: str, ttl_seconds: float = 300.0
    ) -> bool:
        """Keep the lock for some seconds from now; say whether the holder still had it."""

        def question(db: apsw.Connection) -> tuple[bool, list[dict[str, Any]]]:
            held, token = standing(db, _lock(session_id))
            if held is None or held.holder != holder:
                return False, []
            _, event = taking(_lock(session_id), holder, token, ttl_seconds)
            return True, [event]

        return bool(session_id and holder) and self._decided(question, otherwise=False)

    def release_compression_lock(self, session_id: str, holder: str) -> None:
        """Give the lock up, if the holder has it."""

        def question(db: apsw.Connection) -> tuple[None, list[dict[str, Any]]]:
            held, _ = standing(db, _lock(session_id))
            return None, [leaving(held)] if held is not None and held.holder == holder else []

        if session_id:
            self._decided(question, otherwise=None)

    def get_compression_lock_holder(self, session_id: str) -> str | None:
        """Return who has the lock; None if nobody has."""
        if not session_id:
            return None
        held, _ = self._read(lambda db: standing(db, _lock(session_id)))
        return None if held is None else held.holder

    def _decided(
        self,
        question: Callable[[apsw.Connection], tuple[Answer, list[dict[str, Any]]]],
        *,
        otherwise: Answer,
    ) -> Answer:
        store = self._store
        try:
            return store.decide(question)
        except (JournalError, ProjectorError) as error:
            _log.warning("a compression lock could not be decided on: %s", error)
            return otherwise

    def record_compression_failure_cooldown(
        self, session_id: str, cooldown_until: float, error: str | None = None
    ) -> None:
        """Note that a session is not to be compressed before a moment, and why.

        Args:
            session_id: the session.
            cooldown_until: seconds since 1970.
            error: what went wrong.
        """
        said: dict[str, Any] = {_UNTIL: cooldown_until}
        if error is not None:
            said[_ERROR] = clean(error)
        clear = [f"extra.{_ERROR}"] if error is None else []
        if session_id:
            self._noted(lambda: self._revise(session_id, clear=clear, extra=said))

    def get_compression_failure_cooldown(self, session_id: str) -> dict[str, Any] | None:
        """Return `cooldown_until`, `remaining_seconds` and `error`; None if there is no need."""
        until, error = self._noticed(session_id, _UNTIL, _ERROR)
        moment = time.time()
        if until is None or float(until) <= moment:
            return None
        left = float(until) - moment
        return {"cooldown_until": float(until), "remaining_seconds": left, "error": error}

    def clear_compression_failure_cooldown(self, session_id: str) -> None:
        """Let a session be compressed again."""
        clear = [f"extra.{_UNTIL}", f"extra.{_ERROR}"]
        if session_id:
            self._noted(lambda: self._revise(session_id, clear=clear))

    def _noted(self, note: Callable[[], object]) -> None:
        try:
            note()
        except (JournalError, ProjectorError) as error:
            _log.warning("a failure of a compression could not be noted: %s", error)

    def get_compression_fallback_streak(self, session_id: str) -> int:
        """Return how often in a row a session was compressed without a model."""
        [streak] = self._noticed(session_id, _STREAK)
        return max(0, int(streak)) if isinstance(streak, int) else 0

    def set_compression_fallback_streak(self, session_id: str, streak: int) -> None:
        """Note how often in a row a session was compressed without a model."""
        if session_id:
            self._revise(session_id, extra={_STREAK: max(0, int(streak))})

    def _noticed(self, session: str, *names: str) -> tuple[Any, ...]:
        query = f"SELECT {', '.join(names)} FROM {SESSIONS} s WHERE s.id = ?"
        nothing = (None,) * len(names)
        return self._read(lambda db: db.execute(query, (session,)).fetchone() or nothing)


def _lock(session: str) -> str:
    return f"hermes.compression:{session}"
