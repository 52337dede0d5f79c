"""The formats of Cursor, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import LineFormat, SourceFormat
from journal.importers.sqlite.declared import prune, reader_of

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Location, Parser
    from journal.importers.parsing.values import Json
    from journal.importers.sqlite.conversations import Conversations

_OTHERS = {"type", "uuid", "sessionId", "id", "timestamp"}
"""Fields of lines of other programs that have a role and a message, too."""


def _is_line(value: Json) -> bool:
    if not isinstance(value, dict) or value.get("role") not in ("user", "assistant"):
        return False
    message = value.get("message")
    return (
        isinstance(message, dict)
        and "content" in message
        and "role" not in message
        and _OTHERS.isdisjoint(value)
    )


def _parser(location: Location) -> Parser:
    from journal.importers.cursor.lines import CursorLines  # noqa: PLC0415 - loaded to read

    return CursorLines(location)


def _database() -> Conversations:
    from journal.importers.cursor.database import CursorDatabase  # noqa: PLC0415 - loaded to read

    return CursorDatabase()


FORMAT = SourceFormat(
    name="cursor",
    version=1,
    about="the database of Cursor, and the transcripts of its agents",
    paths=("~/.config/Cursor/User/globalStorage", "~/.cursor/projects"),
    files=("state.vscdb", "*.jsonl"),
    lines=LineFormat(matches=_is_line, parser=_parser),
    database=reader_of(_database),
    prune=prune,
)
