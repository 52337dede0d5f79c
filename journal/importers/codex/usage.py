"""Reads what each call of the API used, from the running totals of a Codex rollout.

`token_count` lines hold the totals of the session so far, and the figures of the last call. A line
that repeats the totals is no further call. A forked rollout repeats the lines of its parent, and
its totals go on from there: the calls are named after the first session of all, so that a repeated
one has the name that it has there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.format.event_types import SESSION_CREATED
from journal.importers.parsing.events import fact
from journal.importers.parsing.parser import Skipped
from journal.importers.parsing.usage import usage
from journal.importers.parsing.values import count_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Found
    from journal.importers.parsing.source_time import SourceTime
    from journal.importers.parsing.values import Json

SOURCE = "codex"
_COUNTS = {
    "input_tokens": "input_tokens",
    "cached_input_tokens": "cache_read_tokens",
    "output_tokens": "output_tokens",
    "reasoning_output_tokens": "reasoning_tokens",
}
"""Figures of a line, and the counters for them. The cached ones are among the input."""

Figures = dict[str, int]


@dataclass(slots=True)
class RunningTotals:
    """The totals of one rollout.

    Attributes:
        root: the first session of all of which this one is a copy; empty until a line names one.
        model: the model of the turn.
        is_sourced: whether an event names the source of the session.
    """

    root: str = ""
    model: str | None = None
    is_sourced: bool = False
    _before: Figures | None = field(default=None)

    def take(
        self, line: int, payload: dict[str, Json], session: str, timestamp: SourceTime
    ) -> Iterator[Found | Skipped]:
        """Yield the `usage.added` of a `token_count`, or why it is none."""
        call, counts = self._next(payload, session)
        extra = {"input_includes_cache": True}
        found = list(usage(line, session, call, counts, timestamp, model=self.model, extra=extra))
        if not found:
            yield Skipped(line, "event_msg/token_count that adds nothing")
        elif not self.is_sourced:  # a file without a head may have nothing else
            self.is_sourced = True
            yield fact(line, session, SESSION_CREATED, {"source": SOURCE})
        yield from found

    def _next(self, payload: dict[str, Json], session: str) -> tuple[str, Figures]:
        """Return the call of a line and what it used; nothing if it is no further call."""
        info = payload.get("info")
        if not isinstance(info, dict):
            return "", {}
        total, last = (
            _figures(info.get("total_token_usage")),
            _figures(info.get("last_token_usage")),
        )
        before, self._before = self._before, total or self._before
        if total == before:
            return "", {}
        used = last or total or {}
        if total is not None and before is not None:
            more = {name: total.get(name, 0) - before.get(name, 0) for name in total}
            if min(more.values()) >= 0:  # else the totals began again
                used = more
        at = "/".join(str((total or used).get(name, 0)) for name in _COUNTS)
        return f"{self.root or session}:{at}", {
            _COUNTS[name]: count for name, count in used.items()
        }


def _figures(value: Json) -> Figures | None:
    if not isinstance(value, dict):
        return None
    found = {name: count_or_none(value.get(name)) for name in _COUNTS}
    return {name: count for name, count in found.items() if count is not None} or None
