"""Builds the events of what an API call used and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.bounds import is_amount, is_count
from journal.format.event_types import COUNTS, USAGE_ADDED
from journal.importers.parsing.events import fact
from journal.importers.parsing.values import count_or_none, text_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from journal.importers.parsing.parser import Found
    from journal.importers.parsing.source_time import SourceTime
    from journal.importers.parsing.values import Json

_MINUTE = 60_000_000
_USED = tuple(name for name in COUNTS if name != "api_calls")


def usage(
    line: int,
    session: str,
    call: str,
    counts: Mapping[str, Json],
    time: SourceTime | None = None,
    **more: Json,
) -> Sequence[Found]:
    """Return what an API call used; nothing if the source does not say it, or says only zeros.

    Args:
        line: number of the line.
        session: its session.
        call: the source's id of the call: a call that is written several times counts once.
        counts: the counters by the names of `usage.added`; what is no count is left out.
        time: when the call was made.
        more: `model` and `provider`, where they are texts, `cost` in US dollars, where the source
            itself says it, and `extra`.
    """
    found = {name: counts[name] for name in _USED if is_count(counts.get(name))}
    cost = more.get("cost")
    cost = cost if is_amount(cost) and cost else None
    if not any(found.values()) and cost is None:
        return ()
    micros = None if time is None else time.micros
    data = {
        **found,
        "api_calls": count_or_none(counts.get("api_calls", 1)),
        "actual_cost": cost,
        "model": text_or_none(more.get("model")),
        "provider": text_or_none(more.get("provider")),
        "call": call,
        # to the minute: lines of one call with equal figures give one event
        "timestamp": None if micros is None else micros - micros % _MINUTE,
        "extra": more.get("extra") or None,
    }
    return (fact(line, session, USAGE_ADDED, data),)


def without(total: Json, *parts: Json) -> int | None:
    """Return a count without its parts, such as the input without what was read from a cache."""
    whole = count_or_none(total)
    if whole is None:
        return None
    return max(0, whole - sum(count_or_none(part) or 0 for part in parts))


def plus(*counts: Json) -> int | None:
    """Return the sum of those values that are counts; None if none is."""
    known = [count for count in map(count_or_none, counts) if count is not None]
    return sum(known) if known else None
