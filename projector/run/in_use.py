"""The generation in use: which one it is, and a connection that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.process import clock
from journal.process.fork import follow
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
"""Gives the highest order of an event that is applied."""


class InUse:
    """The generation in use, and a connection to it that changes over when another is published.

    Between two looks nothing is opened again: CURRENT is replaced as a whole, so its inode and its
    time tell whether it names the generation that it named before.

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
        follow(self)

    def after_fork_in_child(self) -> None:
        """Leave the connection to the parent; the next query opens another."""
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
            # the look at the version comes first: what is replaced behind it is found at the next
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
            # a file that was deleted and made anew has the old one's name, and not its identity
            file = identity(path)
            same = number == self._opened and file == self._file and self.is_still()
            if self._db is not None and same:
                return self._db
            self.close()
            try:
                self._db, self._stamp = open_on_any_medium(path, self._journal.uuid)
            except ProjectionError:
                if self.generations.current() == number:
                    raise
                continue  # it was replaced between the two looks
            functions.register(self._db)
            self._opened, self._file = number, file
            clock.of(self._journal.path).observe(self._db.execute(LATEST).get)
            return self._db
        self.close()
        return None

    def is_still(self) -> bool:
        """Say whether the database is as it was when it was opened as one that never changes."""
        return self._stamp is None or stamp(self.path) == self._stamp

    def close(self) -> None:
        """Close the connection; again does nothing."""
        db, self._db = self._db, None
        if db is not None:
            db.close()


def identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another of its name, device and inode; None if it is gone."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
