"""Tags: what a search may be narrowed to, as words of the full-text index.

A filter that few messages pass is then part of the match, and no common word is read through for
it. They say session and role, and where a message was said: its own source, or the one it inherits
from its session. A session's source may change when its messages are in the index; they keep the
tag that the first of them was given, which the column `_sessions.tagged` remembers. Such a session
has moved, and a search for sources asks it for its rows.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

MOVED = "tagged <> coalesce('=' || source, '')"
"""Condition of the rows of `sessions` that have moved."""

_REMEMBERED = 1024
"""Characters of names of which the tags are remembered."""


def inherited(source: str | None) -> str:
    """Return what `_sessions.tagged` says of a session with this source."""
    return "" if source is None else f"={source}"


def tags(session: int, role: str | None, source: str | None, tagged: str) -> str:
    """Return the tags of a message.

    Args:
        session: number of its session.
        role: who speaks.
        source: where it was said, if the message itself says so.
        tagged: what `_sessions.tagged` says of its session.
    """
    # a role may have megabytes: thousands of such must not be remembered
    is_short = len(role or "") + len(source or "") + len(tagged) <= _REMEMBERED
    make = _tags if is_short else _tags.__wrapped__
    return make(session, role, source, tagged)


@lru_cache(maxsize=4096)
def _tags(session: int, role: str | None, source: str | None, tagged: str) -> str:
    said = [of_session(session), of_tagged(tagged) if source is None else of_source(source)]
    if role is not None:
        said.append(of_role(role))
    return " ".join(said)


def of_session(number: int) -> str:
    """Return the tag of the messages of a session."""
    return f"n{number}"


def of_role(role: str) -> str:
    """Return the tag of the messages of a role."""
    return _tag("r", role)


def of_source(source: str) -> str:
    """Return the tag of the messages that themselves say this source."""
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
    make = _hashed if len(name) <= _REMEMBERED else _hashed.__wrapped__
    return make(kind, name)


@lru_cache(maxsize=1024)
def _hashed(kind: str, name: str) -> str:
    from hashlib import blake2b  # noqa: PLC0415 - it loads OpenSSL, and most searches have no filter

    # any name at all becomes one word of letters and digits
    return kind + blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
