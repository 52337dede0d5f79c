"""Tags: words of the full-text index for the filters of a search.

With them a filter that few messages pass is a part of the match, and FTS5 does not read all
messages with a common word. There are tags for the session, the role, the day and the span of days
of a message, for its source, project, branch and model, for the tools and files of its calls, for
errors, and for the messages of sub-agents.

A message without a source, branch or model of its own has that of its session, and its project is
the working directory of its session. If no event of a session gives these but the source, they are
those of the first message in its transcript that has one: the columns `first_<field>` of
`_sessions` (`projector.apply.inherited`). These values may change when its messages are in the
index. The messages keep the tags of the values that the session had with the first of them: the
columns `at_<field>`. Such a session has *moved* (`MOVED`), and a search compares its rows, too.
`projector.apply.facets` gives the messages of a small session new tags at once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from journal.process.fork import no_fork
from projector.fold.facets import path_keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from projector.fold.facets import Facets, Own

PERSON = "user"
"""The role of a person; what a machine wrote in its place has a tag of its own."""
SUBAGENT = "subagent"
"""The relation of sessions whose messages have the tag `OF_SUBAGENT`."""
OF_SUBAGENT = "a1"
OF_ERROR = "e1"
_DAY, _SPAN = "qzd", "qzf"
"""Beginnings of the tags of days and of spans: between two of these there must be few words of
texts, and hexadecimal numbers are many."""
SPAN = 16
"""Days of a span: of a year, 23 spans are looked for faster than 365 days."""
LAST_SPAN = f"{_SPAN}:"
"""A word behind the tags of all spans."""
UNDATED = "d0"
"""The tag of messages without a date of their own."""
DAY = 86_400_000_000
"""Microseconds of a day."""
_CACHED = 1024
"""Characters of the longest names whose tags are cached."""

_HASHED = 17
"""Characters of a tag with a hash: a letter and sixteen hexadecimal digits."""
_FEW = 4
"""Most files of a message whose tags are cached."""

FOUND = ("cwd", "branch", "model")
"""Fields of a session that are looked for in its messages if none of its events gives them."""
FIRST = tuple(f"first_{field}" for field in FOUND)
"""The columns of `_sessions` with the values of its first messages that have one."""
INHERITED = ("source", *FOUND, "relation")
"""Fields of a session from which its messages have tags."""
AT = tuple(f"at_{field}" for field in INHERITED)
"""The columns of `_sessions` with the values that its messages are tagged with."""


class Inherited(NamedTuple):
    """What the messages of a session are tagged with: values of `INHERITED`."""

    source: str | None = None
    cwd: str | None = None
    branch: str | None = None
    model: str | None = None
    relation: str | None = None


def given(field: str, of: str = "") -> str:
    """Return the SQL of what a session gives its messages.

    Args:
        field: one of `INHERITED`.
        of: the name of its row in the query and a dot, if a query has one.
    """
    return f"coalesce({of}{field}, {of}first_{field})" if field in FOUND else f"{of}{field}"


GIVEN = ", ".join(map(given, INHERITED))
"""What a session gives its messages, as columns that make an `Inherited`."""
MOVED = f"tagged AND ({' OR '.join(f'at_{field} IS NOT {given(field)}' for field in INHERITED)})"
"""Condition on a row of `_sessions`: the session has moved."""


def tags(
    session: int,
    inherited: Inherited,
    role: str | None,
    timestamp: int | None,
    facets: Facets,
    *,
    machine: bool,
) -> str:
    """Return the tags of a message.

    Args:
        session: rowid of its session.
        inherited: what the messages of its session are tagged with.
        role: its role.
        timestamp: its own date, microseconds since 1970.
        facets: what it was about.
        machine: whether a machine wrote it in the place of a person.
    """
    own = facets.own
    # a role may have megabytes: a cache must not hold thousands of such
    size = len(role or "") + len(own.source or "") + _size(inherited)
    make = _tags if size <= _CACHED else _tags.__wrapped__
    day = 0 if timestamp is None else timestamp // DAY
    words = make(session, inherited, role, own, machine and role == PERSON, day)
    if facets.tools or facets.files or facets.failed:
        # a hundred long paths must not be cached thousands of times
        touched = _touched if len(facets.files) <= _FEW else _touched.__wrapped__
        return f"{words} {touched(facets.tools, facets.files, facets.failed)}"
    return words


@lru_cache(maxsize=64)
def _size(inherited: Inherited) -> int:
    return sum(map(len, filter(None, inherited)))


@lru_cache(maxsize=4096)
def _tags(
    session: int, inherited: Inherited, role: str | None, own: Own, machine: object, day: int
) -> str:
    words = [of_session(session)]
    words += [of_day(day), of_span(day // SPAN)] if day > 0 else [UNDATED]
    values = (
        (of_source, inherited.source if own.source is None else own.source),
        (of_project, inherited.cwd),
        (of_branch, own.branch or inherited.branch),
        (of_model, own.model or inherited.model),
        (of_machine if machine else of_role, role),
    )
    words += [make(value) for make, value in values if value is not None]
    if inherited.relation == SUBAGENT:
        words.append(OF_SUBAGENT)
    return " ".join(words)


@lru_cache(maxsize=4096)
def _touched(tools: tuple[str, ...], files: tuple[str, ...], failed: object) -> str:
    """Return the tags of tools, files and errors, each once: a second one would be a match more."""
    found = [of_tool(tool) for tool in tools]
    found += [of_file(key) for path in files for key in path_keys(path)]
    if failed:
        found.append(OF_ERROR)
    return " ".join(dict.fromkeys(found))


def of_session(number: int) -> str:
    """Return the tag of the messages of a session."""
    return f"n{number}"


def of_day(day: int) -> str:
    """Return the tag of the messages of a day in UTC: 1 is 1970-01-02."""
    return f"{_DAY}{day:06}"


def of_span(span: int) -> str:
    """Return the tag of the messages of `SPAN` days, of which each has a tag of its own, too."""
    return f"{_SPAN}{span:06}"


def of_role(role: str) -> str:
    """Return the tag of the messages of a role."""
    return _tag("r", role)


def of_machine(role: str) -> str:
    """Return the tag of the messages that a machine wrote in the place of this role."""
    return _tag("m", role)


def of_source(source: str) -> str:
    """Return the tag of the messages of a source."""
    return _tag("s", source)


def of_project(cwd: str) -> str:
    """Return the tag of the messages of a working directory."""
    return _tag("p", cwd)


def of_branch(branch: str) -> str:
    """Return the tag of the messages of a git branch."""
    return _tag("b", branch)


def of_model(model: str) -> str:
    """Return the tag of the messages of a model."""
    return _tag("l", model)


def of_tool(tool: str) -> str:
    """Return the tag of the calls and results of a tool."""
    return _tag("t", tool)


def of_file(key: str) -> str:
    """Return the tag of the calls that name a file, by one of its `path_keys`."""
    return _tag("f", key)


def may_be_tag(word: str) -> bool:
    """Return whether a word of a text may be a tag: any other one needs no column in a match."""
    # all other tags have a digit of ASCII
    return word.isascii() and (not word.isalpha() or len(word) == _HASHED)


def days(since: int | None, until: int | None) -> tuple[str, str]:
    """Return the tags of the first and the last day of a time; a bound that is None is open."""
    first = 1 if since is None else max(since // DAY, 1)
    return of_day(first), f"{_DAY}:" if until is None else of_day(max((until - 1) // DAY, 1))


def narrowed(match: str, wanted: Collection[str], but: Collection[str] = ()) -> str:
    """Return a match, narrowed to some messages.

    Args:
        match: the match; empty if there is only `wanted`.
        wanted: expressions that the tags of a message must match, all of them.
        but: expressions that they must not match, none of them.
    """
    found = [f"({match})"] if match else []
    if wanted:
        found.append(f"(tags : ({' AND '.join(f'({each})' for each in wanted)}))")
    all_of = " AND ".join(found)
    return f"({all_of}) NOT (tags : ({' OR '.join(f'({e})' for e in but)}))" if but else all_of


def any_of(tags: Iterable[str]) -> str:
    """Return what matches messages with any of these tags; empty if there are none."""
    return " OR ".join(dict.fromkeys(tags))


def _tag(kind: str, name: str) -> str:
    make = _hashed if len(name) <= _CACHED else _hashed.__wrapped__
    return make(kind, name)


@lru_cache(maxsize=4096)
def _hashed(kind: str, name: str) -> str:
    with no_fork.turn:
        from hashlib import blake2b  # noqa: PLC0415 - it loads OpenSSL, and most searches have no filter

    # any name becomes one word of letters and digits
    return kind + blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
