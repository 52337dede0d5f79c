"""What a selection would forget, and everything that goes with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from journal.format.bounds import is_moment
from journal.format.event_types import MESSAGE_REVISED
from projector.db.kinds import KINDS, MESSAGE
from projector.db.rows import STORED, stored
from projector.forgetting import contents, mentions
from projector.forgetting.matching import SOURCE, find, unknown_pins, unneeded
from projector.forgetting.repeats import Repeats, usage_repeats
from projector.forgetting.selection import Selection
from projector.forgetting.unneeded.find import find_unneeded
from projector.search.elsewhere import find_elsewhere
from projector.text.document import document
from projector.text.snippet import snippet
from projector.views.sessions import ORDER

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Mapping

    import apsw

    from projector.forgetting.contents import Content
    from projector.forgetting.repeats import Naming
    from projector.forgetting.retention import Policy
    from projector.forgetting.selection import Scope
    from projector.forgetting.unneeded.replaced import ReplacedValue
    from projector.forgetting.unneeded.wanted import Unneeded
    from projector.search.elsewhere import Elsewhere

_WIDTH = 60
"""Characters of the first words of a message."""


@dataclass(frozen=True, slots=True)
class ForgottenSession:
    """A session that is forgotten as a whole.

    Attributes:
        session: its id.
        title: as its events give it; None if they do not.
        source: as its events, or else its first message, give it; None if they do not.
        messages: number of its messages, those that were removed from its transcript included.
        words: the first words of its first message.
    """

    session: str
    title: str | None
    source: str | None
    messages: int
    words: str


@dataclass(frozen=True, slots=True)
class ForgottenMessage:
    """A message that is forgotten.

    Attributes:
        session, id: its key.
        role: `user`, `assistant`, ...
        time: its own date, else when it was appended; microseconds since 1970.
        words: its first words.
    """

    session: str
    id: str
    role: str | None
    time: int
    words: str


@dataclass(frozen=True, slots=True)
class ForgottenKey:
    """An event of a key-value or a claim that mentions a session that is forgotten.

    Attributes:
        namespace: the namespace, such as `@claims`.
        id: of the event.
        key: the key.
    """

    namespace: str
    id: str
    key: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a selection would forget. It is false if that is nothing.

    Attributes:
        scope: how it was selected.
        query: the words that were searched for; None if it was not selected by a query.
        sessions: whole sessions, and sessions that were deleted.
        messages: messages of other sessions.
        replays: messages of further sessions that repeat one of these.
        keys: events of key-values and claims that mention one of the sessions.
        replaced: values that later ones replaced.
        children: ids of other sessions that lose their `parent`, which is one of the sessions.
        events: how many events these are in all, contents in conflict and revisions included.
        names: what requests must name.
        wanted: what is selected because it is deleted or replaced.
        unknown_pins: ids that the policy pins and no session has.
        elsewhere: what stays. Of a query, what has its words and is not found by a search; else
            what has the id of one of the sessions, and is no text of a message.
    """

    scope: Scope
    query: str | None
    sessions: tuple[ForgottenSession, ...]
    messages: tuple[ForgottenMessage, ...]
    replays: tuple[ForgottenMessage, ...]
    keys: tuple[ForgottenKey, ...]
    replaced: tuple[ReplacedValue, ...]
    children: tuple[str, ...]
    events: int
    names: Names
    wanted: Unneeded
    unknown_pins: tuple[str, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.sessions or self.messages or self.replaced)

    def still_unneeded(self, db: apsw.Connection) -> Plan:
        """Return the plan without what was restored, or is in force again, since it was made."""
        if not self.wanted:
            return self
        found = set(find_unneeded(db, self.wanted).events)
        left = tuple(key for key in self.names.unneeded if key in found)
        return replace(self, names=replace(self.names, unneeded=left))


@dataclass(frozen=True, slots=True)
class Names:
    """What requests name, before it is hashed.

    Attributes:
        sessions: ids of sessions that are forgotten with all that will ever be appended to them.
        events: keys (session, id) of single events.
        unneeded: keys of events that are named because they are deleted or replaced.
        with_repeats: whether the messages among them are forgotten in every session.
    """

    sessions: tuple[str, ...]
    events: tuple[tuple[str, str], ...]
    unneeded: tuple[tuple[str, str], ...]
    with_repeats: bool


