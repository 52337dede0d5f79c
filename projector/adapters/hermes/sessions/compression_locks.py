"""Locks on the compression of sessions, and how long to wait after one has failed."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, TypeVar

from journal import JournalError
from projector.adapters.hermes.base import Base
from projector.adapters.hermes.rows.sessions import SESSIONS
from projector.adapters.hermes.rows.values import clean
from projector.errors import ProjectorError
from projector.store.claims import begin_claim, end_claim, find_claim

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

Answer = TypeVar("Answer")

_UNTIL, _ERROR = "compression_failure_cooldown_until", "compression_failure_error"
_STREAK = "compression_fallback_streak"

_log = logging.getLogger("projector.hermes")


class CompressionLocks(Base):
    """Locks on the compression of sessions: one holder at a time, until the lock expires.

    If the journal fails, a lock is refused with a warning in the log, as Hermes does: the session
    can be compressed later.
    """

    def try_acquire_compression_lock(
        self, session_id: str, holder: str, ttl_seconds: float = 300.0
    ) -> bool:
        """Acquire the lock of a session for some seconds; return whether the holder has it."""

        def question(db: apsw.Connection) -> tuple[bool, list[dict[str, Any]]]:
            held, token = find_claim(db, _lock(session_id))
            if held is not None:
                return held.holder == holder, []
            _, event = begin_claim(_lock(session_id), holder, token + 1, ttl_seconds)
            return True, [event]

        return bool(session_id) and self._decided(question, otherwise=False)

    def refresh_compression_lock(
        self, session_id: str, holder: str, ttl_seconds: float = 300.0
    ) -> bool:
        """Renew the lock for some seconds from now; return whether the holder still had it."""

        def question(db: apsw.Connection) -> tuple[bool, list[dict[str, Any]]]:
            held, token = find_claim(db, _lock(session_id))
            if held is None or held.holder != holder:
                return False, []
            _, event = begin_claim(_lock(session_id), holder, token, ttl_seconds)
            return True, [event]

        return bool(session_id and holder) and self._decided(question, otherwise=False)

    def release_compression_lock(self, session_id: str, holder: str) -> None:
        """Release the lock if the holder has it."""

        def question(db: apsw.Connection) -> tuple[None, list[dict[str, Any]]]:
            held, _ = find_claim(db, _lock(session_id))
            return None, [end_claim(held)] if held is not None and held.holder == holder else []

        if session_id:
            self._decided(question, otherwise=None)

    def get_compression_lock_holder(self, session_id: str) -> str | None:
        """Return the holder of the lock; None if it is free."""
        if not session_id:
            return None
        held, _ = self._read(lambda db: find_claim(db, _lock(session_id)))
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
        """Store until when a session is not compressed again, and why.

        Args:
            session_id: the session.
            cooldown_until: seconds since 1970.
            error: the reason.
        """
        extra: dict[str, Any] = {_UNTIL: cooldown_until}
        if error is not None:
            extra[_ERROR] = clean(error)
        clear = [f"extra.{_ERROR}"] if error is None else []
        if session_id:
            self._store_or_warn(lambda: self._revise(session_id, clear=clear, extra=extra))

    def get_compression_failure_cooldown(self, session_id: str) -> dict[str, Any] | None:
        """Return `cooldown_until`, `remaining_seconds` and `error`; None without a cooldown."""
        until, error = self._columns(session_id, _UNTIL, _ERROR)
        moment = time.time()
        if until is None or float(until) <= moment:
            return None
        left = float(until) - moment
        return {"cooldown_until": float(until), "remaining_seconds": left, "error": error}

    def clear_compression_failure_cooldown(self, session_id: str) -> None:
        """Allow a session to be compressed again."""
        clear = [f"extra.{_UNTIL}", f"extra.{_ERROR}"]
        if session_id:
            self._store_or_warn(lambda: self._revise(session_id, clear=clear))

    def _store_or_warn(self, write: Callable[[], object]) -> None:
        try:
            write()
        except (JournalError, ProjectorError) as error:
            _log.warning("the cooldown of a compression could not be stored: %s", error)

    def get_compression_fallback_streak(self, session_id: str) -> int:
        """Return how many times in a row a session was compressed without a model."""
        [streak] = self._columns(session_id, _STREAK)
        return max(0, int(streak)) if isinstance(streak, int) else 0

    def set_compression_fallback_streak(self, session_id: str, streak: int) -> None:
        """Store how many times in a row a session was compressed without a model."""
        if session_id:
            self._revise(session_id, extra={_STREAK: max(0, int(streak))})

    def _columns(self, session: str, *names: str) -> tuple[Any, ...]:
        query = f"SELECT {', '.join(names)} FROM {SESSIONS} s WHERE s.id = ?"
        nothing = (None,) * len(names)
        return self._read(lambda db: db.execute(query, (session,)).fetchone() or nothing)


def _lock(session: str) -> str:
    return f"hermes.compression:{session}"
