"""Lists of sessions, and how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projector.adapters.hermes.base import Base
from projector.adapters.hermes.rows.sessions import (
    SESSIONS,
    Row,
    full_row,
    last_active,
    numbers,
    rich_row,
)
from projector.adapters.hermes.sessions.activity import latest_first
from projector.adapters.hermes.sessions.continuations import COMPRESSED, compression_tip
from projector.adapters.hermes.sessions.filters import shown
from projector.db.schema import MESSAGE
from projector.fold.messages import OUT

if TYPE_CHECKING:
    import apsw

_PAYLOAD = "system_prompt"
"""The column that short rows do not have."""
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
"""What a conversation that was compressed shows of the session in which it goes on."""


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
        """Return sessions with `preview` and `last_active`, that which began last first.

        Children are left out, but for branches. A conversation that was compressed is one entry:
        it began when its first session did, and everything else is of that in which it goes on;
        the first one's id is its `_lineage_root_id`.

        Args:
            source: only those from there.
            exclude_sources: none from there.
            limit: most to return.
            offset: how many to skip.
            include_children: children too, each for itself.
            project_compression_tips: whether compressed conversations are one entry.
            order_by_last_active: that with the latest message first; a compressed conversation
                counts with all its sessions.
            cwd_prefix: only those that work in this folder, or below.
            min_message_count: only those with so many messages.
            include_archived: archived ones too.
            archived_only: no others.
            id_query: only those with this in an id; with `order_by_last_active`.
            search_query: only those with this in a title or an id, punctuation aside; with
                `order_by_last_active`.
            compact_rows: without the system prompt.
        """
        chosen = shown(
            source=source,
            exclude_sources=exclude_sources,
            cwd_prefix=cwd_prefix,
            min_message_count=min_message_count,
            include_archived=include_archived,
            archived_only=archived_only,
            with_children=include_children,
        )
        is_later = self._is_later
        is_projected = project_compression_tips and not include_children

        def query(db: apsw.Connection) -> list[Row]:
            if order_by_last_active:
                found = numbers(db, chosen.where, chosen.bound)
                asked = (_needle(id_query), _needle(search_query))
                found = latest_first(db, found, *asked, is_later=is_later)
                found = found[offset:] if limit < 0 else found[offset : offset + limit]
            else:
                bound = (*chosen.bound, limit, offset)
                rest = "ORDER BY s.started_at DESC LIMIT ? OFFSET ?"
                found = numbers(db, chosen.where, bound, rest)
            rows = [rich_row(db, number) for number in found]
            return [_projected(db, r, is_later=is_later) for r in rows] if is_projected else rows

        rows = self._read(query)
        for row in rows if compact_rows else ():
            row.pop(_PAYLOAD)
        return rows

    def list_cron_job_runs(self, job_id: str, limit: int = 20, offset: int = 0) -> list[Row]:
        """Return the sessions of a job, `cron_<job>_<time>`, that which began last first."""
        prefix = f"cron_{job_id}_"

        def query(db: apsw.Connection) -> list[Row]:
            where = "s.source = 'cron' AND s.id >= ? AND s.id < ?"
            rest = "ORDER BY s.started_at DESC, s.id DESC LIMIT ? OFFSET ?"
            # "`" is the character after "_"
            bound = (prefix, f"{prefix[:-1]}`", limit, offset)
            return [rich_row(db, number) for number in numbers(db, where, bound, rest)]

        return self._read(query)

    def search_sessions(
        self, source: str | None = None, limit: int = 20, offset: int = 0
    ) -> list[Row]:
        """Return sessions with `last_active`, that with the latest message first."""

        def query(db: apsw.Connection) -> list[Row]:
            rest = (
                "ORDER BY coalesce(s.last_said, s.started_at) DESC, s.started_at DESC, s.id DESC"
                " LIMIT ? OFFSET ?"
            )
            where, bound = ("s.source = ?", (source,)) if source else ("1", ())
            found = numbers(db, where, (*bound, limit, offset), rest)
            return [full_row(db, n) | {"last_active": last_active(db, n)} for n in found]

        return self._read(query)

    def search_sessions_by_id(
        self, query: str, limit: int = 20, include_archived: bool = True
    ) -> list[Row]:
        """Return sessions with a text in an id: whole ids first, then beginnings."""
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
        """Count sessions, chosen as by `list_sessions_rich`, but children are counted."""
        chosen = shown(
            source=source,
            exclude_sources=exclude_sources,
            cwd_prefix=cwd_prefix,
            min_message_count=min_message_count,
            include_archived=include_archived,
            archived_only=archived_only,
            with_children=not exclude_children,
        )
        return self._count(f"SELECT count(*) FROM {SESSIONS} s WHERE {chosen.where}", chosen.bound)

    def message_count(self, session_id: str | None = None) -> int:
        """Count messages, archived ones too: those of a session, or all."""
        query = f"SELECT count(*) FROM events WHERE kind = {MESSAGE} AND state < ?"
        if session_id:
            one = " AND session = (SELECT id FROM sessions WHERE session = ?)"
            return self._count(query + one, (OUT, session_id))
        return self._count(query, (OUT,))

    def distinct_session_cwds(self, include_archived: bool = False) -> list[dict[str, Any]]:
        """Return the folders that sessions work in, how many do, and when the last one did."""
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
            found = numbers(db, "s.id = ?", (session_id,))
            return rich_row(db, found[0]) if found else None

        row = self._read(query)
        if row is not None and compact_rows:
            row.pop(_PAYLOAD)
        return row


def _projected(db: apsw.Connection, row: Row, *, is_later: bool) -> Row:
    """Show of a compressed conversation the session in which it goes on."""
    if row["end_reason"] != COMPRESSED:
        return row
    tip = compression_tip(db, row["id"], is_later=is_later)
    if tip == row["id"]:
        return row
    [number] = numbers(db, "s.id = ?", (tip,))
    there = rich_row(db, number)
    names = (*_FROM_TIP, *_FROM_TIP_LATER) if is_later else _FROM_TIP
    return row | {name: there[name] for name in names} | {"_lineage_root_id": row["id"]}


def _needle(text: str | None) -> str:
    return (text or "").strip().lower()
