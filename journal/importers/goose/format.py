"""The formats of Goose, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import LineFormat, SourceFormat
from journal.importers.sqlite.declared import prune, reader_of

if TYPE_CHECKING:
    from journal.importers.parsing.parser import Location, Parser
    from journal.importers.parsing.values import Json
    from journal.importers.sqlite.conversations import Conversations


def _is_line(value: Json) -> bool:
    """Return whether this is a line about a session, or a message with a time in seconds."""
    if not isinstance(value, dict):
        return False
    if value.keys() >= {"working_dir", "description"}:
        return "role" not in value
    created = value.get("created")
    return (
        isinstance(value.get("content"), list)
        and isinstance(value.get("role"), str)
        and type(created) is int
        and value.keys() <= {"id", "role", "created", "content", "metadata"}
    )


def _parser(location: Location) -> Parser:
    from journal.importers.goose.lines import GooseLines  # noqa: PLC0415 - loaded to read

    return GooseLines(location)


def _database() -> Conversations:
    from journal.importers.goose.database import GooseDatabase  # noqa: PLC0415 - loaded to read

    return GooseDatabase()


FORMAT = SourceFormat(
    name="goose",
    version=1,
    about="the database of Goose, and the JSONL files of its versions before 1.10",
    paths=("~/.local/share/goose/sessions",),
    files=("sessions.db", "*.jsonl"),
    lines=LineFormat(matches=_is_line, parser=_parser),
    database=reader_of(_database),
    prune=prune,
)
