"""What was used and paid, by day, model, project and so on."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Literal, get_args

from journal.format.event_types import COUNTS
from projector.views.billing.calls import all_calls, calls_of
from projector.views.fields import PROJECT
from projector.views.prices import cost_of, is_priced, table_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from projector.errors import Behind
    from projector.fold.usage import Call

By = Literal["day", "week", "month", "model", "project", "branch", "source", "session"]
TIMES = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}
"""The groups by time, and how one is named."""
SUBAGENT = "subagent"
"""The relation of a session that counts as the one that started it."""


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

    @property
    def tokens(self) -> int:
        """All tokens: of input, of output, and those that a cache was asked for or given."""
        cached = self.cache_read_tokens + self.cache_write_tokens
        return self.input_tokens + self.output_tokens + cached


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What was used and paid.

    Attributes:
        rows: one for each group: by time the earliest first, else that with most tokens, those of
            the cache among them.
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
    groups: dict[str | None, Sums] = defaultdict(Sums)
    total, is_asked = Sums(), False
    for _, name, calls in all_calls(db):
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
                cost = cost_of(call)
                for sums in (groups[_group(by, call, session, root)], total):
                    sums.add(root, call, cost)
                is_asked = is_asked or (call.model is not None and not is_priced(call))
    rows = [sums.row(name) for name, sums in groups.items()]
    if by in TIMES:
        rows.sort(key=lambda row: row.name or "")
    else:
        rows.sort(key=lambda row: (-row.tokens, row.name or ""))
    return tuple(rows), total.row(None), table_name() if is_asked else None


def costs(db: apsw.Connection) -> dict[str, int]:
    """Return the cost of each session of which one is known, in micro-dollars, by its id."""
    found: dict[str, int] = {}
    for _, name, calls in all_calls(db):
        known = [cost for call in calls if (cost := cost_of(call)) is not None]
        if known:
            found[name] = sum(known)
    return found


def session_usage(db: apsw.Connection, session: str) -> UsageRow | None:
    """Return what one session used and cost, without its sub-agents; None if it used nothing."""
    return used_by_all(session, calls_of(db, session))


def used_by_all(session: str, calls: Iterable[Call]) -> UsageRow | None:
    """Return what the calls of one session used and cost; None if there is none."""
    found = iter(calls)
    first = next(found, None)
    if first is None:
        return None
    return usage_row(session, ((session, call) for call in chain([first], found)))


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


def _is_wanted(call: Call, filters: UsageFilters) -> bool:
    return (
        (filters.since is None or call.time >= filters.since)
        and (filters.until is None or call.time < filters.until)
        and (filters.model is None or call.model == filters.model)
    )


def _root(sessions: dict[str, _Session], session: _Session) -> str:
    """Return the session to which a sub-agent belongs; a session that is none is its own."""
    seen = {session.name}
    while session.relation == SUBAGENT and session.parent is not None:
        above = sessions.get(session.parent)
        if above is None or above.name in seen:
            break
        session = above
        seen.add(session.name)
    return session.name


def _group(by: By, call: Call, session: _Session, root: str) -> str | None:
    if by in TIMES:
        return datetime.fromtimestamp(call.time / 1e6).astimezone().strftime(TIMES[by])
    if by == "model":
        return call.model
    if by == "session":
        return root
    if by == "branch":
        return session.branch
    return session.cwd if by == "project" else session.source


class Sums:
    """Adds up what calls used and cost.

    Attributes:
        sessions: of the calls.
    """

    def __init__(self) -> None:
        self.sessions: set[str] = set()
        self._totals = dict.fromkeys(COUNTS, 0)
        self._cost: int | None = None
        self._unpriced: set[str] = set()

    def add(self, session: str, call: Call, cost: int | None) -> None:
        """Add a call of a session, and what it cost; None if that is not known."""
        self.sessions.add(session)
        for counter, amount in call.amounts.items():
            if counter in self._totals:
                self._totals[counter] += amount
        if cost is None:
            self._unpriced.add(call.model or "")
        else:
            self._cost = (self._cost or 0) + cost

    def row(self, name: str | None) -> UsageRow:
        """Return the sums of a group with a name."""
        unpriced = tuple(sorted(self._unpriced))
        return UsageRow(
            name, len(self.sessions), **self._totals, cost=self._cost, unpriced=unpriced
        )


def usage_row(name: str | None, found: Iterable[tuple[str, Call]]) -> UsageRow:
    """Return the sums of calls, each with the session that it counts for."""
    sums = Sums()
    for session, call in found:
        sums.add(session, call, cost_of(call))
    return sums.row(name)
