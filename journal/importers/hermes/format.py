"""The format of hermes-agent's databases, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import LineFormat, SourceFormat, listed_documents, loaded_late
from journal.importers.hermes.versions import NEWEST, OLDEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from journal.importers.formats import DatabaseResult
    from journal.importers.parsing.parser import Location, Parser
    from journal.importers.parsing.values import Json


def _reader() -> Callable[..., DatabaseResult]:
    from journal.importers.hermes.reader import read_database  # noqa: PLC0415 - it loads SQLite

    return read_database


def _prune(known: str, is_forgotten: Callable[[str], bool]) -> str:
    from journal.importers.hermes.known_state import KnownState  # noqa: PLC0415 - few need it

    return KnownState.unpack(known).without(is_forgotten).packed()


_EXPORTED = frozenset({"id", "source", "started_at", "message_count", "messages"})
"""Keys of a session in an export."""


def _is_export(value: Json) -> bool:
    return isinstance(value, dict) and value.keys() >= _EXPORTED


def _parser(location: Location) -> Parser:
    from journal.importers.hermes.exported import HermesExport  # noqa: PLC0415 - loaded to read

    return HermesExport(location)


FORMAT = SourceFormat(
    name="hermes",
    version=3,
    about=f"the database of hermes-agent, schema versions {OLDEST} to {NEWEST},"
    " while Hermes is running, too; what `hermes sessions export` writes",
    paths=("~/.hermes/state.db",),
    files=("state.db",),
    lines=LineFormat(matches=_is_export, parser=_parser, is_envelope=_is_export),
    documents=listed_documents(_EXPORTED, _parser),
    database=loaded_late(_reader),
    prune=_prune,
)
