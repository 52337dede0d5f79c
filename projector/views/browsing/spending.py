"""What each session used and paid by day and model, and sums of that by group."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from journal.format.event_types import COUNTS
from projector.views.billing.calls import calls_between
from projector.views.browsing.block import bounds
from projector.views.browsing.local_time import local_day
from projector.views.prices import cost_of
from projector.views.usage import SUBAGENT, TIMES, UsageRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import apsw

    from projector.fold.usage import Call
    from projector.views.usage import By


@dataclass(frozen=True, slots=True)
class Spent:
    """What a session used on a day with a model.

    Attributes:
        session: rowid of the session.
        root: id of the session that it belongs to as a sub-agent, else its own.
        day: in local time, as `datetime.date.toordinal` counts.
        model, project, source: of the calls; None if they do not give it.
        amounts: the counters, in the order of `journal.format.event_types.COUNTS`.
        cost: what is known of the cost, in micro-dollars; None if nothing is.
        is_whole: whether the cost of all calls is known.
    """

    session: int
    root: str
    day: int
    model: str | None
    project: str | None
    source: str | None
    amounts: tuple[int, ...]
    cost: int | None
    is_whole: bool


def spent(db: apsw.Connection, block: int) -> list[Spent]:
    """Return what the sessions of a block used."""
    found = []
    for number, name, calls in calls_between(db, *bounds(block)):
        cells: dict[tuple[int, str | None], _Cell] = defaultdict(_Cell)
        for call in calls:
            cells[local_day(call.time), call.model].add(call)
        about = db.execute(_FIELDS, (name,)).fetchone() if cells else None
        source, project, parent, relation = about or (None, None, None, None)
        root = _root(db, name, parent) if relation == SUBAGENT else name
        for (day, model), cell in cells.items():
            amounts = tuple(cell.amounts.values())
            found.append(
                Spent(number, root, day, model, project, source, amounts, cell.cost, cell.is_whole)
            )
    return found


_FIELDS = "SELECT source, cwd, parent, relation FROM sessions WHERE session = ?"


def _root(db: apsw.Connection, name: str, parent: object) -> str:
    """Return the session to which a sub-agent belongs, as `projector.views.usage` has it."""
    seen = {name}
    while isinstance(parent, str) and parent not in seen:
        above = db.execute(_FIELDS, (parent,)).fetchone()
        if above is None:
            break
        name = parent
        seen.add(name)
        parent = above[2] if above[3] == SUBAGENT else None
    return name


class _Cell:
    """Adds up calls of a session, of one day and model."""

    __slots__ = ("amounts", "cost", "is_whole")

    def __init__(self) -> None:
        self.amounts = dict.fromkeys(COUNTS, 0)
        self.cost: int | None = None
        self.is_whole = True

    def add(self, call: Call) -> None:
        for counter, amount in call.amounts.items():
            if counter in self.amounts:
                self.amounts[counter] += amount
        cost = cost_of(call)
        if cost is None:
            self.is_whole = False
        else:
            self.cost = (self.cost or 0) + cost


class _Group:
    """Adds up rows of `Spent`."""

    def __init__(self) -> None:
        self.roots: set[str] = set()
        self.amounts = [0] * len(COUNTS)
        self.cost: int | None = None
        self.unpriced: set[str] = set()

    def add(self, one: Spent) -> None:
        self.roots.add(one.root)
        self.amounts = [*map(int.__add__, self.amounts, one.amounts)]
        if one.cost is not None:
            self.cost = (self.cost or 0) + one.cost
        if not one.is_whole:
            self.unpriced.add(one.model or "")

    def row(self, name: str | None) -> UsageRow:
        amounts = dict(zip(COUNTS, self.amounts, strict=True))
        unpriced = tuple(sorted(self.unpriced))
        return UsageRow(name, len(self.roots), **amounts, cost=self.cost, unpriced=unpriced)


def usage_rows(
    found: Iterable[Spent], groups: Iterable[By], since: int | None = None
) -> tuple[dict[By, tuple[UsageRow, ...]], UsageRow]:
    """Return the sums by each of some groups, in the order of `UsageReport`, and of all.

    Args:
        found: what was used.
        groups: any but `branch` and `session`.
        since: the first day that counts, as `datetime.date.toordinal` counts.
    """
    sums: dict[By, dict[str | None, _Group]] = {by: defaultdict(_Group) for by in groups}
    total = _Group()
    names = {by: _namer(by) for by in sums}
    for one in found:
        if since is not None and one.day < since:
            continue
        total.add(one)
        for by, by_name in sums.items():
            by_name[names[by](one)].add(one)
    rows: dict[By, tuple[UsageRow, ...]] = {}
    for by, by_name in sums.items():
        of_group = [group.row(name) for name, group in by_name.items()]
        if by in TIMES:
            of_group.sort(key=lambda row: row.name or "")
        else:
            of_group.sort(key=lambda row: (-row.input_tokens - row.output_tokens, row.name or ""))
        rows[by] = tuple(of_group)
    return rows, total.row(None)


def _namer(by: By) -> Callable[[Spent], str | None]:
    if by == "model":
        return lambda one: one.model
    if by == "project":
        return lambda one: one.project
    if by == "source":
        return lambda one: one.source
    form = TIMES[by]
    return lambda one: _named(one.day, form)


@lru_cache(maxsize=4096)
def _named(day: int, form: str) -> str:
    return date.fromordinal(day).strftime(form)


def costliest(found: Iterable[Spent]) -> list[int]:
    """Return the rowids of the sessions of which the cost is known, the dearest first."""
    costs: dict[int, int] = {}
    for one in found:
        if one.cost is not None:
            costs[one.session] = costs.get(one.session, 0) + one.cost
    return sorted(costs, key=lambda session: (-costs[session], session))
