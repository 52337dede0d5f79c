"""Deletes, archives and clears sessions."""

from __future__ import annotations

import glob
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from projector.adapters.hermes.base import Base
from projector.adapters.hermes.events import session_deleted, session_revised
from projector.adapters.hermes.rows.sessions import MESSAGES, SESSIONS, Row, before
from projector.adapters.hermes.sessions.continuations import compressed_family
from projector.adapters.hermes.sessions.filters import Bounds, ended

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import apsw

_DAY = 86_400
_EMPTY = f"s.title IS NULL AND NOT {MESSAGES}"
_LEFT = "s.message_count = 0 AND s.ended_at IS NOT NULL AND s.archived = 0"
_CHILDREN = f"""
SELECT s.id, json_extract(s.config, '$._delegate_from') IS NOT NULL FROM {SESSIONS} s
  WHERE s.parent_session_id = ?
"""
_DELEGATES = f"""
SELECT s.id FROM {SESSIONS} s WHERE json_extract(s.config, '$._delegate_from') = ?
"""


class Prune(Base):
    """Deletions of sessions. The events stay in the journal, and no query shows them.

    A method that takes `sessions_dir` also deletes Hermes's files of the sessions in that folder.
    """

    def delete_session(self, session_id: str, sessions_dir: Path | None = None) -> bool:
        """Delete a session and its delegates; its other children lose their parent.

        Returns:
            Whether it existed.
        """
        return self.delete_sessions([session_id], sessions_dir) > 0

    def delete_sessions(self, session_ids: list[str], sessions_dir: Path | None = None) -> int:
        """Delete sessions, as `delete_session`; return how many existed."""
        wanted = list(dict.fromkeys(id for id in session_ids if isinstance(id, str) and id))

        def query(db: apsw.Connection) -> tuple[list[str], list[str]]:
            there = _ids(db, "s.id = ?", wanted)
            return there, _delegates(db, there)

        there, delegates = self._read(query) if wanted else ([], [])
        self._delete([*delegates, *there], sessions_dir)
        return len(there)

    def delete_session_if_empty(self, session_id: str, sessions_dir: Path | None = None) -> bool:
        """Delete a session that has no messages, title or children; return whether it did.

        If another process appends a message meanwhile, message and session are kept.
        """
        childless = f"NOT EXISTS (SELECT 1 FROM {SESSIONS} c WHERE c.parent_session_id = s.id)"
        empty = f"s.id = ? AND {_EMPTY} AND {childless}"

        def query(db: apsw.Connection) -> tuple[str | None, set[str]]:
            source = f"SELECT s.source FROM {SESSIONS} s WHERE {empty}"
            return db.execute(source, (session_id,)).get, _message_ids(db, session_id)

        source, known = self._read(query)
        if source is None:
            return False
        self._delete([session_id], None)
        if late := self._read(lambda db: _message_ids(db, session_id)) - known:
            self._store.ensure(session_id, source=source)
            self._store.restore_messages(session_id, sorted(late))
            return False
        self._remove_session_files(sessions_dir, session_id)
        return True

    def count_empty_sessions(self) -> int:
        """Count the sessions that `delete_empty_sessions` would delete."""
        return len(self._read(lambda db: _ids(db, _LEFT)))

    def delete_empty_sessions(self, sessions_dir: Path | None = None) -> int:
        """Delete sessions that ended without messages and are not archived; return their number."""
        return self._delete(self._read(lambda db: _ids(db, _LEFT)), sessions_dir)

    def prune_empty_ghost_sessions(self, sessions_dir: Path | None = None) -> int:
        """Delete sessions of the TUI that are over a day old and have no messages and no title."""
        old = f"s.source = 'tui' AND s.ended_at IS NOT NULL AND s.started_at < ? AND {_EMPTY}"
        cutoff = before(time.time() - _DAY)
        names = self._read(lambda db: _ids(db, old, [cutoff]))
        return self._delete(names, sessions_dir)

    def prune_sessions(
        self,
        older_than_days: float | None = 90,
        source: str | None = None,
        sessions_dir: Path | None = None,
        **filters: Unpack[Bounds],
    ) -> int:
        """Delete sessions that ended, within bounds; their children lose their parent.

        Args:
            older_than_days: only those that began so long ago; None for all. `started_before`
                replaces it.
            source: only sessions of this source.
            sessions_dir: folder of their files.
            filters: see `Bounds`.

        Returns:
            The number of deleted sessions.

        Raises:
            TypeError: a filter is unknown.
        """
        chosen = ended(older_than_days, source, filters)
        names = self._read(lambda db: _ids(db, chosen.where, [chosen.bound]))
        return self._delete(names, sessions_dir)

    def list_prune_candidates(
        self,
        older_than_days: float | None = None,
        source: str | None = None,
        **filters: Unpack[Bounds],
    ) -> list[Row]:
        """Return the sessions that `prune_sessions` would delete, the oldest first.

        Raises:
            TypeError: a filter is unknown.
        """
        chosen = ended(older_than_days, source, filters)
        columns = (
            "id",
            "source",
            "title",
            "model",
            "started_at",
            "ended_at",
            "message_count",
            "archived",
        )
        query = (
            f"SELECT {', '.join(columns)} FROM {SESSIONS} s WHERE {chosen.where}"
            " ORDER BY s.started_at"
        )

        def ask(db: apsw.Connection) -> list[Row]:
            return [dict(zip(columns, r, strict=True)) for r in db.execute(query, chosen.bound)]

        return self._read(ask)

    def archive_sessions(
        self,
        older_than_days: float | None = None,
        source: str | None = None,
        **filters: Unpack[Bounds],
    ) -> int:
        """Archive sessions that ended, within bounds; return their number.

        Raises:
            TypeError: a filter is unknown.
        """
        bounds: Bounds = {"archived": False, **filters}
        rows = self.list_prune_candidates(older_than_days, source, **bounds)
        for row in rows:
            self.set_session_archived(row["id"], archived=True)
        return len(rows)

    def set_session_archived(self, session_id: str, archived: bool) -> bool:
        """Archive a session, or take that back, with all sessions of its conversation.

        Returns:
            Whether it exists.
        """
        names = self._read(lambda db: compressed_family(db, session_id))
        extra = {"archived": int(archived)}
        self._store.add(session_revised(name, extra=extra) for name in names)
        return bool(names)

    def clear_messages(self, session_id: str) -> None:
        """Remove all messages of a session."""
        store = self._store
        if self._is_there(session_id):
            store.clear(session_id)

    def _delete(self, names: Collection[str], sessions_dir: Path | None) -> int:
        """Delete sessions, and remove the parent of their children."""
        store = self._store
        gone = set(names)

        def query(db: apsw.Connection) -> list[str]:
            found = (id for name in names for id, _ in db.execute(_CHILDREN, (name,)))
            return [str(id) for id in found if id not in gone]

        orphans = self._read(query) if names else []
        events = [session_revised(name, clear=["parent"]) for name in orphans]
        events += [session_deleted(name) for name in names]
        store.add(events)
        for name in names:
            self._ensured.pop(name, None)
            self._routed.discard(name)
            self._remove_session_files(sessions_dir, name)
        return len(names)

    @staticmethod
    def _remove_session_files(sessions_dir: Path | None, session_id: str) -> None:
        """Delete the files of a session; skip one that cannot be deleted."""
        if sessions_dir is None:
            return
        folder = Path(sessions_dir)
        with suppress(OSError):
            dumps = folder.glob(f"request_dump_{glob.escape(session_id)}_*.json")
            for path in (folder / f"{session_id}.json", folder / f"{session_id}.jsonl", *dumps):
                with suppress(OSError):
                    path.unlink(missing_ok=True)


def _ids(db: apsw.Connection, where: str, values: Iterable[object] | None = None) -> list[str]:
    """Return the ids of sessions that meet a condition, for each of the bound values."""
    query = f"SELECT s.id FROM {SESSIONS} s WHERE {where}"
    bounds = [()] if values is None else [v if isinstance(v, tuple) else (v,) for v in values]
    return [str(id) for bound in bounds for (id,) in db.execute(query, bound)]


def _message_ids(db: apsw.Connection, session: str) -> set[str]:
    """Return the ids of all messages that a session ever had."""
    found = db.execute("SELECT id FROM all_messages WHERE session = ?", (session,))
    return {str(id) for (id,) in found}


def _delegates(db: apsw.Connection, names: Collection[str]) -> list[str]:
    """Return the sessions to which these delegate parts of their work, directly or not."""
    found: dict[str, None] = {}
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        delegates = [id for id, is_delegate in db.execute(_CHILDREN, (name,)) if is_delegate]
        delegates += [id for (id,) in db.execute(_DELEGATES, (name,))]
        for delegate in delegates:
            if delegate not in found and delegate not in names:
                found[str(delegate)] = None
                ahead.append(str(delegate))
    return list(found)
