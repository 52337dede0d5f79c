"""The format of the sessions of Factory's Droid, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import LineFormat, SourceFormat

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Location, Parser
    from journal.importers.parsing.values import Json

_STREAMED = {
    "message": {"role", "text"},
    "tool_call": {"toolName", "parameters"},
    "tool_result": {"value"},
    "completion": {"finalText"},
    "system": {"model", "cwd", "id"},
}
"""The kinds of the printed form, and keys that each has."""


def _is_line(value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    if kind == "session_start":
        return isinstance(value.get("id"), str)
    names = _STREAMED.get(kind) if isinstance(kind, str) else None
    named = "session_id" in value or "sessionId" in value
    return names is not None and named and value.keys() >= names and "message" not in value


def _parser(location: Location) -> Parser:
    from journal.importers.factory.parser import Factory  # noqa: PLC0415 - loaded to read

    return Factory(location)


FORMAT = SourceFormat(
    name="factory",
    version=1,
    about="sessions of Factory's Droid, one JSONL file each",
    paths=("~/.factory/sessions",),
    lines=LineFormat(matches=_is_line, parser=_parser, is_envelope=_is_line),
    beside=("{stem}.settings.json",),
)
