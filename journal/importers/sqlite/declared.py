"""Declares a database of conversations in the format of its source."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from journal.importers.formats import loaded_late

if TYPE_CHECKING:
    from collections.abc import Callable

    from journal.importers.formats import DatabaseReader, DatabaseResult
    from journal.importers.sqlite.conversations import Conversations


def reader_of(load: Callable[[], Conversations]) -> DatabaseReader:
    """Return the reader of databases of a source; `load` imports the source's module."""

    def loaded() -> Callable[..., DatabaseResult]:
        from journal.importers.sqlite.reader import read_conversations  # noqa: PLC0415 - SQLite

        return partial(read_conversations, load())

    return loaded_late(loaded)


def prune(known: str, is_forgotten: Callable[[str], bool]) -> str:
    """Return `DatabaseResult.known` without the sessions that were forgotten."""
    from journal.importers.sqlite.known import KnownDatabase  # noqa: PLC0415 - few need it

    return KnownDatabase.unpack(known).without(is_forgotten).packed()
