"""The two stores that are compared: the same class twice, opened on a `state.db` in a folder."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import ExitStack
from importlib import import_module
from pkgutil import extend_path
from typing import TYPE_CHECKING, Any

import tools

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = "HERMES_SOURCES"
"""Environment variable that names the folder with the real `hermes_state.py`."""

Store = Any
"""Hermes's `SessionDB`, or ours; the real one has no types here."""


class Theirs:
    """Hermes's own store: one SQLite database that every process writes to."""

    name = "hermes-agent"

    def load(self) -> None:
        """Import the store, in a worker: elsewhere, names of Hermes's packages may be in use."""
        sys.path.insert(0, os.environ[SOURCES])
        # it has a package `tools`, too, and imports from it: its folder is searched after ours
        tools.__path__ = extend_path(tools.__path__, tools.__name__)
        import_module("hermes_state")

    def open(self, path: Path) -> Store:
        """Open the store."""
        return sys.modules["hermes_state"].SessionDB(path)

    def hold(self, path: Path) -> ExitStack:
        """Hold a write transaction open."""
        held = ExitStack()
        db = sqlite3.connect(path, isolation_level=None, timeout=10)
        held.callback(db.close)
        db.execute("BEGIN IMMEDIATE")
        held.callback(db.execute, "ROLLBACK")
        return held

    hold_all = hold

    def look(self, path: Path) -> ExitStack:
        """Hold a snapshot open."""
        return _snapshot(path, "messages")

    def wals(self, path: Path) -> list[Path]:
        """Return the write-ahead logs."""
        return [path.with_name(f"{path.name}-wal")]

    def stores(self, path: Path) -> list[Path]:
        """Return all stores in the folder."""
        return list(path.parent.glob("*.db"))


class Ours:
    """Our store: every process appends to its own file."""

    name = "agent-journal"

    def load(self) -> None:
        """Import the store."""
        import_module("projector.adapters.hermes")

    def open(self, path: Path) -> Store:
        """Open the store."""
        return sys.modules["projector.adapters.hermes"].SessionDB(path)

    def hold(self, path: Path) -> ExitStack:
        """Hold a lane and the arbiter: all locks of a process that writes and decides."""
        from journal.arbiter import arbitrating  # noqa: PLC0415 - processes of the real store do not load it
        from journal.writer import Journal  # noqa: PLC0415 - same

        held = ExitStack()
        journal = held.enter_context(Journal.open(_journal(path)))
        journal.append_message("held", "user", "this lane is mine")
        held.enter_context(arbitrating(journal.path, 10))
        return held

    def hold_all(self, path: Path) -> ExitStack:
        """Also hold the lock of the projector and a write transaction."""
        from projector.db.generations import generations  # noqa: PLC0415 - same
        from projector.db.process_lock import ProcessLock  # noqa: PLC0415 - same

        held = self.hold(path)
        lock = ProcessLock(generations(_journal(path)).lock)
        if not lock.acquire(timeout=10):
            raise lock.busy()
        held.callback(lock.release)
        db = sqlite3.connect(self._projection(path), isolation_level=None, timeout=10)
        held.callback(db.close)
        db.execute("BEGIN IMMEDIATE")
        held.callback(db.execute, "ROLLBACK")
        return held

    def look(self, path: Path) -> ExitStack:
        """Hold a snapshot open."""
        return _snapshot(self._projection(path), "events")

    def wals(self, path: Path) -> list[Path]:
        """Return the write-ahead logs."""
        return list((_journal(path) / "projection").glob("*-wal"))

    def stores(self, path: Path) -> list[Path]:
        """Return all stores in the folder."""
        return list(path.parent.glob("**/journal.json"))

    def _projection(self, path: Path) -> Path:
        folder = _journal(path) / "projection"
        return folder / f"{(folder / 'CURRENT').read_text().strip()}.db"


def _journal(path: Path) -> Path:
    return path.with_suffix(".journal")


def _snapshot(path: Path, table: str) -> ExitStack:
    held = ExitStack()
    db = sqlite3.connect(path, isolation_level=None, timeout=10)
    held.callback(db.close)
    db.execute("BEGIN")
    db.execute(f"SELECT count(*) FROM {table}").fetchone()
    return held


Side = Theirs | Ours
SIDES: dict[str, type[Theirs | Ours]] = {"theirs": Theirs, "ours": Ours}
