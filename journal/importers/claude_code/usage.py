"""Reads what one call of the API used, from one line of Claude Code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.format.fields.line import line_of
from journal.importers.parsing.source_time import read_time
from journal.importers.parsing.usage import usage
from journal.importers.parsing.values import count_or_none, text_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence

    from journal.importers.parsing.parser import Found
    from journal.importers.parsing.values import Json


_UNIQUE = 16
"""Characters of a call by which usage is recognised in other sessions (docs/format.md). Those of
Claude are longer; a gateway to another model may number them."""


def usage_of(line: int, session: str, id: str, value: dict[str, Json]) -> Sequence[Found]:
    """Return the `usage.added` of a line, if it used something.

    One call is several lines, and earlier ones may hold smaller figures: they name one `call`.

    Args:
        line: number of the line.
        session: its session.
        id: of its message: the call, if the line does not name one.
        value: its value.
    """
    body = value.get("message")
    used = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(used, dict):
        return ()
    parts = used.get("cache_creation")
    parts = parts if isinstance(parts, dict) else {}
    hour = count_or_none(parts.get("ephemeral_1h_input_tokens"))
    minutes = count_or_none(parts.get("ephemeral_5m_input_tokens"))
    written = count_or_none(used.get("cache_creation_input_tokens"))
    counts = {
        "input_tokens": used.get("input_tokens"),
        "output_tokens": used.get("output_tokens"),
        "cache_read_tokens": used.get("cache_read_input_tokens"),
        "cache_write_tokens": max(written or 0, (hour or 0) + (minutes or 0)) or None,
    }
    call = text_or_none(body.get("id")) or text_or_none(value.get("requestId")) or id
    extra: dict[str, Json] = {"cache_write_1h_tokens": hour} if hour else {}
    if len(call) < _UNIQUE and line_of(id, {}) is not None:
        # such a call is no call of another session, unless that repeats the line
        call, extra = f"claude-code message {call}", extra | {"line": id}
    return usage(
        line,
        session,
        call,
        counts,
        read_time(value.get("timestamp")),
        model=body.get("model"),
        cost=value.get("costUSD"),
        extra=extra,
    )
