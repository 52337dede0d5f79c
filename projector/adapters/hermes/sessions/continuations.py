"""Sessions that continue others: compressed conversations, their branches and their delegates.

A compressed session ended with the reason `compression`, and a child continues it. Hermes 0.13
finds that child by time (it began after the end). Later versions exclude the other children:
branches and delegates have a mark in the settings of their model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projector.adapters.hermes.base import Base
from projector.adapters.hermes.events import session_ended
from projector.adapters.hermes.rows.sessions import MESSAGES, SESSIONS, session_row
from projector.adapters.hermes.rows.values import now

if TYPE_CHECKING:
    import apsw

COMPRESSED = "compression"
"""The end reason of a session that a child continues."""
BRANCH = "json_extract(s.config, '$._branched_from')"
DELEGATE = "json_extract(s.config, '$._delegate_from')"
"""The marks of a branch and of a delegate; NULL if there is none."""

_LONGEST, _RESUMED = 100, 32
"""Most sessions that are followed: along a chain, and to the one that has the messages."""
_WEEK = 7 * 86_400

UNMARKED = f"{BRANCH} IS NULL AND {DELEGATE} IS NULL AND s.source <> 'tool'"
"""Condition: a child is neither a branch nor a delegate, so it can continue its parent."""

_BY_TIME = f"""
SELECT s.id FROM {SESSIONS} p JOIN {SESSIONS} s ON s.parent_session_id = p.id
  WHERE p.id = ? AND p.end_reason = '{COMPRESSED}' AND s.started_at >= p.ended_at
  ORDER BY s.started_at DESC LIMIT 1
"""
_BY_MARK = f"""
SELECT s.id FROM {SESSIONS} p JOIN {SESSIONS} s ON s.parent_session_id = p.id
  WHERE p.id = ? AND p.end_reason = '{COMPRESSED}' AND {UNMARKED}
  ORDER BY s.end_reason IS '{COMPRESSED}' DESC, s.ended_at IS NULL DESC,
    s.last_active DESC, s.started_at DESC, s.id DESC LIMIT 1
"""
_YOUNGEST = f"""
SELECT s.id FROM {SESSIONS} s WHERE s.parent_session_id = ?
  ORDER BY s.started_at DESC, s.id DESC LIMIT 1
"""
_YOUNGEST_UNMARKED = f"""
SELECT s.id FROM {SESSIONS} s WHERE s.parent_session_id = ? AND {UNMARKED}
  ORDER BY s.started_at DESC, s.id DESC LIMIT 1
"""
_HAS_MESSAGES = f"SELECT 1 FROM {SESSIONS} s WHERE s.id = ? AND {MESSAGES}"
_ORPHANS = f"""
SELECT s.id FROM {SESSIONS} s JOIN {SESSIONS} p ON p.id = s.parent_session_id
  WHERE s.ended_at IS NULL AND s.end_reason IS NULL AND s.api_call_count = 0 AND s.started_at < ?
  AND p.end_reason = '{COMPRESSED}' AND p.ended_at IS NOT NULL AND {MESSAGES}
