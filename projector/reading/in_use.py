"""The generation in use: which one it is, and a connection that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.process import clock
from journal.process.fork import register
from projector.db.connections import is_open
from projector.db.fork_safety import keep_inherited
from projector.db.read_only import open_on_any_medium, stamp
from projector.errors import ProjectionError
from projector.search import functions

if TYPE_CHECKING:
    from pathlib import Path

    import apsw

    from journal.fs.directory import Directory
    from projector.db.generations import Generations
    from projector.db.read_only import Stamp

LATEST = "SELECT value FROM _meta WHERE key = 'latest'"
"""Selects the highest order of an applied event."""


class InUse:
    """The generation in use, and a connection to it, replaced when another one is published.

    CURRENT is always replaced as a whole. If its inode and its time of change are unchanged, so is
    the number in it, and nothing is opened again.

    Attributes:
        generations: the generations of the journal.
    """

    def __init__(self, journal: Directory, generations: Generations) -> None:
        self._journal = journal
        self.generations = generations
        self._version: tuple[int, int, int] | None = None
        self._number: int | None = None
        self._db: apsw.Connection | None = None
        self._opened = 0
        self._file: tuple[int, int] | None = None
        self._stamp: Stamp | None = None
        register(self)

    def after_fork_in_child(self) -> None:
        """Keep the parent's connection unused; the next query opens another."""
        keep_inherited()
        self._db = None

    @property
    def path(self) -> Path:
        """The file that was opened last."""
        return self.generations.path(self._opened)

    def number(self) -> int | None:
        """Return the number of the generation in use; None if there is none.

        Raises:
            ProjectionDamaged: CURRENT does not name one.
            ProjectionError: CURRENT cannot be read.
        """
        version = self.generations.version()
        if version is None or version != self._version:
            # read the version first: a replacement after that is found at the next call
            self._number = self.generations.current()
            self._version = version
        return self._number

    def connection(self) -> apsw.Connection | None:
        """Return a connection that reads the generation in use; None if there is none.

        Raises:
            ProjectionError: the projection cannot be opened.
        """
        while (number := self.number()) is not None:
            path = self.generations.path(number)
            # a file that was deleted and made again has the same name and another identity
            file = identity(path)
            same = number == self._opened and file == self._file and self.is_still()
            if self._db is not None and same and is_open(self._db):
                return self._db
            self.close()
            try:
                self._db, self._stamp = open_on_any_medium(path, self._journal.uuid)
            except ProjectionError:
                if self.generations.current() == number:
                    raise
                continue  # it was replaced meanwhile
            functions.register(self._db)
            self._opened, self._file = number, file
            clock.of(self._journal.path).observe(self._db.execute(LATEST).get)
            return self._db
        self.close()
        return None

    @property
    def sees_changes(self) -> bool:
        """Whether the connection sees what a projector commits; a copy of the files does not."""
        return self._stamp is None

    def is_still(self) -> bool:
        """Return whether a database that was opened as unchanging has not changed."""
        return self._stamp is None or stamp(self.path) == self._stamp

    def close(self) -> None:
        """Close the connection; again does nothing."""
        db, self._db = self._db, None
        if db is not None:
            db.close()


def identity(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of the file at a path; None if there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
