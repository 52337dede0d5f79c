"""Sessions, as values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from journal.format.event_types import COSTS, COUNTS
from journal.format.timestamps import to_datetime
from journal.process import clock
from journal.process.fork import no_fork
from projector.db.columns import decode
from projector.db.kinds import MESSAGE
from projector.db.rows import STORED, stored
from projector.fold.sessions import FIELDS
from projector.text.document import document
from projector.text.snippet import snippet
from projector.views.session_names import EXISTS, find_session

if TYPE_CHECKING:
    from datetime import datetime

    import apsw

    from projector.views.session_filters import SessionFilters


@dataclass(frozen=True, slots=True)
class SessionBrief:
    """A session, without what is counted by reading all of its messages.

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
        usage: totals of `journal.format.event_types.COUNTS`, and of `COSTS` in US dollars, without
            those that no event gives.
        preview: the beginning of the first message that a person wrote, of a fork the first that it
            does not repeat; of a sub-agent, of its task, else of its first message; or empty.
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


@dataclass(frozen=True, slots=True)
class SessionView(SessionBrief):
    """A session.

    Attributes:
        tool_calls: number of calls of tools in the messages that count.
    """

    tool_calls: int


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
_TOLD = f"(role = 'user' AND ({_META} IS NULL OR {_META} = 'task'))"
"""Condition on a message: a person wrote it, or the agent that started this one."""
_PREVIEWED = 50
"""Messages at the beginning of a session in which the user's first is looked for."""

SessionSort = Literal["last", "messages", "tokens", "cost"]
_TOKENS = "('input_tokens', 'output_tokens')"
_ORDERS = {
    "messages": "messages - replays DESC, last DESC NULLS LAST",
    # a sum of integers may be larger than SQLite has them
    "tokens": (
        "(SELECT total(u.total) FROM _usage u WHERE u.session = _sessions.id"
        f" AND u.name IN {_TOKENS}) DESC,"
        " last DESC NULLS LAST"
    ),
}


def sessions(
    db: apsw.Connection,
    filters: SessionFilters | None = None,
    *,
    sort: SessionSort = "last",
    limit: int,
    offset: int = 0,
) -> list[SessionView]:
    """Return sessions; the arguments are those of `session_ids`."""
    found = session_ids(db, filters, sort=sort, limit=limit, offset=offset)
    return [view for name in found if (view := _find(db, name)) is not None]


def session_ids(
    db: apsw.Connection,
    filters: SessionFilters | None = None,
    *,
    sort: SessionSort = "last",
    limit: int,
    offset: int = 0,
) -> list[str]:
    """Return the ids of sessions.

    Args:
        db: the projection.
        filters: which sessions; all without any.
        sort: what the first one has most of: `last` (the latest message), `messages`, `tokens`
            (input and output) or `cost`; one whose cost is not known is behind all others.
        limit: most to return.
        offset: how many to skip.
    """
    where: str = ""
    values: tuple[str | int, ...] = ()
    if filters is not None:
        with no_fork.turn:
            from projector.views.session_filters import condition  # noqa: PLC0415 - a search lists none

        where, values = condition(db, filters)
    if sort == "cost":
        return _by_cost(db, where, values)[offset : offset + limit]
    # the ids alone: the columns that count are computed for those that are returned
    order = _by_last(db) if sort == "last" else _ORDERS[sort]
    query = f"SELECT session FROM _sessions WHERE {EXISTS}{where}"
    query += f" ORDER BY {order}, session LIMIT ? OFFSET ?"
    return [str(name) for (name,) in db.execute(query, (*values, limit, offset))]


def _by_last(db: apsw.Connection) -> str:
    horizon = _horizon()
    if db.execute("SELECT 1 FROM _sessions WHERE last > ? LIMIT 1", (horizon,)).get is None:
        return "last DESC NULLS LAST"
    # a session with a date in the future would stay on top until then
    date = f"CASE WHEN last > {horizon} THEN coalesce(({_dated(horizon)}), 0) ELSE last END"
    return f"{date} DESC NULLS LAST"


