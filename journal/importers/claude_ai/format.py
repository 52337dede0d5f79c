"""The format of claude.ai's data export, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import EXPORTS, LineFormat, SourceFormat, listed_documents

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Location, Parser
    from journal.importers.parsing.values import Json

_NAMES = {"uuid", "chat_messages"}


def _is_conversation(value: Json) -> bool:
    return isinstance(value, dict) and value.keys() >= _NAMES


def _parser(location: Location) -> Parser:
    from journal.importers.claude_ai.parser import ClaudeAi  # noqa: PLC0415 - loaded to read

    return ClaudeAi(location)


FORMAT = SourceFormat(
    name="claude-ai",
    version=1,
    about="the data export, a zip file or its conversations.json",
    files=EXPORTS,
    lines=LineFormat(matches=_is_conversation, parser=_parser),
    documents=listed_documents(_NAMES, _parser, apart=True),
)