"""


class Continuations(Base):
    """Which session continues which."""

    def get_compression_tip(self, session_id: str) -> str | None:
        """Return the last session that continues a compressed one; itself if it is not one."""
        is_later = self._is_later
        return self._read(lambda db: compression_tip(db, session_id, is_later=is_later))

    def resolve_resume_session_id(self, session_id: str) -> str:
        """Return the session that has the messages of a session to resume.

        If neither it nor those that continue it have messages, it is the session itself.
        """
        if not session_id:
            return session_id
        resumed = _resumed_later if self._is_later else _resumed
        return self._read(lambda db: resumed(db, session_id))

    def get_conversation_root(self, session_id: str) -> str:
        """Return the first session of the chain of parents of a session."""
        return self._session_lineage_root_to_tip(session_id)[0]

    def _session_lineage_root_to_tip(self, session_id: str) -> list[str]:
        return self._read(lambda db: lineage(db, session_id)) if session_id else [session_id]

    def get_compression_lineage(self, session_id: str) -> list[str]:
        """Return the sessions of a compressed conversation from its first to its last.

        A branch, or a session that was not compressed, is alone; an unknown id gives [].
        """
        return self._read(lambda db: _compressed(db, session_id))

    def finalize_orphaned_compression_sessions(self) -> int:
        """End continuations that have been unused for a week; return their number."""

        def query(db: apsw.Connection) -> list[str]:
            return [str(id) for (id,) in db.execute(_ORPHANS, (now() / 1_000_000 - _WEEK,))]

        store = self._store
        names = self._read(query)
        store.add(session_ended(name, now(), "orphaned_compression") for name in names)
        return len(names)


def compression_tip(db: apsw.Connection, session: str, *, is_later: bool) -> str:
    """Return the last session that continues a compressed one; itself if it is not one."""
    query = _BY_MARK if is_later else _BY_TIME
    seen = {session}
    for _ in range(_LONGEST):
        child = db.execute(query, (session,)).get
        if child is None or (is_later and child in seen):
            break
        session = str(child)
        seen.add(session)
    return session


def _resumed(db: apsw.Connection, session: str) -> str:
    """Return the first session with messages along the newest children."""
    seen: set[str] = set()
    current: str | None = session
    while current is not None and current not in seen and len(seen) <= _RESUMED:
        if db.execute(_HAS_MESSAGES, (current,)).get is not None:
            return current
        seen.add(current)
        current = db.execute(_YOUNGEST, (current,)).get
    return session


def _resumed_later(db: apsw.Connection, session: str) -> str:
    """Return the last session with messages along the newest children of the tip."""
    tip = compression_tip(db, session, is_later=True)
    best, current = None, tip
    seen: set[str] = set()
    while current is not None and current not in seen and len(seen) < _RESUMED:
        seen.add(current)
        if db.execute(_HAS_MESSAGES, (current,)).get is not None:
            best = current
        current = db.execute(_YOUNGEST_UNMARKED, (current,)).get
    return tip if best is None else best


def lineage(db: apsw.Connection, session: str) -> list[str]:
    """Return a session's parents from the first one to itself; they need not exist."""
    chain: list[str] = []
    current: str | None = session
    while current and current not in chain and len(chain) < _LONGEST:
        chain.append(current)
        query = f"SELECT s.parent_session_id FROM {SESSIONS} s WHERE s.id = ?"
        current = db.execute(query, (current,)).get
    return chain[::-1]


def is_compression_ancestor(db: apsw.Connection, ancestor: str, session: str) -> bool:
    """Return whether `ancestor` is among the compressed parents of a session."""
    query = f"""
    SELECT p.id FROM {SESSIONS} s JOIN {SESSIONS} p ON p.id = s.parent_session_id
      WHERE s.id = ? AND p.end_reason = '{COMPRESSED}'
    """
    seen: set[str] = set()
    current: str | None = session
    while current is not None and current not in seen:
        seen.add(current)
        current = db.execute(query, (current,)).get
    return ancestor != session and ancestor in seen


def compressed_family(db: apsw.Connection, session: str) -> list[str]:
    """Return all sessions of the compressed conversation that a session belongs to."""
    query = f"""
    WITH RECURSIVE
      up(id) AS (
        SELECT ?1 UNION SELECT p.id FROM up
          JOIN {SESSIONS} s ON s.id = up.id JOIN {SESSIONS} p ON p.id = s.parent_session_id
          WHERE p.end_reason = '{COMPRESSED}'),
      down(id) AS (
        SELECT ?1 UNION SELECT s.id FROM down
          JOIN {SESSIONS} p ON p.id = down.id JOIN {SESSIONS} s ON s.parent_session_id = p.id
          WHERE p.end_reason = '{COMPRESSED}')
    SELECT s.id FROM {SESSIONS} s WHERE s.id IN (SELECT id FROM up UNION SELECT id FROM down)
    """
    return [str(id) for (id,) in db.execute(query, (session,))]


def _compressed(db: apsw.Connection, session: str) -> list[str]:
    row = session_row(db, session)
    if row is None:
        return []
    if _is_branch(db, session):
        return [session]
    chain = [session]
    while (parent := _compressed_parent(db, chain[0])) is not None and parent not in chain:
        chain.insert(0, parent)
    found = chain[:1]
    query = f"""
    SELECT s.id FROM {SESSIONS} s JOIN {SESSIONS} p ON p.id = s.parent_session_id
      WHERE p.id = ? AND p.end_reason = '{COMPRESSED}' AND {BRANCH} IS NULL
      ORDER BY s.started_at LIMIT 1
    """
    while (child := db.execute(query, (found[-1],)).get) is not None and child not in found:
        found.append(str(child))
    return found if session in found else [session]


def _is_branch(db: apsw.Connection, session: str) -> bool:
    query = f"SELECT {BRANCH} FROM {SESSIONS} s WHERE s.id = ?"
    return db.execute(query, (session,)).get is not None


def _compressed_parent(db: apsw.Connection, session: str) -> str | None:
    query = f"""
    SELECT p.id FROM {SESSIONS} s JOIN {SESSIONS} p ON p.id = s.parent_session_id
      WHERE s.id = ? AND p.end_reason = '{COMPRESSED}' AND {BRANCH} IS NULL
    """
    found: Any = db.execute(query, (session,)).get
    return None if found is None else str(found)
