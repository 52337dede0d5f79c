"""The format of hermes-agent's databases, for detection and for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.formats import SourceFormat, loaded_late
from journal.importers.hermes.versions import NEWEST, OLDEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from journal.importers.formats import DatabaseResult


def _reader() -> Callable[..., DatabaseResult]:
    from journal.importers.hermes.reader import read_database  # noqa: PLC0415 - it loads SQLite

    return read_database


def _prune(known: str, is_forgotten: Callable[[str], bool]) -> str:
    from journal.importers.hermes.known_state import KnownState  # noqa: PLC0415 - few need it

    return KnownState.unpack(known).without(is_forgotten).packed()


FORMAT = SourceFormat(
    name="hermes",
    version=3,
    about=f"the database of hermes-agent, schema versions {OLDEST} to {NEWEST},"
    " while Hermes is running, too",
    paths=("~/.hermes/state.db",),
    files=("state.db",),
    database=loaded_late(_reader),
    prune=_prune,
)
