"""Sessions, as values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from journal.format.event_types import COSTS, COUNTS
from journal.format.timestamps import to_datetime
from journal.process import clock
from journal.process.fork import no_fork
from projector.db.columns import decode
from projector.db.kinds import MESSAGE
from projector.db.rows import STORED, stored
from projector.db.schema import ABOVE
from projector.fold.sessions import FIELDS
from projector.text.document import document
from projector.text.snippet import snippet
from projector.views.session_names import EXISTS, find_session

if TYPE_CHECKING:
    from datetime import datetime

    import apsw


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session.

    Attributes:
        session: its id.
        title, source, model, cwd, parent, user, system_prompt, end_reason: as its events give them;
            None if they do not.
        config: the model's configuration; None if no event gives it.
        branch, commit: of git, in its working directory.
        relation: what it is of its parent: `fork`, `subagent` or `continuation`.
        gone: when it was noticed that the files or databases that it was imported from have it no
            more; None while one has it.
        started: the date that its events give, else that of its first message (of a fork: the first
            that it does not repeat), else when it was created; microseconds since 1970.
        ended: when it ended; None while it continues.
        last: date of its latest message; one in the future counts only where all are.
        messages: number of messages in its transcript, without replays.
        replays: number of messages in its transcript that repeat one of another session.
        tool_calls: number of calls of tools in those that count.
        usage: totals of `journal.format.event_types.COUNTS`, and of `COSTS` in US dollars, without
            those that no event gives.
        preview: the beginning of the first message that a person wrote, of a fork the first that it
            does not repeat; of a sub-agent, of its task; empty if there is none.
        extra: everything else that its events give.
    """

    session: str
    title: str | None
    source: str | None
    model: str | None
    cwd: str | None
    parent: str | None
    user: str | None
    system_prompt: str | None
    config: dict[str, Any] | None
    started: int | None
    branch: str | None
    commit: str | None
    relation: str | None
    gone: int | None
    ended: int | None
    end_reason: str | None
    last: int | None
    messages: int
    replays: int
    tool_calls: int
    usage: dict[str, int | float]
    preview: str
    extra: dict[str, Any]

    @property
    def started_utc(self) -> datetime | None:
        """`started` as a datetime in UTC."""
        return None if self.started is None else to_datetime(self.started)

    @property
    def ended_utc(self) -> datetime | None:
        """`ended` as a datetime in UTC."""
        return None if self.ended is None else to_datetime(self.ended)

    @property
    def last_utc(self) -> datetime | None:
        """`last` as a datetime in UTC."""
        return None if self.last is None else to_datetime(self.last)


INDEXED = ("order_time", "order_depth", "ord")
"""Columns of the index that orders a transcript."""
UUID = "(SELECT uuid FROM _lanes WHERE _lanes.id = lane_row)"
"""The lane's uuid, which breaks a tie: unlike its rowid, it is the same in every projection."""
ORDER_COLUMNS = (*INDEXED, UUID, "seq", "transcript_index")
ORDER = ", ".join(ORDER_COLUMNS)
"""The order of a transcript, for `ORDER BY` in a query of `_events`."""
TIES = ", ".join(ORDER_COLUMNS[2:])
"""The order of messages with equal order time and depth: the order of events."""

_PREVIEW = 80
"""Characters of a preview."""
_META = "json_extract(other_fields, '$.meta')"
_TOLD = f"({_META} IS NULL OR {_META} = 'task')"
"""Condition on a message: a person wrote it, or the agent that started this one."""
_PREVIEWED = 50
"""Messages at the beginning of a session in which the user's first is looked for."""


def sessions(
    db: apsw.Connection,
    *,
    source: str | None = None,
    parent: str | None = None,
    gone: bool = False,
    limit: int,
    offset: int = 0,
) -> list[SessionView]:
    """Return sessions, the one with the latest message first.

    Args:
        db: the projection.
        source: only those whose events give this source.
        parent: only those that continue or belong to the session with this id.
        gone: only those that no source has any more.
        limit: most to return.
        offset: how many to skip.
    """
    wanted = {"source": source, ABOVE: parent}
    given = {column: value for column, value in wanted.items() if value is not None}
    where = "".join(f" AND {column} = ?" for column in given) + " AND gone IS NOT NULL" * gone
    order, horizon = "last DESC NULLS LAST", _horizon()
    if db.execute("SELECT 1 FROM _sessions WHERE last > ? LIMIT 1", (horizon,)).get is not None:
        # a session with a date in the future would stay on top until then
        order = f"CASE WHEN last > {horizon} THEN coalesce(({_dated(horizon)}), 0) ELSE last END"
        order += " DESC NULLS LAST"
    # the names first: the columns that count are computed for those that are returned alone
    query = f"SELECT session FROM _sessions WHERE {EXISTS}{where}"
    query += f" ORDER BY {order}, session LIMIT ? OFFSET ?"
    names = db.execute(query, (*given.values(), limit, offset)).fetchall()
    return [view for (name,) in names if (view := _find(db, str(name))) is not None]


