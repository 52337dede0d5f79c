"""The calls of the API that a session's usage consists of: pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal.format.bounds import is_count, is_moment
from journal.format.event_types import USAGE_SET
from projector.fold.sessions import amounts, call_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from projector.fold.sessions import OrderedEvent
    from projector.fold.sweeps import Order


@dataclass(frozen=True, slots=True)
class Call:
    """What one call of the API used, or what one event sets or adds.

    Attributes:
        time: when it was made, else when its event was appended; microseconds since 1970.
        model, provider: as its events give them; None if they do not.
        amounts: the counters; costs in nanodollars.
        written_1h: of the tokens that were written to a cache, those that are kept for an hour.
        id: the source's id of the call; None if its events do not give it.
    """

    time: int
    model: str | None
    provider: str | None
    amounts: dict[str, int]
    written_1h: int = 0
    id: str | None = None


Bases = Mapping[str, "Order"]
"""By counter, the order of the last event that set it: what was added before does not count."""


def bases(events: Iterable[OrderedEvent]) -> Bases:
    """Return what the events of a session set last."""
    found: dict[str, Order] = {}
    for order, type, data, *_ in events:
        if type == USAGE_SET:
            for name in amounts(data):
                if name not in found or order > found[name]:
                    found[name] = order
    return found


def fold_calls(events: Iterable[OrderedEvent]) -> list[Call]:
    """Return the calls of a session; their amounts add up to `fold_usage` of the same events.

    Args:
        events: its usage events, without those that a deletion reaches.
    """
    events = list(events)
    base = bases(events)
    calls: dict[object, list[OrderedEvent]] = {}
    for number, event in enumerate(events):
        call = None if event.type == USAGE_SET else call_of(event.data)
        calls.setdefault(number if call is None else call, []).append(event)
    return [found for each in calls.values() if (found := fold_call(each, base)) is not None]


def fold_call(events: Collection[OrderedEvent], base: Bases) -> Call | None:
    """Return one call; None if its events count nothing.

    Args:
        events: all events of the call; or one that sets counters, or names no call.
        base: what the events of the session set.
    """
    found: Call | None = None
    for order, type, data, time, _ in sorted(events, key=_by_order) if len(events) > 1 else events:
        counted = amounts(data)
        if type == USAGE_SET:
            counted = {name: n for name, n in counted.items() if base[name] == order}
        elif base:
            counted = {n: a for n, a in counted.items() if n not in base or base[n] < order}
        if counted:
            call = None if type == USAGE_SET else call_of(data)
            found = _joined(found, _call(data, counted, time, call))
    return found


def _by_order(event: OrderedEvent) -> Order:
    return event.order


def _call(data: Mapping[str, Any], counted: dict[str, int], time: int, id: object) -> Call:
    at, model, provider = map(data.get, ("timestamp", "model", "provider"))
    extra = data.get("extra")
    extra = extra if isinstance(extra, dict) else {}
    written = extra.get("cache_write_1h_tokens")
    return Call(
        at if is_moment(at) else time,
        model if isinstance(model, str) else None,
        provider if isinstance(provider, str) else None,
        counted,
        written if is_count(written) else 0,
        id if isinstance(id, str) else None,
    )


def _joined(one: Call | None, other: Call) -> Call:
    """Return a call of two events: each counter has its greatest value."""
    if one is None:
        return other
    names = one.amounts.keys() | other.amounts.keys()
    return Call(
        min(one.time, other.time),
        one.model or other.model,
        one.provider or other.provider,
        {name: max(one.amounts.get(name, 0), other.amounts.get(name, 0)) for name in names},
        max(one.written_1h, other.written_1h),
        one.id,
    )
