"""What the set of events means: pure functions, the same for every order of arrival."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from journal.format.bounds import is_amount, is_count, is_moment
from journal.format.event_types import (
    COSTS,
    COUNTS,
    KEY_SET,
    SESSION_CREATED,
    SESSION_DELETED,
    SESSION_ENDED,
    SESSION_ENSURED,
    SESSION_FIELDS,
    SESSION_REOPENED,
    SESSION_REVISED,
    SESSION_TITLED,
    USAGE_SET,
)
from projector.fold.sweeps import joined, reach

if TYPE_CHECKING:
    from collections.abc import Iterable

    from projector.fold.sweeps import Copies, Order


class Told(NamedTuple):
    """An event as it is folded.

    Attributes:
        order: its place in the order of events.
        type, data: of the event.
        time: when it was appended, microseconds since 1970.
        copies: where its key was appended.
    """

    order: Order
    type: str
    data: Mapping[str, Any]
    time: int
    copies: Copies


def canonical(data: object) -> bytes:
    """Encode a JSON value so that equal content gives equal bytes."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, slots=True)
class Session:
    """What a session's own events say of it; `started` and `ended` in microseconds.

    `known` says whether any of them does: else there is a session only if there are messages.
    """

    title: str | None = None
    source: str | None = None
    model: str | None = None
    cwd: str | None = None
    parent: str | None = None
    user: str | None = None
    system_prompt: str | None = None
    config: dict[str, Any] | None = None
    started: int | None = None
    ended: int | None = None
    end_reason: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    known: bool = False


_KEPT = {name: kind for name, (kind,) in SESSION_FIELDS.items() if name != "extra"}
_EXTRA = "extra."


def fold_session(events: Iterable[Told]) -> Session:
    """Fold a session's own events, given in any sequence.

    Fields are last-writer-wins in the order of events, `extra` key by key; what is `ensured`
    counts where nothing else says it, the first of several; the first end stands until the
    session is reopened. Nothing before a deletion counts.
    """
    said: dict[str, Any] = {}
    ensured: dict[str, Any] = {}
    ended: dict[str, Any] = {}
    told = sorted(since_deletion(events), key=_by_order)
    for _, type, data, time, _ in told:
        if type in (SESSION_CREATED, SESSION_TITLED, SESSION_REVISED):
            said |= _flat(data)
            said |= dict.fromkeys(_cleared(data), _CLEARED)
        elif type == SESSION_ENSURED:
            ensured = _flat(data) | ensured
        elif type == SESSION_ENDED and not ended:
            at, reason = data.get("ended"), data.get("reason")
            ended["ended"] = at if is_moment(at) else time
            ended["end_reason"] = reason if isinstance(reason, str) else None
        elif type == SESSION_REOPENED:
            ended = {}
    fields = {name: value for name, value in (ensured | said).items() if value is not _CLEARED}
    extra = {
        name.removeprefix(_EXTRA): fields.pop(name)
        for name in list(fields)
        if name.startswith(_EXTRA)
    }
    return Session(**fields, **ended, extra=extra, known=bool(told))


def _by_order(event: Told) -> Order:
    return event.order


def since_deletion(events: Iterable[Told]) -> list[Told]:
    """Return the events that no deletion of their session reaches, in the sequence given."""
    events = list(events)
    deletions = [event for event in events if event.type == SESSION_DELETED]
    if not deletions:
        return events
    gone = joined(reach(event.order, event.data) for event in deletions)
    return [
        event
        for event in events
        if event.type != SESSION_DELETED and not gone.has(event.order, event.copies)
    ]


_CLEARED = object()
"""Stands where a field has no value any more, and keeps an ensured one away."""


def _flat(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the right kind, those of `extra` among them as `extra.<key>`."""
    found = {name: value for name, value in data.items() if _is_kept(name, value)}
    extra = data.get("extra")
    if isinstance(extra, Mapping):
        found |= {f"{_EXTRA}{key}": value for key, value in extra.items()}
    return found


def _is_kept(name: str, value: object) -> bool:
    kind = _KEPT.get(name)
    return is_moment(value) if kind is int else value.__class__ is kind


def _cleared(data: Mapping[str, Any]) -> list[str]:
    names = data.get("clear")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def fold_usage(events: Iterable[Told]) -> dict[str, int]:
    """Fold `usage.added` and `usage.set`: the last that was set, and what was added after it.

    Costs are counted in whole nanodollars, so that a sum does not depend on its order.
    """
    base: dict[str, tuple[Order, int]] = {}
    told = list(events)
    for order, type, data, *_ in told:
        if type == USAGE_SET:
            for name, amount in amounts(data).items():
                base[name] = max(base.get(name, (order, amount)), (order, amount))
    totals = {name: amount for name, (_, amount) in base.items()}
    for order, type, data, *_ in told:
        if type != USAGE_SET:
            for name, amount in amounts(data).items():
                if name not in base or order > base[name][0]:
                    totals[name] = totals.get(name, 0) + amount
    return totals


NANO = 1_000_000_000


def amounts(data: Mapping[str, Any]) -> dict[str, int]:
    """Return what one event says of each counter; costs in nanodollars."""
    found = {}
    for name in COUNTS:
        value = data.get(name)
        if is_count(value):
            found[name] = value
    for name in COSTS:
        value = data.get(name)
        if is_amount(value):
            found[name] = round(value * NANO)
    return found


def fold_keys(events: Iterable[Told]) -> dict[str, tuple[Order, Any]]:
    """Fold `key.set` and `key.deleted` into values, each with the order of its event.

    The value of a key that was deleted is `MISSING`.
    """
    found: dict[str, tuple[Order, Any]] = {}
    for order, type, data, *_ in events:
        key = data.get("key")
        if isinstance(key, str) and (key not in found or order > found[key][0]):
            found[key] = order, data.get("value") if type == KEY_SET else MISSING
    return found


MISSING = object()
"""Stands for the value of a key that was deleted."""


def revise(
    original: Mapping[str, Any], revisions: Iterable[tuple[Order, Mapping[str, Any]]]
) -> dict[str, Any]:
    """Return a message's data with its revisions in force, last-writer-wins field by field."""
    data = dict(original)
    for _, revision in sorted(revisions, key=lambda pair: pair[0]):
        data |= {name: value for name, value in revision.items() if name != "message"}
    return data
