"""The format of the sessions of Grok Build, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import LineFormat, SourceFormat

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Location, Parser
    from journal.importers.parsing.values import Json

_KINDS = {
    "system": {"content"},
    "user": {"content"},
    "assistant": {"content", "model_id"},
    "reasoning": {"id", "summary"},
    "tool_result": {"tool_call_id", "content"},
    "backend_tool_call": {"kind"},
}
"""The kinds of a line, and keys that each has."""
_FOREIGN = {"sessionId", "session_id", "uuid", "timestamp", "message", "role", "payload"}
"""Keys that the lines of other programs with these kinds have."""


def _is_line(value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    params = value.get("params")
    if isinstance(params, dict) and isinstance(params.get("update"), dict):
        return "sessionUpdate" in params["update"]
    kind = value.get("type")
    names = _KINDS.get(kind) if isinstance(kind, str) else None
    own = names is not None and value.keys() >= names and not _FOREIGN & value.keys()
    # a line of one text alone could be of many programs
    return own and (kind not in ("system", "user") or len(value) > 2 or kind == "system")  # noqa: PLR2004 - type and content


def _parser(location: Location) -> Parser:
    from journal.importers.grok.parser import Grok  # noqa: PLC0415 - loaded to read

    return Grok(location)


FORMAT = SourceFormat(
    name="grok",
    version=1,
    about="sessions of Grok Build, JSONL",
    paths=("~/.grok/sessions",),
    lines=LineFormat(matches=_is_line, parser=_parser),
    beside=("summary.json",),
)
