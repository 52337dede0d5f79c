"""The format of Antigravity's transcripts, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import LineFormat, SourceFormat

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Location, Parser
    from journal.importers.parsing.values import Json

_SOURCES = ("USER_EXPLICIT", "MODEL", "SYSTEM")


def _is_line(value: Json) -> bool:
    return isinstance(value, dict) and value.get("source") in _SOURCES and "created_at" in value


def _parser(location: Location) -> Parser:
    from journal.importers.antigravity.parser import Antigravity  # noqa: PLC0415 - loaded to read

    return Antigravity(location)


FORMAT = SourceFormat(
    name="antigravity",
    version=1,
    about="transcripts, one JSONL file a session",
    paths=("~/.gemini/antigravity", "~/.gemini/antigravity-cli"),
    lines=LineFormat(matches=_is_line, parser=_parser, is_envelope=_is_line),
)
