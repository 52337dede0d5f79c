"""The outbox: rows of messages that a sink does not have as they are now.

It is filled in the transactions of the projection, and only where a sink is configured
(`sink.toml` in the journal's folder). What sends them (`projector.sink.drain`) writes how far it
has come into a file beside the database, and the projector removes what was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from journal.fs.files import swap_file
from journal.fs.ownership import read_own
from projector.db.schema import OUTBOX
from projector.errors import ProjectionError

if TYPE_CHECKING:
    from pathlib import Path

    import apsw

CONFIG = "sink.toml"
"""Name of the configuration of a sink in the journal's folder."""
PROGRESS = "sink.json"
"""Name of the file beside a database that says what of it was sent."""
_MOST = 4096


@dataclass(frozen=True, slots=True)
class Progress:
    """What a sink has of a database.

    Attributes:
        form: version of what its documents are made of.
        build: uuid of the build of the database.
        table: what identifies the table of the sink.
        base: version of the documents of the first pass; those of the outbox have this plus their
            position.
        scanned: rowid of the last message that the first pass has sent; None if it is done.
        position: last position of the outbox that was sent.
    """

    form: int
    build: str
    table: str
    base: int
    scanned: int | None
    position: int

    def has_sent(self, build: str | None) -> bool:
        """Return whether all messages that a build had were sent, and what it lacked is erased."""
        return self.scanned is None and self.build == build

    def save(self, folder: Path) -> None:
        """Write it into the folder of the database.

        Raises:
            ProjectionError: the file system refuses.
        """
        try:
            swap_file(folder / PROGRESS, orjson.dumps(self))
        except OSError as error:
            raise ProjectionError(f"cannot write {folder / PROGRESS}: {error}") from error


def read_progress(folder: Path) -> Progress | None:
    """Return what was sent of the database in a folder; None if that is not known.

    Then all is sent again, so a file that cannot be understood is like none.

    Raises:
        ProjectionError: the file cannot be read.
    """
    try:
        return Progress(**orjson.loads(read_own(folder / PROGRESS, _MOST)))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return None
    except OSError as error:
        raise ProjectionError(f"cannot read {folder / PROGRESS}: {error}") from error


class Outbox:
    """Keeps the outbox of one generation: on where a sink is configured, and short."""

    def __init__(self, db: apsw.Connection, journal: Path, folder: Path) -> None:
        self._db = db
        self._config = journal / CONFIG
        self._folder = folder
        self._stamp: tuple[int, int] | None = None

    def arrange(self) -> bool:
        """Begin or end to fill the outbox, and remove what was sent.

        Returns:
            Whether it began or ended.

        Raises:
            apsw.Error: the database refuses.
            ProjectionError: what was sent cannot be read.
        """
        is_wanted = self._config.exists()
        query = "SELECT value FROM _meta WHERE key = ?"
        is_on = self._db.execute(query, (OUTBOX,)).get is not None
        if is_on and is_wanted:
            self._remove_sent()
        elif is_wanted:
            self._db.execute("INSERT INTO _meta(key, value) VALUES(?, 1)", (OUTBOX,))
        elif is_on:
            with self._db:
                self._db.execute("DELETE FROM _meta WHERE key = ?", (OUTBOX,))
                self._db.execute("DELETE FROM _outbox")
        return is_on != is_wanted

    def _remove_sent(self) -> None:
        try:
            status = (self._folder / PROGRESS).stat()
        except FileNotFoundError:
            return
        stamp = status.st_ino, status.st_mtime_ns
        if stamp == self._stamp:
            return
        self._stamp = stamp
        sent = read_progress(self._folder)
        if sent is not None and sent.build == build_of(self._db):
            self._db.execute("DELETE FROM _outbox WHERE position <= ?", (sent.position,))


def build_of(db: apsw.Connection) -> str:
    """Return the uuid of the build of a database.

    Raises:
        apsw.Error: the database refuses.
    """
    return str(db.execute("SELECT value FROM _meta WHERE key = 'build'").get)
