"""What is deleted in a projection, and can be forgotten without a difference to readers.

These are removed messages, and in a session that was deleted and not created again also its fields,
its usage and its keys. What deletes stays: it also hides what arrives later.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal.format.bounds import is_moment
from journal.format.event_types import (
    KEY_DELETED,
    KEY_SET,
    MESSAGE_REVISED,
    SESSION_CREATED,
    SESSION_DELETED,
    SESSION_ENDED,
    SESSION_ENSURED,
    SESSION_REOPENED,
    SESSION_REVISED,
    SESSION_TITLED,
    USAGE_ADDED,
    USAGE_SET,
)
from projector.apply.message_order import APPENDED
from projector.db.kinds import KINDS, MESSAGE, NAMESPACE
from projector.fold.messages import GONE, LISTING, OUT
from projector.forgetting.unneeded.needed import Placed, needed
from projector.forgetting.unneeded.rows import (
    count_others,
    has_shared_key,
    kinds,
    read_copies,
    read_deletions,
)
from projector.forgetting.unneeded.since import Appended, Deletions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import apsw

    from projector.fold.sweeps import Copies
    from projector.forgetting.unneeded.wanted import Key, Wanted

_OWN = (
    *(SESSION_CREATED, SESSION_ENSURED, SESSION_REVISED, SESSION_TITLED, SESSION_ENDED),
    *(SESSION_REOPENED, USAGE_ADDED, USAGE_SET, KEY_SET, KEY_DELETED),
)
"""Types of events that have no effect where a deletion of their session reaches them."""


_COPIED = (
    "SELECT e.event_id FROM _shared x JOIN _events e ON e.id = x.event"
    " WHERE x.session = ? AND x.copied AND EXISTS (SELECT 1 FROM _shared o JOIN _events f"
    " ON f.id = o.event WHERE o.line = x.line AND o.words = x.words AND o.session <> x.session"
    f" AND f.kind = {MESSAGE} AND f.state < {OUT})"
)
"""Selects the ids of messages of a session that another session has, too, and shows: without this
one, it would be an own message of that session, which decides where others are at home."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """What was found.

    Attributes:
        sessions: ids of sessions that were deleted and not created again.
        messages: keys of messages of other sessions.
        events: keys of all events that are to be named: all these messages, what a deleted session
            consists of, and what changes nothing but such messages.
        contents: how many events these are in all, contents in conflict included.
    """

    sessions: tuple[str, ...] = ()
    messages: tuple[Key, ...] = ()
    events: tuple[Key, ...] = ()
    contents: int = 0


def find_deleted(db: apsw.Connection, wanted: Wanted) -> Deleted:
    """Find what is deleted, without what the rest of the projection needs.

    Args:
        db: the projection.
        wanted: which of it.
    """
    sessions: list[str] = []
    messages: list[Key] = []
    events: list[Key] = []
    contents = 0
    query = (
        "SELECT id, session, known, message_total FROM _sessions s WHERE id IN"
        f" (SELECT session FROM _events WHERE kind = {MESSAGE} AND state >= {OUT} UNION"
        f" SELECT session FROM _events WHERE kind <> {MESSAGE} AND kind = {KINDS[SESSION_DELETED]})"
        f" AND NOT {NAMESPACE} ORDER BY session"
    )
    found: list[tuple[Any, ...]] = db.execute(query).fetchall()
    for row, name, known, total in found:
        if not wanted.has_session(name) or has_shared_key(db, row):
            continue
        copies = read_copies(db, row)
        doomed = _messages(db, row, copies, wanted.before, keeps_one=not known and total > 0)
        is_gone = not known and not total
        own = _own(db, row, copies, wanted.before) if is_gone else []
        ids = dict.fromkeys(_with_changes(db, row, [*doomed, *own]))
        if not ids:
            continue
        if is_gone:
            sessions.append(str(name))
        else:
            messages += [(str(name), id) for id in doomed]
        events += [(str(name), id) for id in ids]
        contents += len(ids) + count_others(db, row, ids)
    return Deleted(tuple(sessions), tuple(messages), tuple(events), contents)


def _messages(
    db: apsw.Connection,
    session: int,
    copies: Mapping[str, Copies],
    before: int | None,
    *,
    keeps_one: bool,
) -> dict[str, None]:
    """Return the ids of messages of a session that can be forgotten.

    Args:
        db: the projection.
        session: rowid of the session.
        copies: the lanes that hold an event, by its id.
        before: only those that have been deleted since before this moment.
        keeps_one: whether the session exists only while it has a message that was not deleted with
            it: then at least one must stay.
    """
    deletions = None if before is None else Deletions(db, session, before)
    placed: list[Placed] = []
    doomed: dict[str, None] = {}
    removed: dict[str, int] = {}
    is_held = not keeps_one
    copied = {id for (id,) in db.execute(_COPIED, (session,))}
    query = (
        f"SELECT event_id, time, ord, l.uuid, lane_row, seq, transcript_index, state, timestamp,"
        f" {APPENDED}, parent, order_depth, coalesce(length(content), 0)"
        " + coalesce(length(other_fields), 0) FROM _events e JOIN _lanes l ON l.id = e.lane_row"
        f" WHERE session = ? AND kind = {MESSAGE} ORDER BY lane_row, seq, transcript_index"
    )
    for row in db.execute(query, (session,)):
        id, time, ord, lane, lane_row, seq, index, state, own, first, parent, depth, size = row
        ahead = first if is_moment(first) and first > ord else 0
        parent = parent if parent != id else None
        placed.append(Placed(id, parent, depth, lane_row, ord, own is not None, ahead))
        if state >= OUT and id not in copied:
            there = {lane: seq} | copies.get(id, {})
            message = Appended(id, (ord, lane, seq), time, there, is_listed=bool(index))
            if deletions is None or deletions.has(message):
                doomed[id] = None
                if state < GONE:
                    removed[id] = size
                continue
        is_held |= state < GONE
    for id in needed(placed, doomed):
        del doomed[id]
        is_held |= id in removed
    if not is_held:
        # the smallest: it stays for as long as the session does
        del doomed[min((size, id) for id, size in removed.items() if id in doomed)[1]]
    return doomed


def _with_changes(db: apsw.Connection, session: int, doomed: Iterable[str]) -> list[str]:
    """Return the ids of events, and of those that change nothing but messages with these ids.

    Such an event is forgotten with them. It is named, too: else another content of its key
    would come into force.
    """
    changed: defaultdict[str, set[str]] = defaultdict(set)
    query = (
        "SELECT e.event_id, c.message FROM _changes c JOIN _events e ON e.id = c.event"
        f" WHERE c.session = ? AND e.kind IN ({kinds((MESSAGE_REVISED, *LISTING))})"
    )
    for id, message in db.execute(query, (session,)):
        changed[str(id)].add(message)
    named = dict.fromkeys(doomed)
    grows = True
    while grows:  # an event may list another one, which is named for the same reason
        new = [id for id, listed in changed.items() if id not in named and named.keys() >= listed]
        named.update(dict.fromkeys(new))
        grows = bool(new)
    return [*named]


def _own(
    db: apsw.Connection, session: int, copies: Mapping[str, Copies], before: int | None
) -> list[str]:
    """Return the ids of a session's own events that a deletion reaches.

    Args:
        db: the projection.
        session: rowid of the session.
        copies: the lanes that hold an event, by its id.
        before: only deletions before this moment count.
    """
    deleted = read_deletions(db, session, before)
    query = (
        "SELECT event_id, ord, l.uuid, seq FROM _events e JOIN _lanes l ON l.id = e.lane_row"
        f" WHERE session = ? AND kind <> {MESSAGE} AND kind IN ({kinds(_OWN)})"
    )
    return [
        str(id)
        for id, ord, lane, seq in db.execute(query, (session,))
        if deleted.has((ord, lane, seq), {lane: seq} | copies.get(id, {}))
    ]
