"""The format of Crush's databases, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import SourceFormat
from journal.importers.sqlite.declared import prune, reader_of

if TYPE_CHECKING:
    from journal.importers.sqlite.conversations import Conversations


def _database() -> Conversations:
    from journal.importers.crush.database import CrushDatabase  # noqa: PLC0415 - loaded to read

    return CrushDatabase()


FORMAT = SourceFormat(
    name="crush",
    version=1,
    about="the databases of Crush, one for each project",
    paths=("~/.local/share/crush",),
    files=("crush.db",),
    database=reader_of(_database),
    prune=prune,
)
