"""Which session a text names, and the shortest text that names one.

A session is named by its id, by the beginning or the end of its id that no other session has, or by
`+` and the beginning of the SHA-256 of its id. The last is for ids of which no short piece is
unique, such as long paths that differ in the middle.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from journal.process.fork import no_fork
from projector.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

EXISTS = "(known OR message_total > 0)"
"""Condition on a row of `_sessions`: it is a session, and no deleted one or a mere name."""

_WHOLE = 12
"""Characters of an id that is its own short id."""
_LEAST = 8
"""Characters of a piece of an id: fewer would soon be those of another session, too."""
_MOST = 20
"""Characters of a piece; where a unique one is longer, the hash is the short id."""
_LISTED = 5
"""Candidates that an error lists."""
_ROUND = 15
"""Characters up to which a piece goes on to the end of its last word."""
_TYPED = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.:/@=,+-]*[A-Za-z0-9])?")
"""A piece that no shell and no command line takes for something else, in either direction."""
_HASH = re.compile(r"\+[0-9a-f]{8,64}")


def find_session(db: apsw.Connection, name: str) -> str:
    """Return the id of the session that a text names.

    An id comes before a beginning, a beginning before an end, an end before a hash.

    Raises:
        NotFound: it names none, or several; the message lists some.
    """
    found = matching(db, name)
    if not found:
        raise NotFound(
            f"no session matches {name!r} (an id, its beginning or its end);"
            " `projector sessions` lists them"
        )
    if len(found) > 1:
        raise NotFound(_several(db, name, found))
    return found[0]


def matching(db: apsw.Connection, name: str) -> list[str]:
    """Return the id of the session that a text names; several if it is ambiguous, or none."""
    if db.execute(f"SELECT 1 FROM _sessions WHERE {EXISTS} AND session = ?", (name,)).get:
        return [name]
    return _beginning(db, name) or _ending(db, name) or _hashed(db, name)


def short_ids(db: apsw.Connection, sessions: Iterable[str]) -> dict[str, str]:
    """Return a text for each session that `find_session` takes for it, of 20 characters at most.

    It is the whole id if that is short, else a piece of it or a hash. Sessions that are added later
    can make it ambiguous.
    """
    found: dict[str, str] = {}
    left = []
    for session in dict.fromkeys(sessions):
        piece = session if len(session) <= _WHOLE else _unique_beginning(db, session)
        if piece is None:
            left.append(session)
        else:
            found[session] = piece
    return found | (_ends_or_hashes(db, left) if left else {})


def hash_of(id: str) -> str:
    """Return the SHA-256 of an id, in hex digits."""
    with no_fork.turn:
        from hashlib import sha256  # noqa: PLC0415 - few ids need it, and it takes a millisecond

    return sha256(id.encode("utf-8", "surrogatepass")).hexdigest()


def _beginning(db: apsw.Connection, name: str) -> list[str]:
    # a range: LIKE would read % and _ in the name as wildcards
    query = (
        f"SELECT session FROM _sessions WHERE {EXISTS} AND session >= ? AND session < ?"
        f" ORDER BY session LIMIT {_LISTED + 1}"
    )
    return [str(found) for (found,) in db.execute(query, (name, f"{name}\U0010ffff"))]


def _ending(db: apsw.Connection, name: str) -> list[str]:
    query = (
        f"SELECT session FROM _sessions WHERE {EXISTS} AND substr(session, -?) = ?"
        f" ORDER BY session LIMIT {_LISTED + 1}"
    )
    return [str(found) for (found,) in db.execute(query, (len(name), name))]


def _hashed(db: apsw.Connection, name: str) -> list[str]:
    if _HASH.fullmatch(name) is None:
        return []
    return [session for session in _all(db) if hash_of(session).startswith(name[1:])]


def _several(db: apsw.Connection, name: str, found: list[str]) -> str:
    shown = found[:_LISTED]
    short = short_ids(db, shown)
    listed = ", ".join(one if len(one) <= 2 * _MOST else short[one] for one in shown)
    more = ", ..." if len(found) > _LISTED else ""
    return f"several sessions match {name!r}: {listed}{more}; give more of the id"


def _unique_beginning(db: apsw.Connection, session: str) -> str | None:
    """Return the shortest beginning that no other session has; None if it is long or odd."""
    neighbours = []
    for condition in ("< ? ORDER BY session DESC", "> ? ORDER BY session"):
        query = f"SELECT session FROM _sessions WHERE {EXISTS} AND session {condition} LIMIT 1"
        neighbours += [str(name) for (name,) in db.execute(query, (session,))]
    shared = max((_shared(session, name) for name in neighbours), default=0)
    return _piece(session, shared)


def _ends_or_hashes(db: apsw.Connection, sessions: list[str]) -> dict[str, str]:
    names = _all(db)
    # only ids with the same last characters can make an end longer
    alike: dict[str, list[str]] = {session[-_LEAST:]: [] for session in sessions}
    for name in names:
        if (group := alike.get(name[-_LEAST:])) is not None:
            group.append(name[::-1])
    for group in alike.values():
        group.sort()
    found = {}
    hashes: list[str] = []
    for session in sessions:
        mirror = session[::-1]
        end = (_piece(mirror, _shared_in(mirror, alike[session[-_LEAST:]])) or "")[::-1]
        if not end or _beginning(db, end):  # a beginning comes before an end
            hashes = hashes or sorted(map(hash_of, names))
            own = hash_of(session)
            end = f"+{own[: max(_shared_in(own, hashes) + 1, _LEAST)]}"
        found[session] = end
    return found


def _piece(text: str, shared: int) -> str | None:
    """Return the beginning of a text that is longer than what others share; None if long or odd.

    It goes on to the end of a word, where that is near.
    """
    end = least = max(shared + 1, _LEAST)
    while end < len(text) and not text[end - 1].isalnum():
        least = end = end + 1
    while end < len(text) and end <= _ROUND and text[end].isalnum():
        end += 1
    piece = text[: end if end <= _ROUND else least]
    return piece if shared < len(piece) <= _MOST and _TYPED.fullmatch(piece) else None


def _shared_in(text: str, texts: list[str]) -> int:
    """Return how long a beginning a text has in common with another one in a sorted list."""
    at = bisect_left(texts, text)
    neighbours = texts[max(at - 1, 0) : at] + texts[at : at + 2]
    return max((_shared(text, other) for other in neighbours if other != text), default=0)


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _all(db: apsw.Connection) -> list[str]:
    query = f"SELECT session FROM _sessions WHERE {EXISTS}"
    return [str(name) for (name,) in db.execute(query)]
