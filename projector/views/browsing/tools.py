"""Tools: how often each was called, and how many of its results report an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from projector.views.browsing.block import COUNTED, DATE, bounds
from projector.views.browsing.local_time import DAY_HOURS, QUARTER, local_hour

if TYPE_CHECKING:
    import apsw


class ToolCounts(NamedTuple):
    """How often a tool was used.

    Attributes:
        calls: how often it was called.
        results: how many results it has.
        errors: how many of these report an error, as `projector.fold.facets` says.
    """

    calls: int
    results: int
    errors: int


_QUERY = f"""
WITH called AS MATERIALIZED (
  SELECT e.session AS session, {DATE} / {QUARTER} AS quarter, json_extract(c.value, '$.id') AS id,
    coalesce(json_extract(c.value, '$.function.name'), json_extract(c.value, '$.name')) AS name
  FROM _events e, json_each(e.other_fields, '$.tool_calls') c
  WHERE {COUNTED} AND e.other_fields IS NOT NULL AND c.type = 'object'
), named AS MATERIALIZED (
  SELECT session, id, max(name) AS name FROM called
  WHERE typeof(id) = 'text' AND typeof(name) = 'text' GROUP BY 1, 2
), answered AS MATERIALIZED (
  SELECT e.session AS session, {DATE} / {QUARTER} AS quarter,
    json_extract(e.other_fields, '$.tool_call_id') AS id,
    json_extract(e.other_fields, '$.tool_name') AS name,
    json_type(e.other_fields, '$.extra.is_error') IS 'true'
      OR (json_type(e.other_fields, '$.extra.exit_code') IS 'integer'
        AND json_extract(e.other_fields, '$.extra.exit_code') <> 0)
      OR (e.content_is_json AND instr(e.content, '"is_error":true') > 0) AS failed
  FROM _events e WHERE {COUNTED} AND e.role = 'tool'
)
SELECT quarter, name, count(*), 0, 0 FROM called WHERE typeof(name) = 'text' GROUP BY 1, 2
UNION ALL
SELECT a.quarter, coalesce(a.name, n.name), 0, count(*), total(a.failed)
FROM answered a LEFT JOIN named n ON a.name IS NULL AND n.session = a.session AND n.id = a.id
WHERE coalesce(a.name, n.name) IS NOT NULL GROUP BY 1, 2
"""
"""The rows are joined in SQLite: other threads can work meanwhile."""


def tool_counts(db: apsw.Connection, block: int) -> dict[tuple[int, str], ToolCounts]:
    """Return how often tools were used, by the local day and the name of the tool.

    Days are counted as `datetime.date.toordinal` does. A result without the name of its tool counts
    for the call that it answers. A message that forks repeat counts once.

    Args:
        db: the projection.
        block: of sessions.
    """
    found: dict[tuple[int, str], ToolCounts] = {}
    for quarter, name, *counts in db.execute(_QUERY, bounds(block)):
        key = local_hour(quarter) // DAY_HOURS, str(name)
        old = found.get(key, (0, 0, 0))
        found[key] = ToolCounts(*(one + int(other) for one, other in zip(old, counts, strict=True)))
    return found
