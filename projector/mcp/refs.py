"""Handles of sessions and messages: short texts that `open` takes.

A session is named by its id if that is short, else as `projector show` names it
(`projector.views.session_names`), a message by its session, `#`, and the beginning of its id that
no other message of the session has, or `+` and the beginning of the SHA-256 of its id. Programs
count up their ids, or begin them with the time, so that the next ones begin alike: of all but
random ids the beginning is longer than it must be today.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.db.kinds import MESSAGE
from projector.errors import NotFound
from projector.fold.messages import OUT
from projector.mcp.text.fence import short
from projector.views.session_names import find_session, hash_of, matching, short_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import apsw

    from projector.views.messages import MessageView

_SEPARATORS = "_.:/@=,+-"
_LEAST, _MOST = 8, 20
"""Characters of a piece of a message's id."""
_HASH = 16
"""Digits of the hash of a session whose id is not shown as it is."""
_TYPED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@=,+-]*")
_RANDOM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-.*")
"""A UUID that is random from its first digit on."""
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message is.

    Attributes:
        session: id of the session.
        message: id of the message; None if only the session is named.
    """

    session: str
    message: str | None


def session_refs(db: apsw.Connection, sessions: Iterable[str]) -> dict[str, str]:
    """Return the handle of each session, of 20 characters at most and without blanks."""
    found = {}
    for session, short_id in short_ids(db, sessions).items():
        name = short_id
        if len(session) <= _MOST:
            name = session
        elif session.startswith(name) and not _RANDOM.fullmatch(session):
            name = max(name, session[:_MOST].rstrip(_SEPARATORS), key=len)
        found[session] = name if is_plain(name) else f"+{hash_of(session)[:_HASH]}"
    return found


def message_refs(
    db: apsw.Connection, places: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """Return the handle of each message, of 41 characters at most.

    Args:
        db: the projection.
        places: id of the session and id of the message, of each.
    """
    wanted = list(places)
    names = session_refs(db, (session for session, _ in wanted))
    return {(session, id): f"{names[session]}#{_piece(db, session, id)}" for session, id in wanted}


def projects(db: apsw.Connection, sessions: Iterable[str]) -> dict[str, str]:
    """Return the last part of the working directory of each session that has one."""
    found = {}
    for session in sessions:
        cwd = db.execute("SELECT cwd FROM _sessions WHERE session = ?", (session,)).get
        if isinstance(cwd, str) and cwd:
            found[session] = cwd.rstrip("/").rpartition("/")[2] or cwd
    return found


def resolve(db: apsw.Connection, ref: str) -> Place:
    """Return what a handle names.

    It is a handle as these functions return it, the id of a session or a message, or the beginning
    of either; of a session also the end. A session comes before a message. Of a message of several
    sessions with that beginning or end, only one of them needs to have such a message.

    Raises:
        NotFound: it names nothing, or several things; the message lists some.
    """
    sessions = matching(db, ref) if ref else []
    if sessions == [ref]:
        return Place(ref, None)
    session, _, message = ref.rpartition("#")
    if session and message and (of := matching(db, session)):
        if len(of) == 1 and (message.startswith("+") or _has(db, of[0], message)):
            return Place(of[0], message)
        if len(places := _among(db, session, message)) == 1:
            return Place(*places[0])
        if not sessions:
            return Place(find_session(db, session), message)
    if sessions:
        return Place(find_session(db, ref), None)
    found = _messages(db, ref) if ref else []
    if not found:
        raise NotFound(f"no session and no message matches {short(ref, 80)!r}")
    if len(found) > 1:
        listed = ", ".join(message_refs(db, found[:_LISTED]).values())
        raise NotFound(f"several messages match {short(ref, 80)!r}: {listed}; give one of these")
    return Place(*found[0])


def index_of(messages: Sequence[MessageView], name: str) -> int:
    """Return the index of the message of a session that a text names.

    Raises:
        NotFound: it names none or several.
    """
    ids = [view.id for view in messages]
    if name in ids:
        return ids.index(name)
    found = [at for at, id in enumerate(ids) if id.startswith(name)]
    if not found and name.startswith("+"):
        found = [at for at, id in enumerate(ids) if hash_of(id).startswith(name[1:])]
    if len(found) != 1:
        how = "several messages of the session match" if found else "no message of the session has"
        raise NotFound(f"{how} {short(name, 80)!r}; search gives handles")
    return found[0]


def _piece(db: apsw.Connection, session: str, id: str) -> str:
    """Return a beginning of a message's id that no other one has, or of its hash."""
    shared = 0
    for condition in ("< ? ORDER BY event_id DESC", "> ? ORDER BY event_id"):
        query = (
            "SELECT event_id FROM _events WHERE session ="
            f" (SELECT id FROM _sessions WHERE session = ?) AND event_id {condition} LIMIT 1"
        )
        other = db.execute(query, (session, id)).get
        if isinstance(other, str):
            same = (at for at, (a, b) in enumerate(zip(id, other, strict=False)) if a != b)
            shared = max(shared, next(same, min(len(id), len(other))))
    piece = id[: max(shared + 1, _LEAST if _RANDOM.fullmatch(id) else _MOST)]
    if len(piece) <= _MOST and _TYPED.fullmatch(piece) and "#" not in piece:
        return piece
    return f"+{hash_of(id)[: _MOST - 1]}"


def _has(db: apsw.Connection, session: str, beginning: str) -> bool:
    query = (
        "SELECT 1 FROM _events WHERE session = (SELECT id FROM _sessions WHERE session = ?)"
        " AND event_id >= ? AND event_id < ? LIMIT 1"
    )
    return db.execute(query, (session, beginning, f"{beginning}\U0010ffff")).get is not None


def _among(db: apsw.Connection, name: str, beginning: str) -> list[tuple[str, str]]:
    """Return session and id of messages that begin so, of sessions that begin or end so."""
    query = (
        "SELECT s.session, e.event_id FROM _sessions s JOIN _events e ON e.session = s.id"
        f" AND e.event_id >= ? AND e.event_id < ? WHERE e.kind = {MESSAGE} AND e.state < {OUT}"
        " AND (s.session >= ? AND s.session < ? OR substr(s.session, -?) = ?) LIMIT 2"
    )
    ends = (f"{beginning}\U0010ffff", name, f"{name}\U0010ffff", len(name), name)
    return [(str(s), str(id)) for s, id in db.execute(query, (beginning, *ends))]


def _messages(db: apsw.Connection, ref: str) -> list[tuple[str, str]]:
    """Return session and id of the messages whose id is a text, else of those that begin so.

    Of a message that several sessions have, only that where it counts is returned.
    """
    query = (
        "SELECT s.session, e.event_id FROM _sessions s JOIN _events e ON e.session = s.id"
        f" AND e.event_id >= ? AND e.event_id < ? WHERE e.kind = {MESSAGE} AND e.state < {OUT}"
        " AND NOT EXISTS (SELECT 1 FROM _shared x WHERE x.event = e.id AND x.home IS NOT NULL)"
        f" ORDER BY e.event_id <> ?, s.session LIMIT {_LISTED + 1}"
    )
    found = [(str(s), str(id)) for s, id in db.execute(query, (ref, f"{ref}\U0010ffff", ref))]
    exact = [place for place in found if place[1] == ref]
    return exact or found


def is_plain(name: str) -> bool:
    """Return whether a name is shown as it is, and ends where it seems to."""
    return name.isprintable() and not set(name) & set(" #\"'")
