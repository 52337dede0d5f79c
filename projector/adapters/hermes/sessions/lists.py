"""Lists and counts of sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projector.adapters.hermes.base import Base
from projector.adapters.hermes.rows.sessions import (
    SESSIONS,
    Row,
    active_row,
    rich_row,
    session_ids,
)
from projector.adapters.hermes.sessions.activity import latest_first
from projector.adapters.hermes.sessions.continuations import COMPRESSED, compression_tip
from projector.adapters.hermes.sessions.filters import listed

if TYPE_CHECKING:
    import apsw

_PAYLOAD = "system_prompt"
"""The column that compact rows lack."""
_FROM_TIP = (
    "id",
    "ended_at",
    "end_reason",
    "message_count",
    "tool_call_count",
    "title",
    "last_active",
    "preview",
    "model",
    _PAYLOAD,
)
_FROM_TIP_LATER = ("cwd", "git_branch", "git_repo_root")
"""Columns that a compressed conversation takes from the last session that continues it."""


class Lists(Base):
    """Lists of sessions."""

    def list_sessions_rich(
        self,
        source: str | None = None,
        exclude_sources: list[str] | None = None,
        limit: int = 20,
        offset: int = 0,
        include_children: bool = False,
        project_compression_tips: bool = True,
        order_by_last_active: bool = False,
        cwd_prefix: str | None = None,
        min_message_count: int = 0,
        include_archived: bool = False,
        archived_only: bool = False,
        id_query: str | None = None,
        search_query: str | None = None,
        compact_rows: bool = False,
    ) -> list[Row]:
        """Return sessions with `preview` and `last_active`, the newest first.

        Children are left out, except branches. A compressed conversation is one row: its start is
        that of its first session, all else is of the last session that continues it, and
        `_lineage_root_id` is the id of the first one.

        Args:
            source: only sessions of this source.
            exclude_sources: no sessions of these sources.
            limit: the most to return; all if it is negative.
            offset: the number to skip.
            include_children: children too, each in a row of its own.
            project_compression_tips: whether a compressed conversation is one row.
            order_by_last_active: order by the latest message, over all sessions of a conversation.
            cwd_prefix: only sessions in this folder or below.
            min_message_count: only sessions with at least so many messages.
            include_archived: archived sessions too.
            archived_only: archived sessions only.
            id_query: only those with this text in an id; with `order_by_last_active`.
            search_query: only those with this text in a title (without punctuation) or an id; with
                `order_by_last_active`.
            compact_rows: leave out the system prompt.
        """
        names = source, exclude_sources, cwd_prefix, min_message_count
        chosen = listed(*names, include_archived, archived_only, with_children=include_children)
        is_later = self._is_later
        is_projected = project_compression_tips and not include_children

        def query(db: apsw.Connection) -> list[Row]:
            if order_by_last_active:
                found = session_ids(db, chosen.where, chosen.bound)
                needles = (_needle(id_query), _needle(search_query))
                found = latest_first(db, found, *needles, is_later=is_later)
                found = found[offset:] if limit < 0 else found[offset : offset + limit]
            else:
                bound = (*chosen.bound, limit, offset)
                rest = "ORDER BY s.started_at DESC LIMIT ? OFFSET ?"
                found = session_ids(db, chosen.where, bound, rest)
            rows = [rich_row(db, id) for id in found]
            return [_projected(db, r, is_later=is_later) for r in rows] if is_projected else rows

        rows = self._read(query)
        for row in rows if compact_rows else ():
            row.pop(_PAYLOAD)
        return rows

    def list_cron_job_runs(self, job_id: str, limit: int = 20, offset: int = 0) -> list[Row]:
        """Return the sessions of a job, `cron_<job>_<time>`, the newest first."""
        prefix = f"cron_{job_id}_"

        def query(db: apsw.Connection) -> list[Row]:
            where = "s.source = 'cron' AND s.id >= ? AND s.id < ?"
            rest = "ORDER BY s.started_at DESC, s.id DESC LIMIT ? OFFSET ?"
            # "`" is the character after "_"
            bound = (prefix, f"{prefix[:-1]}`", limit, offset)
            return [rich_row(db, id) for id in session_ids(db, where, bound, rest)]

        return self._read(query)

    def search_sessions(
        self, source: str | None = None, limit: int = 20, offset: int = 0
    ) -> list[Row]:
        """Return sessions with `last_active`, the last active first."""

        def query(db: apsw.Connection) -> list[Row]:
            rest = "ORDER BY s.last_active DESC, s.started_at DESC, s.id DESC LIMIT ? OFFSET ?"
            where, bound = ("s.source = ?", (source,)) if source else ("1", ())
            found = session_ids(db, where, (*bound, limit, offset), rest)
            return [active_row(db, id) for id in found]

        return self._read(query)

    def search_sessions_by_id(
        self, query: str, limit: int = 20, include_archived: bool = True
    ) -> list[Row]:
        """Return sessions with a text in an id: equal ids first, then ids that begin with it."""
        needle = _needle(query)
        if not needle or limit <= 0:
            return []
        found = self.list_sessions_rich(
            limit=limit * 4,
            include_archived=include_archived,
            order_by_last_active=True,
            id_query=needle,
        )

        def rank(row: Row) -> int:
            ids = [str(row[name]).lower() for name in ("id", "_lineage_root_id") if name in row]
            return 0 if needle in ids else 1 if any(id.startswith(needle) for id in ids) else 2

        return sorted(found, key=rank)[:limit]

    def session_count(
        self,
        source: str | None = None,
        cwd_prefix: str | None = None,
        min_message_count: int = 0,
        include_archived: bool = False,
        archived_only: bool = False,
        exclude_children: bool = False,
        exclude_sources: list[str] | None = None,
    ) -> int:
        """Count sessions, selected as by `list_sessions_rich`; children count too."""
        names = source, exclude_sources, cwd_prefix, min_message_count
        chosen = listed(*names, include_archived, archived_only, with_children=not exclude_children)
        return self._count(f"SELECT count(*) FROM {SESSIONS} s WHERE {chosen.where}", chosen.bound)

    def message_count(self, session_id: str | None = None) -> int:
        """Count the messages of a session, or of all sessions; archived ones too."""
        query = "SELECT count(*) FROM all_messages WHERE state IN ('transcript', 'archived')"
        if session_id:
            return self._count(f"{query} AND session = ?", (session_id,))
        return self._count(query, ())

    def distinct_session_cwds(self, include_archived: bool = False) -> list[dict[str, Any]]:
        """Return the working directories, their number of sessions, and when each was last used."""
        query = (
            "SELECT s.cwd, count(*), max(coalesce(s.ended_at, s.started_at))"
            f" FROM {SESSIONS} s WHERE trim(s.cwd) <> '' AND (? OR s.archived = 0) GROUP BY s.cwd"
        )

        def ask(db: apsw.Connection) -> list[dict[str, Any]]:
            return [
                {"cwd": cwd, "sessions": count, "last_active": float(str(latest))}
                for cwd, count, latest in db.execute(query, (include_archived,))
            ]

        return self._read(ask)

    def _count(self, query: str, bound: tuple[object, ...]) -> int:
        return self._read(lambda db: int(db.execute(query, bound).get))

    def _get_session_rich_row(self, session_id: str, compact_rows: bool = False) -> Row | None:
        def query(db: apsw.Connection) -> Row | None:
            found = session_ids(db, "s.id = ?", (session_id,))
            return rich_row(db, session_id) if found else None

        row = self._read(query)
        if row is not None and compact_rows:
            row.pop(_PAYLOAD)
        return row


def _projected(db: apsw.Connection, row: Row, *, is_later: bool) -> Row:
    """Return the row of a compressed conversation with columns of the last session in it."""
    if row["end_reason"] != COMPRESSED:
        return row
    tip = compression_tip(db, row["id"], is_later=is_later)
    if tip == row["id"]:
        return row
    there = rich_row(db, tip)
    names = (*_FROM_TIP, *_FROM_TIP_LATER) if is_later else _FROM_TIP
    return row | {name: there[name] for name in names} | {"_lineage_root_id": row["id"]}


def _needle(text: str | None) -> str:
    return (text or "").strip().lower()
