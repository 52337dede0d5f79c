"""What the messages that a search found were about: counts of their values, and of their days."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.views.browsing.activity import HOUR
from projector.views.fields import MODEL, PROJECT, SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import apsw

_FIELDS = {"source": SOURCE.of_message, "project": PROJECT.of_message, "model": MODEL.of_message}
_AMONG = "FROM json_each(?) j JOIN _events e ON e.id = j.value JOIN _sessions s ON s.id = e.session"
_TOOL = "coalesce(json_extract(c.value, '$.function.name'), json_extract(c.value, '$.name'))"


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of messages.

    Attributes:
        values: by `source`, `project`, `model`, `role` and `tool`: how many messages have a value,
            that of most messages first. A message can have several tools.
        hours: by the hour since 1970, of their dates: how many messages. Days depend on the zone in
            which they are shown.
    """

    values: Mapping[str, tuple[tuple[str, int], ...]]
    hours: Mapping[int, int]


def counts(db: apsw.Connection, rows: Iterable[int]) -> Counts:
    """Count the values of messages.

    Args:
        db: the projection.
        rows: rowids of messages.
    """
    among = json.dumps([*rows])
    columns = ", ".join(_FIELDS.values())
    found: dict[str, Counter[str]] = {name: Counter() for name in (*_FIELDS, "role", "tool")}
    hours: Counter[int] = Counter()
    query = (
        f"SELECT coalesce(e.timestamp, e.time) / {HOUR}, e.role,"
        f" json_extract(e.other_fields, '$.tool_name'), {columns} {_AMONG}"
    )
    for hour, role, tool, *values in db.execute(query, (among,)):
        hours[int(hour)] += 1
        given = zip(("role", "tool", *_FIELDS), (role, tool, *values), strict=True)
        for name, value in given:
            if isinstance(value, str):
                found[name][value] += 1
    query = (
        f"SELECT {_TOOL} {_AMONG}, json_each(e.other_fields, '$.tool_calls') c"
        " WHERE c.type = 'object'"
    )
    for (tool,) in db.execute(query, (among,)):
        if isinstance(tool, str):
            found["tool"][tool] += 1
    ordered = {
        name: tuple(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))
        for name, counted in found.items()
    }
    return Counts(ordered, dict(hours))
