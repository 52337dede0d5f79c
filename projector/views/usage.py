"""What was used and paid, by day, model, project and so on."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Literal, get_args

import orjson

from journal.format.event_types import COUNTS, SESSION_DELETED, USAGE_ADDED, USAGE_SET
from projector.db.columns import decode
from projector.db.kinds import KINDS, MESSAGE, TYPES
from projector.db.public_views.view import lane_uuid
from projector.fold.facets import is_model
from projector.fold.sessions import OrderedEvent, since_deletion
from projector.fold.usage import fold_calls
from projector.views.fields import PROJECT
from projector.views.prices import cost_of, is_priced, table_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import apsw

    from projector.errors import Behind
    from projector.fold.usage import Call

By = Literal["day", "week", "month", "model", "project", "branch", "source", "session"]
_TIMES = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}
_SUBAGENT = "subagent"
_TYPES = (USAGE_ADDED, USAGE_SET, SESSION_DELETED)
_WANTED = (
    f" AND (e.kind <> {KINDS[USAGE_ADDED]} OR json_extract(e.other_fields, '$.call')"
    " IN (SELECT value FROM json_each(?)))"
)
"""Condition on an event: it is of a wanted call, or changes what calls count."""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What was used and paid in one group.

    Attributes:
        name: of the group; None if its calls do not give it, such as a model.
        sessions: number of sessions; sub-agents count as the session that started them.
        input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
            api_calls: the sums. The input is without the tokens of the cache, whatever the source.
        cost: what is known of its cost, in micro-dollars; None if nothing is known.
        unpriced: the models of calls whose cost is not known; "" for calls without a model.
    """

    name: str | None
    sessions: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    api_calls: int
    cost: int | None
    unpriced: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What was used and paid.

    Attributes:
        rows: one for each group: by time the earliest first, else that with most tokens.
        total: the sums over all rows; its name is None.
        prices: name, version and date of the table of prices; None if none is installed or needed.
        behind: what is missing of all that the journal held; None if nothing is.
    """

    rows: tuple[UsageRow, ...]
    total: UsageRow
    prices: str | None
    behind: Behind | None


@dataclass(frozen=True, slots=True)
class UsageFilters:
    """Which calls are counted; None means all.

    Attributes:
        since, until: microseconds since 1970; `since` is inclusive.
        project: the working directory of the session, or its last part.
        branch: the git branch of the session.
        source: of the session.
        model: of the call, else of its session.
    """

    since: int | None = None
    until: int | None = None
    project: str | None = None
    branch: str | None = None
    source: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class _Session:
    name: str
    source: str | None
    cwd: str | None
    branch: str | None
    parent: str | None
    relation: str | None


def usage(
    db: apsw.Connection, by: By, filters: UsageFilters
) -> tuple[tuple[UsageRow, ...], UsageRow, str | None]:
    """Return what was used and paid by group, the total, and the table of prices that was used."""
    sessions = _sessions(db)
    projects = None if filters.project is None else PROJECT.named(db, filters.project)
    groups: dict[str | None, list[tuple[str, Call]]] = defaultdict(list)
    for name, calls in _calls(db):
        session = sessions.get(name) or _Session(name, None, None, None, None, None)
        if filters.source is not None and session.source != filters.source:
            continue
        if filters.branch is not None and session.branch != filters.branch:
            continue
        if projects is not None and session.cwd not in projects:
            continue
        root = _root(sessions, session)
        for call in calls:
            if _is_wanted(call, filters):
                groups[_group(by, call, session, root)].append((root, call))
    rows = [usage_row(name, found) for name, found in groups.items()]
    if by in _TIMES:
        rows.sort(key=lambda row: row.name or "")
    else:
        rows.sort(key=lambda row: (-row.input_tokens - row.output_tokens, row.name or ""))
    pairs = [pair for found in groups.values() for pair in found]
    is_asked = any(call.model is not None and not is_priced(call) for _, call in pairs)
    return tuple(rows), usage_row(None, pairs), table_name() if is_asked else None


def costs(db: apsw.Connection) -> dict[str, int]:
    """Return the cost of each session of which one is known, in micro-dollars, by its id."""
    found: dict[str, int] = {}
    for name, calls in _calls(db):
        known = [cost for call in calls if (cost := cost_of(call)) is not None]
        if known:
            found[name] = sum(known)
    return found


def session_usage(db: apsw.Connection, session: str) -> UsageRow | None:
    """Return what one session used and cost, without its sub-agents; None if it used nothing."""
    for name, calls in _calls(db, session):
        if calls:
            return usage_row(name, [(name, call) for call in calls])
    return None


def session_calls(
    db: apsw.Connection, session: str, ids: Collection[str] | None = None
) -> list[Call]:
    """Return the calls of the API that one session used, without those of its sub-agents.

    Args:
        db: the projection.
        session: its id.
        ids: the source's ids of the calls that are wanted; None for all.
    """
    return [call for _, calls in _calls(db, session, ids) for call in calls]


def check_by(by: object) -> None:
    """Refuse a group that there is not.

    Raises:
        ValueError: `by` is none.
    """
    if by not in get_args(By):
        raise ValueError(f"by must be one of {', '.join(get_args(By))}, not {by!r:.60}")


def _sessions(db: apsw.Connection) -> dict[str, _Session]:
    query = "SELECT session, source, cwd, branch, parent, relation FROM sessions"
    return {found.name: found for found in (_Session(*row) for row in db.execute(query))}


def _calls(
    db: apsw.Connection, session: str | None = None, ids: Collection[str] | None = None
) -> Iterator[tuple[str, list[Call]]]:
    """Yield the calls of each session that has used something, or some calls of one alone."""
    marks = ", ".join("?" * len(_TYPES))
    query = (
        f"SELECT e.session, s.session, e.event_id, e.kind, e.time, e.ord, {lane_uuid('e')}, e.seq,"
        " e.other_fields FROM _events e INDEXED BY events_other"
        " JOIN _sessions s ON s.id = e.session"
        f" WHERE e.kind <> {MESSAGE} AND e.kind IN ({marks})"
        f"{'' if session is None else ' AND s.session = ?'}{'' if ids is None else _WANTED}"
        " AND NOT EXISTS (SELECT 1 FROM _shared x WHERE x.event = e.id AND x.home IS NOT NULL)"
        " ORDER BY e.session, e.event_id"
    )
    named = () if session is None else (session,)
    wanted = () if ids is None else (orjson.dumps([*ids]).decode(),)
    rows = db.execute(query, (*(KINDS[type] for type in _TYPES), *named, *wanted))
    for _, of_session in groupby(rows, key=itemgetter(0)):
        events, name, deleted = list[tuple[str, OrderedEvent]](), "", False
        for _, name, id, kind, time, order, lane, seq, data in of_session:  # noqa: B007 - below
            deleted = deleted or TYPES[kind] == SESSION_DELETED
            at = (order, lane, seq)
            event = OrderedEvent(at, TYPES[kind], decode(data), time, {lane: seq})
            events.append((id, event))
        calls = fold_calls(_in_force(db, name, events, deleted=deleted))
        yield name, _with_models(db, name, calls)


def _in_force(
    db: apsw.Connection, session: str, events: list[tuple[str, OrderedEvent]], *, deleted: bool
) -> list[OrderedEvent]:
    """Return the events of a session that no deletion reaches."""
    if not deleted:
        return [event for _, event in events]
    copies: dict[str, dict[str, int]] = defaultdict(dict)
    query = "SELECT id, lane, seq FROM copies WHERE session = ?"
    for id, lane, seq in db.execute(query, (session,)):
        copies[str(id)][str(lane)] = seq
    found = [event._replace(copies={**copies[id], **event.copies}) for id, event in events]
    return since_deletion(found)


def _with_models(db: apsw.Connection, session: str, calls: list[Call]) -> list[Call]:
    """Return calls; one without a model of its own has that of its session, as a message has."""
    if all(is_model(call.model) for call in calls):
        return calls
    model = db.execute("SELECT model FROM sessions WHERE session = ?", (session,)).get
    return [call if is_model(call.model) else replace(call, model=model) for call in calls]


def _is_wanted(call: Call, filters: UsageFilters) -> bool:
    return (
        (filters.since is None or call.time >= filters.since)
        and (filters.until is None or call.time < filters.until)
        and (filters.model is None or call.model == filters.model)
    )


def _root(sessions: dict[str, _Session], session: _Session) -> str:
    """Return the session to which a sub-agent belongs; a session that is none is its own."""
    seen = {session.name}
    while session.relation == _SUBAGENT and session.parent is not None:
        above = sessions.get(session.parent)
        if above is None or above.name in seen:
            break
        session = above
        seen.add(session.name)
    return session.name


def _group(by: By, call: Call, session: _Session, root: str) -> str | None:
    if by in _TIMES:
        return datetime.fromtimestamp(call.time / 1e6).astimezone().strftime(_TIMES[by])
    if by == "model":
        return call.model
    if by == "session":
        return root
    if by == "branch":
        return session.branch
    return session.cwd if by == "project" else session.source


def usage_row(name: str | None, found: Iterable[tuple[str, Call]]) -> UsageRow:
    """Return the sums of calls, each with the session that it counts for."""
    totals = dict.fromkeys(COUNTS, 0)
    sessions: set[str] = set()
    unpriced: set[str] = set()
    cost: int | None = None
    for session, call in found:
        sessions.add(session)
        for counter in COUNTS:
            totals[counter] += call.amounts.get(counter, 0)
        price = cost_of(call)
        if price is None:
            unpriced.add(call.model or "")
        else:
            cost = (cost or 0) + price
    return UsageRow(name, len(sessions), **totals, cost=cost, unpriced=tuple(sorted(unpriced)))
