"""The state of a session from its own events: fields, usage and keys.

Pure functions. The result is the same for every order of arrival of the events.

**To add a field to sessions** add it to `SESSION_FIELDS` in `journal.format.event_types`. The fold,
the column of `_sessions` and the digest follow from that. Then give it a meaning in
`projector.db.public_views.sessions`, a type in `projector.store.fields.SessionFields`, an attribute
in `projector.views.sessions.SessionView` and a line in docs/format.md, name it among the fields
that are redacted in `journal.redact.values` if it is text that can hold a secret, name it in the
help text of `projector sessions`, raise `SCHEMA` in `projector.db.schema`, and run `make docs`.
`tests/projector/fold/test_session_fields.py` names the places that are still missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from journal.format.bounds import is_amount, is_count, is_moment
from journal.format.event_types import (
    COSTS,
    COUNTS,
    GONE,
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
from journal.format.fields.extra import extra_fields, split_extra
from projector.fold.sweeps import joined, reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from projector.fold.sweeps import Copies, Order


class OrderedEvent(NamedTuple):
    """An event, and what a fold needs to know of its record.

    Attributes:
        order: its place in the order of events.
        type, data: of the event.
        time: when it was appended, microseconds since 1970.
        copies: the lanes that hold it.
    """

    order: Order
    type: str
    data: Mapping[str, Any]
    time: int
    copies: Copies


def canonical(data: object) -> bytes:
    """Encode a JSON value so that equal content gives equal bytes."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


FIELDS = {name: kind for name, (kind,) in SESSION_FIELDS.items() if name != "extra"}
"""The fields of a session that have a column each, in its order, and the type of each."""
COLUMNS = tuple(f'"{name}"' for name in FIELDS)
"""The names of these columns in SQL: `commit` is a keyword."""


@dataclass(frozen=True, slots=True)
class Session:
    """The state of a session.

    Attributes:
        fields: those of `FIELDS` that have a value.
        ended: when it ended, microseconds since 1970; None while it continues.
        end_reason: why.
        extra: everything else that its events say.
        known: whether it has events of its own that no deletion reaches and that say more than
            whether its source is there; else it is a session only if it has messages.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    ended: int | None = None
    end_reason: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    known: bool = False


def fold_session(events: Iterable[OrderedEvent]) -> Session:
    """Fold a session's own events, given in any sequence.

    The last writer of a field wins, in the order of events, and of `extra` key by key. A field of
    `session.ensured` counts only where no other event sets or clears it; the first of several
    wins. The first end holds until the session is reopened. Events that a deletion reaches do not
    count.
    """
    written: dict[str, Any] = {}
    ensured: dict[str, Any] = {}
    ended: dict[str, Any] = {}
    ordered = sorted(since_deletion(events), key=_by_order)
    for _, type, data, time, _ in ordered:
        if type in (SESSION_CREATED, SESSION_TITLED, SESSION_REVISED):
            written |= _flatten(data)
            written |= dict.fromkeys(_cleared(data), _CLEARED)
        elif type == SESSION_ENSURED:
            ensured = _flatten(data) | ensured
        elif type == SESSION_ENDED and not ended:
            at, reason = data.get("ended"), data.get("reason")
            ended["ended"] = at if is_moment(at) else time
            ended["end_reason"] = reason if isinstance(reason, str) else None
        elif type == SESSION_REOPENED:
            ended = {}
    values = {name: value for name, value in (ensured | written).items() if value is not _CLEARED}
    fields, extra = split_extra(values)
    return Session(fields, **ended, extra=extra, known=not all(map(_is_presence, ordered)))


def _is_presence(event: OrderedEvent) -> bool:
    """Return whether an event says only that the source of a session vanished, or is back."""
    _, type, data, *_ = event
    return (
        type == SESSION_REVISED
        and bool(data)
        and data.keys() <= {GONE, "clear"}
        and data.get("clear", [GONE]) == [GONE]
    )


def _by_order(event: OrderedEvent) -> Order:
    return event.order


def since_deletion(events: Iterable[OrderedEvent]) -> list[OrderedEvent]:
    """Return the events that no deletion of their session reaches, in the sequence given."""
    events = list(events)
    deletions = [event for event in events if event.type == SESSION_DELETED]
    if not deletions:
        return events
    deleted = joined(reach(event.order, event.data) for event in deletions)
    return [
        event
        for event in events
        if event.type != SESSION_DELETED and not deleted.has(event.order, event.copies)
    ]


_CLEARED = object()
"""Sentinel: the field was cleared. It also hides a value from `session.ensured`."""


def _flatten(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the right type, and each key of `extra` as `extra.<key>`."""
    valid = {name: value for name, value in data.items() if _is_valid(name, value)}
    return valid | extra_fields(data)


