"""Tags: what a search may be narrowed to, as words of the full-text index.

A filter that few messages pass is then part of the match, and no common word is read through for
it. They say session and role, and too much of the source, since a message without one has its
session's: there the rows decide.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

_NO_SOURCE = "s0"


def tags(session: int, role: str | None, source: str | None) -> str:
    """Return the tags of a message: of its session's number, its role, and its own source."""
    said = [f"n{session}", _NO_SOURCE if source is None else _tag("s", source)]
    if role is not None:
        said.append(_tag("r", role))
    return " ".join(said)


def narrowed(match: str, *, session: int | None, role: str | None, source: str | None) -> str:
    """Return a match of texts, narrowed to messages whose tags may pass the filters."""
    wanted = []
    if session is not None:
        wanted.append(f"n{session}")
    if role is not None:
        wanted.append(_tag("r", role))
    if source is not None:
        wanted.append(f"({_tag('s', source)} OR {_NO_SOURCE})")
    if not wanted:
        return f"text : ({match})"
    return f"(text : ({match})) AND (tags : ({' AND '.join(wanted)}))"


@lru_cache(maxsize=1024)
def _tag(kind: str, name: str) -> str:
    # any name at all becomes one word of letters and digits
    return kind + blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
