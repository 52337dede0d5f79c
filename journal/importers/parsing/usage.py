"""Builds the events of what an API call used and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.bounds import is_amount, is_count
from journal.format.event_types import COUNTS, USAGE_ADDED
from journal.importers.parsing.events import kept_fact
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
    data: dict[str, Json] = {name: found for name in _USED if is_count(found := counts.get(name))}
    cost = more.get("cost")
    has_cost = is_amount(cost) and cost
    if not has_cost and not any(data.values()):
        return ()
    if is_count(calls := counts.get("api_calls", 1)):
        data["api_calls"] = calls
    if has_cost:
        data["actual_cost"] = cost
    for name in ("model", "provider"):
        if (text := text_or_none(more.get(name))) is not None:
            data[name] = text
    data["call"] = call
    if time is not None and (micros := time.micros) is not None:
        # to the minute: lines of one call with equal figures give one event
        data["timestamp"] = micros - micros % _MINUTE
    if extra := more.get("extra"):
        data["extra"] = extra
    return (kept_fact(line, session, USAGE_ADDED, data),)


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
