"""The handle that Hermes's methods share: it opens the journal and its projection."""

from __future__ import annotations

import logging
import sqlite3
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self, TypeVar, Unpack

from journal import NotAJournalError
from projector.errors import NotProjected
from projector.projection import Projection
from projector.store import SessionStore
from projector.store.written_order import WrittenOrder

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable

    import apsw

    from projector.store.fields import SessionFields

Answer = TypeVar("Answer")

_log = logging.getLogger("projector")

_SCHEMA = 11
"""Version of the schema of Hermes 0.13."""
_MARK = "journal.json"
"""The file that makes a folder a journal."""

_EXISTS = "SELECT 1 FROM sessions WHERE session = ?"


class Base:
    """A handle like Hermes's, on a journal. Safe for threads; garbage collection closes it.

    Attributes:
        redact: whether handles replace secrets by marks before they write. To store secrets, set
            `SessionDB.redact = False` before Hermes starts, or call `install(redact=False)`.
        db_path: the path that was given; the journal is `journal_of` it.
        read_only: whether writing is refused.
    """

    redact: ClassVar[bool] = True

    def __init__(
        self, db_path: str | os.PathLike[str] | None = None, read_only: bool = False
    ) -> None:
        """Open the journal that belongs to a database of Hermes; create it if there is none.

        Args:
            db_path: path of the database; None means `state.db` in Hermes's home. A folder that
                is a journal is opened itself.
            read_only: refuse to write; the journal must exist.

        Raises:
            sqlite3.OperationalError: `read_only`, and there is no journal.
            JournalOpenError, LeaseError, RedactionError: as `SessionStore.open`.
        """
        self.db_path = path = _default_path() if db_path is None else Path(db_path)
        self.read_only = read_only
        self._writable: SessionStore | None = None
        self._written_order: WrittenOrder | None = None
        self._ensured: dict[str, object] = {}
        self._routed: set[str] = set()
        try:
            if read_only:
                self._projection = _open_existing(journal_of(path))
            else:
                self._writable = SessionStore.open(journal_of(path), redact=self.redact)
                self._projection = self._writable.projection
        except Exception as error:
            _report_to_hermes(error)
            raise
        if db_path is None:
            self.db_path = path.expanduser()

    @property
    def _is_later(self) -> bool:
        """Whether the Hermes that is loaded is later than 0.13: some of its rules differ."""
        hermes = sys.modules.get("hermes_state")
        return hermes is not None and hermes.SCHEMA_VERSION > _SCHEMA

    @property
    def _store(self) -> SessionStore:
        """The store to write with.

        Raises:
            sqlite3.OperationalError: the handle is read-only.
        """
        if self._writable is None:
            raise sqlite3.OperationalError("attempt to write a readonly database")
        return self._writable

    @property
    def _order(self) -> WrittenOrder:
        """The order in which this handle writes messages.

        Raises:
            sqlite3.OperationalError: the handle is read-only.
        """
        if self._written_order is None:
            self._written_order = WrittenOrder(self._store)
        return self._written_order

    def _read(self, query: Callable[[apsw.Connection], Answer]) -> Answer:
        """Query the projection; the answer includes what this handle has written.

        If the running projector does not apply that in time, the answer comes without it: an
        agent's search must not fail because the projector hangs.

        Raises:
            ProjectionError: as `SessionStore.read`.
        """
        if self._writable is not None:
            try:
                return self._writable.read(query)[0]
            except NotProjected as error:
                _log.warning("the answer lacks this handle's last events: %s", error)
        return self._projection.read(query)[0]

    def _is_there(self, session: str) -> bool:
        """Return whether there is a session: Hermes's updates do nothing where there is none.

        True also where the projection is behind and does not know the session: the update must
        not be lost, nor wait for the projector.
        """

        def query(db: apsw.Connection) -> bool:
            return db.execute(_EXISTS, (session,)).get is not None

        found, is_fresh = self._projection.read(query)
        return found or not is_fresh

    def _revise(
        self, session: str, *, clear: Iterable[str] = (), **fields: Unpack[SessionFields]
    ) -> bool:
        """Change a session as `SessionStore.revise` if it exists; return whether it does."""
        store = self._store
        is_there = self._is_there(session)
        if is_there:
            store.revise(session, clear=clear, **fields)
        return is_there

    def close(self) -> None:
        """Sync and close everything; again does nothing."""
        if self._writable is not None:
            self._writable.close()
        else:
            self._projection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self, is_ending: Callable[[], bool] = sys.is_finalizing) -> None:
        # at exit the journal is closed already, and a lock that a stopped thread holds is never
        # released: closing would wait for it forever
        if not is_ending() and hasattr(self, "_projection"):
            self.close()


def journal_of(db_path: Path) -> Path:
    """Return the journal of a database: beside it, or the path itself if it is a journal."""
    return db_path if (db_path / _MARK).exists() else db_path.with_suffix(".journal")


def _open_existing(path: Path) -> Projection:
    try:
        return Projection.open(path)
    except NotAJournalError as error:
        raise sqlite3.OperationalError(f"unable to open database file: {error}") from error


def _default_path() -> Path:
    try:
        home = import_module("hermes_constants").get_hermes_home()
    except ImportError:
        home = "~/.hermes"  # the journal expands it, and raises an error if HOME is wrong
    return Path(home) / "state.db"


def _report_to_hermes(error: Exception) -> None:
    """Store the reason where Hermes's commands look for it."""
    hermes = sys.modules.get("hermes_state")
    if hermes is not None:
        hermes._set_last_init_error(f"{type(error).__name__}: {error}")  # noqa: SLF001 - Hermes's own way
