"""The sessions and messages of a projection that a selection names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from journal.format.event_types import FORGET, OF_ERASURE
from projector.db.kinds import KINDS, MESSAGE, NAMESPACE
from projector.db.tags import given
from projector.errors import NotFound, QueryError, RetentionError
from projector.fold.messages import IN_TRANSCRIPT
from projector.forgetting.retention import NAME, Policy
from projector.forgetting.unneeded.wanted import Unneeded, Wanted
from projector.search.filters import Filters, narrowing
from projector.search.matches import all_rows
from projector.search.ordering.replays import with_replays
from projector.text.query import parse
from projector.views.sessions import ORDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import apsw

    from projector.forgetting.selection import Selection


@dataclass(frozen=True, slots=True)
class Selected:
    """What a selection names.

    Attributes:
        sessions: ids of sessions that are selected as a whole.
        keys: keys (session, id) of single messages.
    """

    sessions: tuple[str, ...]
    keys: tuple[tuple[str, str], ...]


SOURCE = (
    f"coalesce(s.source, (SELECT source FROM _events WHERE session = s.id AND kind = {MESSAGE}"
    f" ORDER BY state > {IN_TRANSCRIPT}, {ORDER} LIMIT 1))"
)
"""The source of a row `s` of `_sessions` as lists of sessions show it: else a rule that keeps a
source would not keep what is shown under it. Of a session without a transcript the first message
that was taken out of it counts."""


def find(db: apsw.Connection, selection: Selection | Policy, now: int) -> Selected:
    """Find what a selection names, or a policy no longer keeps, without what readers do not need.

    Args:
        db: the projection.
        selection: the selection or the policy.
        now: microseconds since 1970; dates after it do not keep a session.

    Raises:
        NotFound: a session or a message that the selection names is not in the projection.
        QueryError: a session is a namespace of key-values, or a message is a request to forget.
        RetentionError: the policy pins the beginning of a session's id.
    """
    if isinstance(selection, Policy):
        return Selected(_over(db, selection, now), ())
    for name in selection.sessions:
        _check_session(db, name)
        if not selection.replaced:
            _check_conversation(db, name)
    if selection.is_unneeded:
        return Selected((), ())
    if selection.query is not None:
        return Selected((), _hits(db, selection, selection.query))
    if selection.source is not None:
        return _from_source(db, selection.source, selection.cutoff, now)
    if selection.cutoff is not None:
        return Selected(_older(db, selection.cutoff, now), ())
    for session, id in selection.messages:
        _check_message(db, session, id)
    sessions = tuple(dict.fromkeys(selection.sessions))
    keys = dict.fromkeys(key for key in selection.messages if key[0] not in sessions)
    return Selected(sessions, tuple(keys))


def unneeded(selection: Selection | Policy, now: int, found: Selected) -> Unneeded:
    """Return what is selected because it is deleted or replaced, beside what `find` found."""
    if isinstance(selection, Policy):
        kept = selection.pinned.union(found.sessions)
        return Unneeded(
            *(
                None if age is None else Wanted(now - age // timedelta(microseconds=1), kept=kept)
                for age in (selection.deleted, selection.replaced)
            )
        )
    wanted = Wanted(selection.cutoff, selection.sessions)
    return Unneeded(wanted if selection.deleted else None, wanted if selection.replaced else None)


def _check_session(db: apsw.Connection, name: str) -> None:
    """Refuse a session that has no event and is not the parent of another one.

    Raises:
        NotFound: it is not in the projection.
    """
    query = "SELECT 1 FROM _sessions WHERE session = ?1 OR parent = ?1 LIMIT 1"
    if db.execute(query, (name,)).get is None:
        raise NotFound(
            f"no session has the id {name!r}: give the whole id, as `projector sessions` lists it;"
            " a session that was forgotten already is in `journal erasures`, without its id; if"
            " it is pending there, `journal forget --finish` removes what is left of it"
        )


def _check_conversation(db: apsw.Connection, name: str) -> None:
    query = f"SELECT 1 FROM _sessions s WHERE s.session = ? AND {NAMESPACE}"
    if db.execute(query, (name,)).get is not None:
        raise QueryError(
            f"{name!r} is a namespace of key-values: all of its keys would be forgotten,"
            " and every later one; forget single events of it as messages"
        )


def _check_message(db: apsw.Connection, session: str, id: str) -> None:
    query = (
        "SELECT e.kind FROM _events e JOIN _sessions s ON s.id = e.session"
        " WHERE s.session = ? AND e.event_id = ?"
    )
    kind = db.execute(query, (session, id)).get
    if kind is None:
        raise NotFound(f"session {session!r} has no message {id!r}")
    if session == FORGET and kind in _OF_ERASURE:
        raise QueryError(f"{id!r} in {FORGET} says what was forgotten: it is kept")


_OF_ERASURE = frozenset(KINDS[type] for type in OF_ERASURE)


def _hits(db: apsw.Connection, selection: Selection, words: str) -> tuple[tuple[str, str], ...]:
    """Return every message that a search finds: also of more than are ranked."""
    query = parse(words)
    keys: dict[tuple[str, str], None] = {}
    for session in selection.sessions or (None,):
        sources = None if selection.source is None else (selection.source,)
        filters = Filters(session, until=selection.cutoff, sources=sources, include_replays=True)
        asked = narrowing(db, filters)
        if asked is None:
            continue
        rows = with_replays(db, all_rows(db, query, asked), asked)
        query_keys = (
            "SELECT s.session, e.event_id FROM json_each(?) j JOIN _events e ON e.id = j.value"
            " JOIN _sessions s ON s.id = e.session"
        )
        keys |= dict.fromkeys(db.execute(query_keys, (json.dumps(list(rows)),)))
    return tuple(keys)


def _from_source(db: apsw.Connection, source: str, before: int | None, now: int) -> Selected:
    """Find the sessions of which all messages come from a source, and its messages in others."""
    # of a session without messages its own source decides
    query = (
        "SELECT s.session, sum(coalesce(e.source, s.source) IS NOT ?1) FROM _sessions s"
        f" LEFT JOIN _events e ON e.session = s.id AND e.kind = {MESSAGE}"
        f" WHERE NOT {NAMESPACE} GROUP BY s.id HAVING sum(coalesce(e.source, s.source) IS ?1)"
    )
    found: dict[str, int] = dict(db.execute(query, (source,)))
    if before is not None:
        older = set(_older(db, before, now))
        found = {name: others for name, others in found.items() if name in older}
    mixed = json.dumps([name for name, others in found.items() if others])
    query = (
        "SELECT s.session, e.event_id FROM _events e JOIN _sessions s ON s.id = e.session"
        f" WHERE s.session IN (SELECT value FROM json_each(?2)) AND e.kind = {MESSAGE}"
        " AND coalesce(e.source, s.source) IS ?1"
    )
    keys: list[Any] = db.execute(query, (source, mixed)).fetchall()
    return Selected(tuple(name for name, others in found.items() if not others), tuple(keys))


def _older(db: apsw.Connection, before: int, now: int) -> tuple[str, ...]:
    """Return the sessions whose last message was before a moment."""
    return tuple(session for session, _, _, last in _last_dates(db, now) if last < before)


def _over(db: apsw.Connection, policy: Policy, now: int) -> tuple[str, ...]:
    """Return the sessions that a policy no longer keeps.

    Raises:
        RetentionError: it pins the beginning of a session's id.
    """
    names, over = [], []
    for session, source, cwd, last in _last_dates(db, now):
        names.append(session)
        if policy.is_over(session, source, cwd, timedelta(microseconds=now - last)):
            over.append(session)
    # other commands take the beginning of an id: a session that is pinned so would be forgotten
    for pinned in sorted(policy.pinned.difference(names)):
        for name in names:
            if name.startswith(pinned):
                raise RetentionError(
                    f"{NAME} pins {pinned!r}, the beginning of the id of session {name!r}: give the"
                    " whole id; nothing was forgotten"
                )
    return tuple(over)


def unknown_pins(db: apsw.Connection, policy: Policy) -> tuple[str, ...]:
    """Return the ids that a policy pins and no session has, sorted: each may be misspelt."""
    query = "SELECT session FROM _sessions WHERE session IN (SELECT value FROM json_each(?))"
    found = db.execute(query, (json.dumps(sorted(policy.pinned)),))
    return tuple(sorted(policy.pinned.difference(str(name) for (name,) in found)))


def _last_dates(db: apsw.Connection, now: int) -> Iterator[tuple[str, str | None, str | None, int]]:
    """Yield id, source and working folder of each session, and the date of its last message.

    Of a session without messages its last event counts. A date in the future counts only where all
    are: a wrong date must not keep a session for ever.
    """
    dated = "coalesce(e.timestamp, e.time)"
    query = (
        f"SELECT s.session, {SOURCE}, {given('cwd', 's.')},"
        f" coalesce(max(CASE WHEN e.kind = {MESSAGE} AND {dated} <= ? THEN {dated} END),"
        f" min(CASE WHEN e.kind = {MESSAGE} THEN {dated} END), max(e.time))"
        " FROM _sessions s JOIN _events e ON e.session = s.id"
        f" WHERE NOT {NAMESPACE} GROUP BY s.id"
    )
    found: Iterable[Any] = db.execute(query, (now,))
    yield from found
