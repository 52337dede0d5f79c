"""What is counted of all messages: when they were written, tools, and what was used and paid."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from projector.views.browsing.activity import messages_by_hour
from projector.views.browsing.block import SIZE
from projector.views.browsing.local_time import DAY_HOURS
from projector.views.browsing.spending import costliest, spent, usage_rows
from projector.views.browsing.tools import ToolCounts, tool_counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import apsw

    from projector.views.browsing.spending import Spent
    from projector.views.usage import By, UsageRow

_GROUPS: tuple[By, ...] = ("model", "project", "source")


@dataclass(frozen=True, slots=True)
class BlockCounts:
    """What is counted of a block of sessions.

    Attributes:
        hours: how many messages have a date in each local hour, as `local_time.local_hour` counts.
        tools: how often tools were used, by day and name, as `tool_counts` returns it.
        spent: what the sessions used and paid.
    """

    hours: Mapping[int, int]
    tools: Mapping[tuple[int, str], ToolCounts]
    spent: tuple[Spent, ...]


def count_block(db: apsw.Connection, block: int) -> BlockCounts:
    """Count the messages and the usage of a block of sessions."""
    return BlockCounts(messages_by_hour(db, block), tool_counts(db, block), tuple(spent(db, block)))


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool.

    Attributes:
        name: its name.
        calls: how often it was called.
        results: how many results it has.
        errors: how many of these report an error.
    """

    name: str
    calls: int
    results: int
    errors: int


@dataclass(frozen=True, slots=True)
class Report:
    """What is counted of some time.

    Attributes:
        times: what was used by day, week or month, the earliest first.
        groups: by `model`, `project` and `source`.
        total: the sums.
        hours: how many messages have a date in each local hour, as `local_time.local_hour` counts.
        tools: that with most calls first.
    """

    times: tuple[UsageRow, ...]
    groups: tuple[tuple[By, tuple[UsageRow, ...]], ...]
    total: UsageRow
    hours: Mapping[int, int]
    tools: tuple[ToolUse, ...]


@dataclass(frozen=True, slots=True)
class Census:
    """What is counted of all messages.

    Attributes:
        blocks: the counts of each block.
        costliest: rowids of the sessions of which the cost is known, the dearest first.
    """

    blocks: Mapping[int, BlockCounts]
    costliest: array[int]
    _reports: dict[tuple[By, int | None], Report] = field(default_factory=dict)

    def report(self, unit: By, since: int | None) -> Report:
        """Return what is counted of some time; the answer is kept.

        Args:
            unit: `day`, `week` or `month`.
            since: the first day that counts, as `datetime.date.toordinal` counts.
        """
        known = self._reports.get((unit, since))
        if known is None:
            spent = chain.from_iterable(block.spent for block in self.blocks.values())
            rows, total = usage_rows(spent, (unit, *_GROUPS), since)
            groups = tuple((by, rows[by]) for by in _GROUPS)
            known = Report(rows[unit], groups, total, self._hours(since), self._tools(since))
            self._reports[unit, since] = known
        return known

    def session(self, number: int) -> UsageRow | None:
        """Return what the session with a rowid used and cost; None if it used nothing."""
        block = self.blocks.get(number // SIZE)
        found = [] if block is None else [one for one in block.spent if one.session == number]
        return usage_rows(found, ())[1] if found else None

    def _hours(self, since: int | None) -> dict[int, int]:
        found: dict[int, int] = defaultdict(int)
        for block in self.blocks.values():
            for hour, count in block.hours.items():
                if since is None or hour >= since * DAY_HOURS:
                    found[hour] += count
        return dict(found)

    def _tools(self, since: int | None) -> tuple[ToolUse, ...]:
        found: dict[str, ToolCounts] = defaultdict(lambda: ToolCounts(0, 0, 0))
        for block in self.blocks.values():
            for (day, name), counts in block.tools.items():
                if since is None or day >= since:
                    added = (one + other for one, other in zip(found[name], counts, strict=True))
                    found[name] = ToolCounts(*added)
        uses = (ToolUse(name, *counts) for name, counts in found.items())
        return tuple(sorted(uses, key=lambda use: (-max(use.calls, use.results), use.name)))


def census(blocks: Mapping[int, BlockCounts]) -> Census:
    """Return the census of blocks."""
    spent: Iterable[Spent] = chain.from_iterable(block.spent for block in blocks.values())
    return Census(blocks, array("q", costliest(spent)))