def _by_cost(db: apsw.Connection, where: str, values: tuple[str | int, ...]) -> list[str]:
    with no_fork.turn:
        from projector.views.usage import costs  # noqa: PLC0415 - few lists need the prices

    query = f"SELECT session FROM _sessions WHERE {EXISTS}{where} ORDER BY session"
    known = costs(db)
    names = [str(name) for (name,) in db.execute(query, values)]
    return sorted(names, key=lambda name: -known.get(name, -1))


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


def brief(db: apsw.Connection, name: str) -> SessionBrief:
    """Return the session that a text names, without reading all of its messages.

    Raises:
        NotFound: there is none, or several; the message lists some.
    """
    found = _fields(db, name, _brief_columns())
    return brief(db, find_session(db, name)) if found is None else SessionBrief(**found)


_COUNTED = "tool_call_count"
"""The column whose value takes reading all messages of a session."""


@cache
def _columns() -> tuple[str, ...]:
    with no_fork.turn:
        from projector.db.public_views.sessions import SESSIONS  # noqa: PLC0415 - a search needs none

    return tuple(column.name for column in SESSIONS.columns)


@cache
def _brief_columns() -> tuple[str, ...]:
    return tuple(name for name in _columns() if name != _COUNTED)


def _find(db: apsw.Connection, name: str) -> SessionView | None:
    """Return the session with exactly this id; None if there is none."""
    found = _fields(db, name, _columns())
    return None if found is None else SessionView(**found)


def _fields(db: apsw.Connection, name: str, columns: tuple[str, ...]) -> dict[str, Any] | None:
    """Return the values of a session from some columns of the view; None if there is none."""
    selected = ", ".join(f'"{column}"' for column in columns)
    row = db.execute(f"SELECT {selected} FROM sessions WHERE session = ?", (name,)).fetchone()
    if row is None:
        return None
    found: dict[str, Any] = dict(zip(columns, row, strict=True))
    last, horizon = found["last_message"], _horizon()
    if last is not None and last > horizon:
        query = f"SELECT ({_dated(horizon)}) FROM _sessions WHERE session = ?"
        last = db.execute(query, (found["session"],)).get or last
    objects = {
        name: None if found[name] is None else decode(found[name])
        for name, kind in FIELDS.items()
        if kind is dict
    }
    values = {name: found[name] for name in ("session", *FIELDS, "ended", "end_reason")} | objects
    return (
        values
        | ({"tool_calls": found[_COUNTED]} if _COUNTED in found else {})
        | {
            "last": last,
            "messages": found["message_count"],
            "replays": found["replay_count"],
            "usage": {name: found[name] for name in COUNTS + COSTS if found[name] is not None},
            "preview": _preview(db, found),
            "extra": {} if found["extra"] is None else decode(found["extra"]),
        }
    )


def _preview(db: apsw.Connection, found: dict[str, Any]) -> str:
    """Return the beginning of the user's first message, of a fork of its own if it has any."""
    given = found["session"], found["relation"] == "subagent"
    own = " AND NOT EXISTS (SELECT 1 FROM _shared WHERE event = _events.id AND home IS NOT NULL)"
    row = None
    for narrowed in (own, "") if found["replay_count"] > 0 else ("",):
        row = row or db.execute(_PREVIEW_QUERY.format(narrowed), given).fetchone()
    return "" if row is None else snippet(document(stored(row).in_force), (), width=_PREVIEW)


_PREVIEW_QUERY = (
    f"SELECT {STORED} FROM (SELECT * FROM _events WHERE kind = {MESSAGE} AND state = 0"
    " AND session = (SELECT id FROM _sessions WHERE session = ?){}"
    f" ORDER BY {ORDER} LIMIT {_PREVIEWED}) WHERE {_TOLD} OR ? ORDER BY {_TOLD} DESC,"
    f" {_META} IS NOT NULL, {ORDER} LIMIT 1"
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
