"""Tools: how often each was called, and how many of its results report an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.db.kinds import MESSAGE
from projector.fold.messages import IN_TRANSCRIPT

if TYPE_CHECKING:
    import apsw


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool.

    Attributes:
        name: its name.
        calls: how often it was called.
        results: how many results it has.
        errors: how many of these report an error, as `projector.fold.facets` says.
    """

    name: str
    calls: int
    results: int
    errors: int


_OWN = "NOT EXISTS (SELECT 1 FROM _shared x WHERE x.event = e.id AND x.home IS NOT NULL)"
_OF_SESSION = (
    f"e.kind = {MESSAGE} AND e.session = ?1 AND e.state = {IN_TRANSCRIPT}"
    f" AND (?2 IS NULL OR coalesce(e.timestamp, e.time) >= ?2) AND {_OWN}"
)
_CALLS = (
    "SELECT json_extract(c.value, '$.id'), coalesce(json_extract(c.value, '$.function.name'),"
    " json_extract(c.value, '$.name')) FROM _events e,"
    " json_each(e.other_fields, '$.tool_calls') c"
    f" WHERE {_OF_SESSION} AND c.type = 'object'"
)
_RESULTS = (
    "SELECT json_extract(e.other_fields, '$.tool_call_id'),"
    " json_extract(e.other_fields, '$.tool_name'),"
    " json_type(e.other_fields, '$.extra.is_error') IS 'true'"
    " OR (json_type(e.other_fields, '$.extra.exit_code') IS 'integer'"
    " AND json_extract(e.other_fields, '$.extra.exit_code') <> 0)"
    " OR (e.content_is_json AND instr(e.content, '\"is_error\":true') > 0)"
    f" FROM _events e WHERE {_OF_SESSION} AND e.role = 'tool'"
)
_SESSIONS = (
    "SELECT DISTINCT f.session FROM _facet_values v JOIN _facets f ON f.value = v.id"
    " JOIN _sessions s ON s.id = f.session WHERE v.kind = 'tool' AND (?1 IS NULL OR s.last >= ?1)"
)


def tool_uses(db: apsw.Connection, since: int | None = None) -> list[ToolUse]:
    """Return the tools of all messages, that with most calls first.

    A result without the name of its tool counts for the call that it answers. It reads all messages
    of sessions with calls. A message that forks repeat counts once.

    Args:
        db: the projection.
        since: only messages of this time or later; microseconds since 1970.
    """
    found: dict[str, list[int]] = {}
    for (session,) in db.execute(_SESSIONS, (since,)).fetchall():
        names: dict[str, str] = {}
        for id, name in db.execute(_CALLS, (session, since)):
            if isinstance(name, str):
                found.setdefault(name, [0, 0, 0])[0] += 1
                if isinstance(id, str):
                    names[id] = name
        for id, own, failed in db.execute(_RESULTS, (session, since)):
            name = own if isinstance(own, str) else names.get(str(id))
            if name is not None:
                counts = found.setdefault(name, [0, 0, 0])
                counts[1] += 1
                counts[2] += bool(failed)
    uses = [ToolUse(name, *counts) for name, counts in found.items()]
    return sorted(uses, key=lambda use: (-max(use.calls, use.results), use.name))
