"""Declares a database of conversations in the format of its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from journal.importers.formats import DatabaseReader, DatabaseResult, ItemWriter
    from journal.importers.sqlite.conversations import Conversations


def reader_of(load: Callable[[], Conversations]) -> DatabaseReader:
    """Return the reader of databases of a source; `load` imports the source's module."""

    def read(
        path: Path,
        known: str,
        writer: ItemWriter,
        *,
        reread: bool = False,
        first: bool = True,
        step: Callable[[int], None] = lambda _offset: None,
    ) -> DatabaseResult:
        from journal.importers.sqlite.reader import read_conversations  # noqa: PLC0415 - SQLite

        return read_conversations(
            load(), path, known, writer, reread=reread, first=first, step=step
        )

    return read


def prune(known: str, is_forgotten: Callable[[str], bool]) -> str:
    """Return `DatabaseResult.known` without the sessions that were forgotten."""
    from journal.importers.sqlite.known import KnownDatabase  # noqa: PLC0415 - few need it

    return KnownDatabase.unpack(known).without(is_forgotten).packed()
