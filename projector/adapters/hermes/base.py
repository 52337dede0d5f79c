"""The handle that all of Hermes's methods work on: where its journal is, and how it is asked."""

from __future__ import annotations

import logging
import sqlite3
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar, Unpack

from journal.errors import NotAJournalError
from journal.fs.directory import MARK
from journal.fs.location import expanded
from journal.process.fork import follow
from projector.errors import NotProjected
from projector.projection import Projection
from projector.store import SessionStore

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable

    import apsw

    from projector.adapters.hermes.rows.order import Last
    from projector.store.fields import SessionFields

Answer = TypeVar("Answer")

_log = logging.getLogger("projector")

_SCHEMA = 11
"""Version of the schema of Hermes 0.13."""

_EXISTS = "SELECT 1 FROM sessions WHERE session = ? AND (known OR said > 0)"


class Base:
    """A handle like Hermes's, on a journal. Safe for threads; closed when it is forgotten.

    Attributes:
        db_path: the path that was given; the journal is `journal_of` it.
        read_only: whether writing is refused.
    """

    def __init__(
        self, db_path: str | os.PathLike[str] | None = None, read_only: bool = False
    ) -> None:
        """Open the journal that belongs to a database of Hermes, making it where there is none.

        Args:
            db_path: of the database; None means `state.db` in Hermes's home. A folder that is a
                journal is that journal.
            read_only: refuse to write; the journal must be there.

        Raises:
            sqlite3.OperationalError: `read_only`, and there is no journal.
            JournalOpenError, LeaseError: as `SessionStore.open`.
        """
        self.db_path = _default_path() if db_path is None else Path(db_path)
        self.read_only = read_only
        self._lock = threading.RLock()
        follow(self)
        self._own: SessionStore | None = None
        self._ensured: dict[str, object] = {}
        self._routed: set[str] = set()
        self._tails: dict[str, Last] = {}
        path = journal_of(self.db_path)
        try:
            if read_only:
                self._projection = _open_existing(path)
            else:
                self._own = SessionStore.open(path)
                self._projection = self._own.projection
        except Exception as error:
            _tell_hermes(error)
            raise

    def after_fork_in_child(self) -> None:
        """Wait for no thread of the parent."""
        self._lock = threading.RLock()

    @property
    def _is_later(self) -> bool:
        """Whether the Hermes that is loaded is later than 0.13: some of its rules are others."""
        hermes = sys.modules.get("hermes_state")
        return hermes is not None and hermes.SCHEMA_VERSION > _SCHEMA

    @property
    def _store(self) -> SessionStore:
        """The store to write with.

        Raises:
            sqlite3.OperationalError: the handle is read-only.
        """
        if self._own is None:
            raise sqlite3.OperationalError("attempt to write a readonly database")
        return self._own

    def _read(self, query: Callable[[apsw.Connection], Answer]) -> Answer:
        """Ask the projection; it knows what this handle has written.

        Where a projector stands still, it is asked all the same, after a while: an agent's search
        must go on, and what is missing is missing in Hermes's own store too until it is written.

        Raises:
            ProjectionError: as `SessionStore.read`.
        """
        if self._own is not None:
            try:
                return self._own.read(query)[0]
            except NotProjected as error:
                _log.warning("answering without what was written last: %s", error)
        return self._projection.read(query)[0]

    def _is_there(self, session: str) -> bool:
        """Say whether there is a session: Hermes's updates do nothing where there is none.

        A projector that is behind is no reason to wait for long, or to lose what is to be
        written: a session that it does not know yet is taken to be there.
        """

        def query(db: apsw.Connection) -> bool:
            return db.execute(_EXISTS, (session,)).get is not None

        found, is_fresh = self._projection.read(query)
        return found or not is_fresh

    def _revise(
        self, session: str, *, clear: Iterable[str] = (), **fields: Unpack[SessionFields]
    ) -> bool:
        """Change a session as `SessionStore.revise`, if it is there; say if it is."""
        store = self._store
        is_there = self._is_there(session)
        if is_there:
            store.revise(session, clear=clear, **fields)
        return is_there

    def close(self) -> None:
        """Sync and close everything; again does nothing."""
        if self._own is not None:
            self._own.close()
        else:
            self._projection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self, is_ending: Callable[[], bool] = sys.is_finalizing) -> None:
        # an interpreter that ends has closed the journal, and stopped its threads where they
        # were: a lock that one of them had is never free again
        if not is_ending() and hasattr(self, "_projection"):
            self.close()


def journal_of(db_path: Path) -> Path:
    """Return the journal that stands in for a database: beside it, or the folder itself."""
    return db_path if (db_path / MARK).exists() else db_path.with_suffix(".journal")


def _open_existing(path: Path) -> Projection:
    try:
        return Projection.open(path)
    except NotAJournalError as error:
        raise sqlite3.OperationalError(f"unable to open database file: {error}") from error


def _default_path() -> Path:
    try:
        home = import_module("hermes_constants").get_hermes_home()
    except ImportError:
        home = expanded("~/.hermes")
    return Path(home) / "state.db"


def _tell_hermes(error: Exception) -> None:
    """Leave the reason where Hermes's commands look for it."""
    hermes = sys.modules.get("hermes_state")
    if hermes is not None:
        hermes._set_last_init_error(f"{type(error).__name__}: {error}")  # noqa: SLF001 - Hermes's own way
