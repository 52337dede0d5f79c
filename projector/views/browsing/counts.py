"""What the messages that a search found were about: counts of their values, and of their days."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from projector.views.browsing.local_time import QUARTER, local_hours
from projector.views.fields import MODEL, PROJECT, SOURCE
from projector.views.machines import lane_machines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import apsw

    from journal.segments.machines import Machines

_FIELDS = {"source": SOURCE.of_message, "project": PROJECT.of_message, "model": MODEL.of_message}
_AMONG = "FROM json_each(?) j JOIN _events e ON e.id = j.value JOIN _sessions s ON s.id = e.session"
_CALLS = (
    "CASE WHEN json_type(e.other_fields, '$.tool_calls') = 'array'"
    " THEN json_extract(e.other_fields, '$.tool_calls') END"
)
_OWN_TOOL = "json_extract(e.other_fields, '$.tool_name')"


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of messages.

    Attributes:
        values: by `source`, `project`, `model`, `role` and `tool`, and by `machine` if there are
            several: how many messages have a value, that of most messages first. A message can have
            several tools.
        hours: how many messages have a date in each local hour, as `local_time.local_hour` counts.
    """

    values: Mapping[str, tuple[tuple[str, int], ...]]
    hours: Mapping[int, int]


def counts(db: apsw.Connection, rows: Iterable[int], machines: Machines | None = None) -> Counts:
    """Count the values of messages.

    Args:
        db: the projection.
        rows: rowids of messages.
        machines: those of the journal; None if none are counted.
    """
    columns = ", ".join(_FIELDS.values())
    # one query: to read the rows takes longer than all else
    query = (
        f"SELECT coalesce(e.timestamp, e.time) / {QUARTER}, {_CALLS}, e.lane_row,"
        f" e.role, {_OWN_TOOL}, {columns} {_AMONG}"
    )
    read = db.execute(query, (json.dumps([*rows]),)).fetchall()
    columns_read = zip(*read, strict=True) if read else ((),) * (len(_FIELDS) + 5)
    quarters, calls, lanes, *values = columns_read
    names = ("role", "tool", *_FIELDS)
    found = {name: Counter(column) for name, column in zip(names, values, strict=True)}
    found["tool"].update(name for each in filter(None, calls) for name in _called(str(each)))
    if machines is not None and machines.others:  # of one machine alone it would say nothing
        of_lane = lane_machines(db, machines)
        found["machine"] = Counter(of_lane[lane][1] for lane in lanes)
    for counter in found.values():
        for value in [value for value in counter if not isinstance(value, str)]:
            del counter[value]
    ordered = {
        name: tuple(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))
        for name, counted in found.items()
    }
    return Counts(ordered, local_hours(Counter(quarters).items()))


def _called(calls: str) -> Iterator[str]:
    """Yield the names of the tools that a message calls, from its field `tool_calls` as JSON."""
    found = orjson.loads(calls)
    for call in found if isinstance(found, list) else ():
        if isinstance(call, dict):
            function = call.get("function")
            name = function.get("name") if isinstance(function, dict) else None
            name = call.get("name") if name is None else name
            if isinstance(name, str):
                yield name