def _is_valid(name: str, value: object) -> bool:
    kind = FIELDS.get(name)
    return is_moment(value) if kind is int else value.__class__ is kind


def _cleared(data: Mapping[str, Any]) -> list[str]:
    names = data.get("clear")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def written_fields(type: str, data: Mapping[str, Any]) -> set[str]:
    """Return the fields that an event of a session sets or clears, as `fold_session` does."""
    return {*_flatten(data), *(() if type == SESSION_ENSURED else _cleared(data))}


def fold_usage(events: Iterable[OrderedEvent]) -> dict[str, int]:
    """Return the total of each counter: its last `usage.set`, and each `usage.added` after it.

    Of several additions of one API call, a counter counts once, by its greatest value. Costs are
    counted in whole nanodollars, so that a sum does not depend on its order.
    """
    base: dict[str, tuple[Order, int]] = {}
    events = list(events)
    for order, type, data, *_ in events:
        if type == USAGE_SET:
            for name, amount in amounts(data).items():
                base[name] = max(base.get(name, (order, amount)), (order, amount))
    totals = {name: amount for name, (_, amount) in base.items()}
    calls: dict[tuple[str, str], int] = {}
    for order, type, data, *_ in events:
        if type != USAGE_SET:
            call = call_of(data)
            for name, amount in amounts(data).items():
                if name in base and order <= base[name][0]:
                    continue
                before = 0
                if call is not None:
                    before = calls.get((call, name), 0)
                    calls[call, name] = max(before, amount)
                totals[name] = totals.get(name, 0) + max(amount - before, 0)
    return totals


def call_of(data: Mapping[str, Any]) -> str | None:
    """Return the API call of a usage event, if it names one."""
    call = data.get("call")
    return call if isinstance(call, str) and call else None


NANO = 1_000_000_000
"""Nanodollars in a US dollar."""


def amounts(data: Mapping[str, Any]) -> dict[str, int]:
    """Return the amounts that a usage event gives, by counter; costs in nanodollars.

    The input tokens are without those of the cache, also if the event has them with these.
    """
    found: dict[str, int] = {}
    for name in COUNTS:
        value = data.get(name)
        if is_count(value):
            found[name] = value
    for name in COSTS:
        value = data.get(name)
        if is_amount(value):
            found[name] = round(value * NANO)
    extra = data.get("extra")
    has_cached = isinstance(extra, dict) and extra.get("input_includes_cache") is True
    if has_cached and "input_tokens" in found:
        cached = sum(found.get(name, 0) for name in ("cache_read_tokens", "cache_write_tokens"))
        found["input_tokens"] = max(0, found["input_tokens"] - cached)
    return found


def fold_keys(events: Iterable[OrderedEvent]) -> dict[str, tuple[Order, Any]]:
    """Return the last value of each key, with the order of its event.

    The value of a key that was deleted is `MISSING`.
    """
    found: dict[str, tuple[Order, Any]] = {}
    for order, type, data, *_ in events:
        key = data.get("key")
        if isinstance(key, str) and (key not in found or order > found[key][0]):
            found[key] = order, data.get("value") if type == KEY_SET else MISSING
    return found


MISSING = object()
"""Sentinel: the key was deleted."""
