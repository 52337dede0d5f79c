"""The format of the sessions of pi, omp and openclaw, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import LineFormat, SessionIndex, SourceFormat
from journal.importers.pi.session_index import INDEX, title_of

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Location, Parser
    from journal.importers.parsing.values import Json


def _is_line(value: Json) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        return False
    if value.get("type") == "session":
        return "timestamp" in value and ("version" in value or "cwd" in value)
    body = value.get("message")
    return value.get("type") == "message" and isinstance(body, dict) and "parentId" in value


def _parser(location: Location) -> Parser:
    from journal.importers.pi.parser import Pi  # noqa: PLC0415 - loaded to read

    return Pi(location)


FORMAT = SourceFormat(
    name="pi",
    version=2,
    about="sessions of pi, omp and openclaw, one JSONL file each",
    paths=("~/.pi/agent/sessions", "~/.omp/agent/sessions", "~/.openclaw/agents"),
    lines=LineFormat(matches=_is_line, parser=_parser, is_envelope=_is_line),
    index=SessionIndex((INDEX,), title_of),
)