def make_plan(db: apsw.Connection, selection: Selection | Policy, naming: Naming, now: int) -> Plan:
    """Find everything that goes with a selection.

    Args:
        db: the projection.
        selection: the selection, or a policy of retention.
        naming: names messages, so that those that repeat them are found. Any key finds them, but
            only the journal's own finds those that were redacted.
        now: microseconds since 1970.

    Raises:
        NotFound: a session or a message that the selection names is not in the projection.
    """
    found = find(db, selection, now)
    wanted = unneeded(selection, now, found)
    spare = find_unneeded(db, wanted)
    repeats = Repeats(naming)
    events: dict[tuple[str, str], None] = {}
    count = spare.contents
    for session in found.sessions:
        for content in contents.of_session(db, session):
            count += 1
            if selection.is_by_age:
                events[content.key] = None
            else:
                repeats.add(content)
    messages = []
    for content in (each for name in found.keys for each in contents.of_key(db, *name)):
        count += 1 + _count_revisions(db, content)
        events[content.key] = None
        repeats.add(content)
        if content.is_in_force:
            messages.append(_message(content))
    for name in spare.deleted.messages:
        messages += [_message(it) for it in contents.of_key(db, *name) if it.is_in_force]
    replays, keys = [], []
    if not selection.is_by_age:
        for content in repeats.find(db, but=(set(found.sessions), events)):
            count += 1 + _count_revisions(db, content)
            events[content.key] = None
            replays.append(_message(content))
        used = usage_repeats(db, found.sessions)
        count += len(used)
        events |= dict.fromkeys(used)
        for content in mentions.keys(db, found.sessions):
            count += 1
            events[content.key] = None
            keys.append(_key(content))
    words = selection.query if isinstance(selection, Selection) else None
    return Plan(
        selection.scope,
        words,
        tuple(_session(db, name) for name in (*found.sessions, *spare.deleted.sessions)),
        tuple(messages),
        tuple(replays),
        tuple(keys),
        spare.replaced.values,
        () if selection.is_by_age else tuple(mentions.children(db, found.sessions)),
        count,
        Names(
            () if selection.is_by_age else found.sessions,
            tuple(events),
            spare.events,
            with_repeats=not selection.is_by_age,
        ),
        wanted,
        () if isinstance(selection, Selection) else unknown_pins(db, selection),
        _elsewhere(db, selection, found.sessions, events),
    )


def _elsewhere(
    db: apsw.Connection,
    selection: Selection | Policy,
    sessions: Collection[str],
    but: Container[tuple[str, str]],
) -> tuple[Elsewhere, ...]:
    if isinstance(selection, Selection) and selection.query is not None:
        found = find_elsewhere(db, selection.query)
        return tuple(each for each in found if (each.session, each.id) not in but)
    if selection.is_by_age:
        return ()
    return tuple(mentions.mentions(db, sessions, but))


def _session(db: apsw.Connection, session: str) -> ForgottenSession:
    query = (
        f"SELECT title, {SOURCE}, (SELECT count(*) FROM _events WHERE session = s.id"
        f" AND kind = {MESSAGE}) FROM _sessions s WHERE session = ?"
    )
    title, source, count = db.execute(query, (session,)).fetchone() or (None, None, 0)
    query = (
        f"SELECT {STORED} FROM _events WHERE kind = {MESSAGE} AND session ="
        f" (SELECT id FROM _sessions WHERE session = ?) ORDER BY {ORDER} LIMIT 1"
    )
    row = db.execute(query, (session,)).fetchone()
    words = "" if row is None else _words(stored(row).in_force)
    return ForgottenSession(session, title, source, count, words)


def _message(content: Content) -> ForgottenMessage:
    event, data = content.event, content.revised or content.event.data
    role, timestamp = data.get("role"), data.get("timestamp")
    return ForgottenMessage(
        event.session,
        event.id,
        role if isinstance(role, str) else None,
        timestamp if is_moment(timestamp) else event.time,
        _words(data),
    )


def _key(content: Content) -> ForgottenKey:
    key = content.event.data.get("key")
    return ForgottenKey(
        content.event.session, content.event.id, key if isinstance(key, str) else ""
    )


def _words(data: Mapping[str, Any]) -> str:
    return snippet(document(data), (), width=_WIDTH)


def _count_revisions(db: apsw.Connection, content: Content) -> int:
    if not content.is_in_force:
        return 0
    query = (
        "SELECT count(*) FROM _changes c JOIN _events e ON e.id = c.event"
        f" WHERE c.session = (SELECT id FROM _sessions WHERE session = ?) AND c.message = ?"
        f" AND e.kind = {KINDS[MESSAGE_REVISED]}"
    )
    count: int = db.execute(query, content.key).get
    return count
