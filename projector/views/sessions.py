"""Sessions, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.event_types import COSTS
from journal.format.timestamps import to_datetime
from journal.process import clock
from projector.db.rows import STORED, stored
from projector.errors import NotFound
from projector.fold.sessions import NANO
from projector.text.document import document
from projector.text.snippet import snippet

if TYPE_CHECKING:
    from datetime import datetime

    import apsw


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session.

    Attributes:
        session: its id.
        title, source, model, cwd, parent, user, system_prompt, end_reason: what its events say;
            None if nothing.
        config: the model's configuration; None if nothing is said.
        started: when it began: said so, else its first message's time, else when it was created;
            microseconds since 1970.
        ended: when it ended; None while it goes on.
        last: time of its latest message; one that is dated in the future counts only where all are.
        messages: how many messages its transcript has.
        tool_calls: how many calls of tools they make.
        usage: totals of `journal.format.event_types.COUNTS`, and of `COSTS` in US dollars; what
            was never counted is not there.
        preview: the beginning of what the user said first; empty if the user said nothing.
        extra: everything else its events say.
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
    ended: int | None
    end_reason: str | None
    last: int | None
    messages: int
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
# ties are broken by the lane's uuid, which is the same in every projection, never its number
_UUID = "(SELECT uuid FROM _lanes WHERE _lanes.id = lane_row)"
ORDER_COLUMNS = (*INDEXED, _UUID, "seq", "transcript_index")
ORDER = ", ".join(ORDER_COLUMNS)
"""What orders a transcript, for `ORDER BY` in a query of `events`."""
TIES = ", ".join(ORDER_COLUMNS[2:])
"""What orders messages of one place and depth: the order of events."""

EXISTS = "(known OR message_total > 0)"
"""Which rows of `sessions` are sessions: others were deleted, or are names of other things."""
_BEGAN = """
(SELECT min(time) FROM _events e WHERE e.session = _sessions.id AND kind <> 1
  AND kind IN (SELECT id FROM _kinds WHERE type IN ('session.created', 'session.ensured')))
"""
_SESSION = f"""
SELECT id, extra, config, session, title, source, model, cwd, parent, user, system_prompt,
  coalesce(started, first, {_BEGAN}) AS started, ended, end_reason, last, messages FROM _sessions
  WHERE {EXISTS}
"""
_PREVIEW = 80
"""Characters of a preview."""
_PREVIEWED = 50
"""Messages at a session's beginning among which the user's first is looked for."""


def sessions(
    db: apsw.Connection,
    *,
    source: str | None = None,
    parent: str | None = None,
    limit: int,
    offset: int = 0,
) -> list[SessionView]:
    """Return sessions, that with the latest message first.

    Args:
        db: the projection.
        source: only those from there.
        parent: only those that continue or belong to the session with this id.
        limit: most to return.
        offset: how many to skip.
    """
    wanted = {"source": source, "parent": parent}
    given = {name: value for name, value in wanted.items() if value is not None}
    where = "".join(f" AND {name} = ?" for name in given)
    order, horizon = "last DESC NULLS LAST", _horizon()
    if db.execute("SELECT 1 FROM _sessions WHERE last > ? LIMIT 1", (horizon,)).get is not None:
        # a date that cannot be yet says nothing: it would stay on top until then
        order = f"CASE WHEN last > {horizon} THEN coalesce(({_dated(horizon)}), 0) ELSE last END"
        order += " DESC NULLS LAST"
    query = f"{_SESSION}{where} ORDER BY {order}, session LIMIT ? OFFSET ?"
    found = db.execute(query, (*given.values(), limit, offset))
    return [_session_view(db, row) for row in found]


def _horizon() -> int:
    """Return the time from which on no message can be, by the clock of who looks."""
    return clock.wall() + clock.AHEAD


def _dated(horizon: int) -> str:
    """Return the query for the latest time of a session's messages before `horizon`."""
    return (
        "SELECT max(coalesce(e.timestamp, e.time)) FROM _events e WHERE e.session = _sessions.id"
        f" AND e.kind = 1 AND e.state = 0 AND coalesce(e.timestamp, e.time) <= {horizon}"
    )


def session(db: apsw.Connection, name: str) -> SessionView:
    """Return the session with this id, or with the only id that begins so.

    Raises:
        NotFound: there is none, or several; the message lists some.
    """
    row = db.execute(f"{_SESSION} AND session = ?", (name,)).fetchone()
    if row is not None:
        return _session_view(db, row)
    # a range, since LIKE would read % and _ in the name as wildcards
    bounds = (name, f"{name}\U0010ffff")
    query = f"{_SESSION} AND session >= ? AND session < ? ORDER BY session LIMIT 6"
    found = [_session_view(db, row) for row in db.execute(query, bounds)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound(f"no session has the id {name!r}, or one that begins so")
    names = ", ".join(view.session for view in found)
    raise NotFound(f"several sessions begin with {name!r}: {names}; give more of the id")


def _session_view(db: apsw.Connection, row: tuple[Any, ...]) -> SessionView:
    number, extra, config, *said = row
    names = ("session", *_SAID, "started", "ended", "end_reason", "last", "messages")
    fields = dict(zip(names, said, strict=True))
    horizon = _horizon()
    if fields["last"] is not None and fields["last"] > horizon:
        query = f"SELECT ({_dated(horizon)}) FROM _sessions WHERE id = ?"
        fields["last"] = db.execute(query, (number,)).get or fields["last"]
    if fields["source"] is None:  # where its first message was said
        query = (
            "SELECT source FROM _events WHERE session = ? AND kind = 1 AND state = 0"
            f" ORDER BY {ORDER} LIMIT 1"
        )
        fields["source"] = db.execute(query, (number,)).get
    calls = (
        "SELECT total(json_array_length(other_fields, '$.tool_calls')) FROM _events"
        " WHERE session = ? AND kind = 1 AND state = 0 AND other_fields IS NOT NULL"
    )
    return SessionView(
        **fields,
        config=None if config is None else orjson.loads(config),
        tool_calls=int(db.execute(calls, (number,)).get),
        usage=_usage(db, number),
        preview=_preview(db, number),
        extra={} if extra is None else orjson.loads(extra),
    )


_SAID = ("title", "source", "model", "cwd", "parent", "user", "system_prompt")


def _usage(db: apsw.Connection, session: int) -> dict[str, int | float]:
    found = db.execute("SELECT name, total FROM _usage WHERE session = ?", (session,))
    return {name: total / NANO if name in COSTS else total for name, total in found}


def _preview(db: apsw.Connection, session: int) -> str:
    query = (
        f"SELECT {STORED} FROM (SELECT * FROM _events WHERE session = ? AND kind = 1 AND state = 0"
        f" ORDER BY {ORDER} LIMIT {_PREVIEWED}) WHERE role = 'user' LIMIT 1"
    )
    row = db.execute(query, (session,)).fetchone()
    if row is None:
        return ""
    return snippet(document(stored(row).in_force), (), width=_PREVIEW)


def ended(db: apsw.Connection, before: int, source: str | None) -> list[str]:
    """Return the ids of sessions that ended, and began before a moment in microseconds."""
    query = (
        f"SELECT session FROM ({_SESSION}) WHERE ended IS NOT NULL AND started < ?"
        " AND (? IS NULL OR source = ?) ORDER BY started"
    )
    return [str(name) for (name,) in db.execute(query, (before, source, source))]
