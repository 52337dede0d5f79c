"""Tags: words of the full-text index for the filters of a search.

With them a filter that few messages pass is a part of the match, and FTS5 does not read all
messages with a common word. There is a tag for the session, for the role, and for the source: the
message's own, or the one that it inherits from its session. The source of a session may change when
its messages are in the index. They keep the tag that the first of them got, which is stored in
`_sessions.tagged`. Such a session has *moved*: a search for sources compares its rows, too.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from journal.process.fork import no_fork

if TYPE_CHECKING:
    from collections.abc import Collection

MOVED = "tagged <> coalesce('=' || source, '')"
"""Condition on a row of `_sessions`: the session has moved."""

PERSON = "user"
"""The role of a person; what a machine wrote in its place has a tag of its own."""
_CACHED = 1024
"""Characters of the longest names whose tags are cached."""


def inherited(source: str | None) -> str:
    """Return the value of `_sessions.tagged` for a session with this source."""
    return "" if source is None else f"={source}"


def tags(
    session: int, role: str | None, source: str | None, tagged: str, *, machine: bool = False
) -> str:
    """Return the tags of a message.

    Args:
        session: rowid of its session.
        role: its role.
        source: its own source; None if it inherits that of its session.
        tagged: `_sessions.tagged` of its session.
        machine: whether a machine wrote it in the place of a person.
    """
    # a role may have megabytes: a cache must not hold thousands of such
    is_short = len(role or "") + len(source or "") + len(tagged) <= _CACHED
    make = _tags if is_short else _tags.__wrapped__
    return make(session, role, source, tagged, machine and role == PERSON)


@lru_cache(maxsize=4096)
def _tags(session: int, role: str | None, source: str | None, tagged: str, machine: object) -> str:
    words = [of_session(session), of_tagged(tagged) if source is None else of_source(source)]
    if role is not None:
        words.append(of_machine(role) if machine else of_role(role))
    return " ".join(words)


def of_session(number: int) -> str:
    """Return the tag of the messages of a session."""
    return f"n{number}"


def of_role(role: str) -> str:
    """Return the tag of the messages of a role."""
    return _tag("r", role)


def of_machine(role: str) -> str:
    """Return the tag of the messages that a machine wrote in the place of this role."""
    return _tag("m", role)


def of_source(source: str) -> str:
    """Return the tag of the messages whose own source this is."""
    return _tag("s", source)


def of_tagged(tagged: str) -> str:
    """Return the tag of the messages that inherit their source, by `_sessions.tagged`."""
    return _tag("i", tagged)


def narrowed(match: str, wanted: Collection[Collection[str]]) -> str:
    """Return a match of texts, narrowed to messages that have one tag of each collection."""
    if not wanted:
        return f"text : ({match})"
    all_of = " AND ".join(f"({' OR '.join(any_of)})" for any_of in wanted)
    return f"(text : ({match})) AND (tags : ({all_of}))"


def _tag(kind: str, name: str) -> str:
    make = _hashed if len(name) <= _CACHED else _hashed.__wrapped__
    return make(kind, name)


@lru_cache(maxsize=1024)
def _hashed(kind: str, name: str) -> str:
    with no_fork.turn:
        from hashlib import blake2b  # noqa: PLC0415 - it loads OpenSSL, and most searches have no filter

    # any name becomes one word of letters and digits
    return kind + blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
