"""The format of Aider's chat histories, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import LineFormat, SourceFormat

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Location, Parser
    from journal.importers.parsing.values import Json


def _is_line(_value: Json) -> bool:
    return False  # the lines are no JSON: the name of the file decides


def _parser(location: Location) -> Parser:
    from journal.importers.aider.parser import Aider  # noqa: PLC0415 - loaded to read

    return Aider(location)


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace").rstrip("\r")


def _waits(parser: Parser) -> int:
    return int(getattr(parser, "waiting", 0))


FORMAT = SourceFormat(
    name="aider",
    version=1,
    about="chat histories, Markdown",
    files=(".aider.chat.history.md", "*.aider.chat.history.md"),
    lines=LineFormat(matches=_is_line, parser=_parser, text=_text, waits=_waits),
)