def _horizon() -> int:
    """Return the time from which on a date is in the future, by the clock of this machine."""
    return clock.wall() + clock.AHEAD


def _dated(horizon: int) -> str:
    """Return the query for the latest date of a session's messages up to `horizon`."""
    return (
        "SELECT max(coalesce(e.timestamp, e.time)) FROM _events e WHERE e.session = _sessions.id"
        f" AND e.kind = {MESSAGE} AND e.state = 0 AND coalesce(e.timestamp, e.time) <= {horizon}"
    )


def session(db: apsw.Connection, name: str) -> SessionView:
    """Return the session that a text names, as `find_session` reads it.

    Raises:
        NotFound: there is none, or several; the message lists some.
    """
    view = _find(db, name)
    return session(db, find_session(db, name)) if view is None else view


@cache
def _columns() -> tuple[str, ...]:
    with no_fork.turn:
        from projector.db.public_views.sessions import SESSIONS  # noqa: PLC0415 - a search needs none

    return tuple(column.name for column in SESSIONS.columns)


def _find(db: apsw.Connection, name: str) -> SessionView | None:
    """Return the session with exactly this id; None if there is none."""
    columns = ", ".join(f'"{column}"' for column in _columns())
    query = f"SELECT {columns} FROM sessions WHERE session = ?"
    row = db.execute(query, (name,)).fetchone()
    if row is None:
        return None
    found = dict(zip(_columns(), row, strict=True))
    last, horizon = found["last_message"], _horizon()
    if last is not None and last > horizon:
        query = f"SELECT ({_dated(horizon)}) FROM _sessions WHERE session = ?"
        last = db.execute(query, (found["session"],)).get or last
    objects = {
        name: None if found[name] is None else decode(found[name])
        for name, kind in FIELDS.items()
        if kind is dict
    }
    return SessionView(
        **{name: found[name] for name in ("session", *FIELDS, "ended", "end_reason")} | objects,
        last=last,
        messages=found["message_count"],
        replays=found["replay_count"],
        tool_calls=found["tool_call_count"],
        usage={name: found[name] for name in COUNTS + COSTS if found[name] is not None},
        preview=_preview(db, found["session"], replays=found["replay_count"] > 0),
        extra={} if found["extra"] is None else decode(found["extra"]),
    )


def _preview(db: apsw.Connection, session: str, *, replays: bool) -> str:
    """Return the beginning of the user's first message, of a fork of its own if it has any."""
    own = " AND NOT EXISTS (SELECT 1 FROM _shared WHERE event = _events.id AND home IS NOT NULL)"
    row = None
    for narrowed in (own, "") if replays else ("",):
        row = row or db.execute(_PREVIEW_QUERY.format(narrowed), (session,)).fetchone()
    return "" if row is None else snippet(document(stored(row).in_force), (), width=_PREVIEW)


_PREVIEW_QUERY = (
    f"SELECT {STORED} FROM (SELECT * FROM _events WHERE kind = {MESSAGE} AND state = 0"
    " AND session = (SELECT id FROM _sessions WHERE session = ?){}"
    f" ORDER BY {ORDER} LIMIT {_PREVIEWED}) WHERE role = 'user' AND {_TOLD} ORDER BY {_META}"
    f" IS NOT NULL, {ORDER} LIMIT 1"
)


def ended(db: apsw.Connection, before: int, source: str | None) -> list[str]:
    """Return the ids of sessions that ended, and began before a time in microseconds.

    Args:
        db: the projection.
        before: the time.
        source: only sessions that name it as theirs.
    """
    query = (
        "SELECT v.session FROM sessions v JOIN _sessions s ON s.session = v.session"
        " WHERE v.ended IS NOT NULL AND v.started < ? AND (? IS NULL OR s.source = ?)"
        " ORDER BY v.started"
    )
    return [str(name) for (name,) in db.execute(query, (before, source, source))]
