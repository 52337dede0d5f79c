"""The format of the sessions of DeepSeek's harness, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import LineFormat, SourceFormat

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Location, Parser
    from journal.importers.parsing.values import Json


def _is_line(value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    if kind == "session":
        return isinstance(value.get("id"), str) and "createdAt" in value
    event = isinstance(kind, str) and "/" in kind
    return event and isinstance(value.get("seq"), int) and isinstance(value.get("data"), dict)


def _parser(location: Location) -> Parser:
    from journal.importers.deepseek.parser import DeepSeek  # noqa: PLC0415 - loaded to read

    return DeepSeek(location)


FORMAT = SourceFormat(
    name="deepseek",
    version=1,
    about="sessions of DeepSeek's harness, one JSONL file each",
    paths=("~/.dsh/sessions",),
    lines=LineFormat(matches=_is_line, parser=_parser, is_envelope=_is_line),
)
