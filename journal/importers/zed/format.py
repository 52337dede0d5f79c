"""The format of Zed's database, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import SourceFormat
from journal.importers.sqlite.declared import prune, reader_of

if TYPE_CHECKING:
    from journal.importers.sqlite.conversations import Conversations


def _database() -> Conversations:
    from journal.importers.zed.database import ZedDatabase  # noqa: PLC0415 - loaded to read

    return ZedDatabase()


FORMAT = SourceFormat(
    name="zed",
    version=1,
    about="the database of the agent in Zed",
    paths=("~/.local/share/zed/threads",),
    files=("threads.db",),
    database=reader_of(_database),
    prune=prune,
)
