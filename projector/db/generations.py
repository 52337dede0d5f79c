"""Generations: builds of the projection, and which of them is in use.

::

    <journal>/projection/CURRENT    number of the generation in use
    <journal>/projection/<n>.db     SQLite
    <journal>/projection/lock       held by the one projector; says who it is
    <journal>/projection/build.lock held while a generation is built

In a journal that version 0.1.0 made and may still use, these files are that program's, and ours are
in `<journal>/projection/<version of the schema>/`: neither can read what the other builds, and each
question would have it built anew.
"""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from journal.errors import NotAJournalError
from journal.format.record import FORMAT
from journal.fs import disk
from journal.fs.directory import format_of, make_folder, replace_file, sweep_drafts
from journal.fs.lock import is_at, lock, lock_again, unlock
from journal.fs.ownership import Untrusted, check_folder, open_own, read_own
from journal.process.fork import follow, no_fork
from projector.db.schema import SCHEMA, SUFFIXES
from projector.errors import ProjectionDamaged, ProjectionError, ProjectorBusy

if TYPE_CHECKING:
    from pathlib import Path

CURRENT = "CURRENT"
_SUFFIX = ".db"
_MOST = 4096
"""Bytes that CURRENT, and what a lock file says, may have."""
_HIGHEST = 2**53
_GRACE = 60.0
"""Seconds that an old generation stays for the queries that are still running on it."""


@dataclass(frozen=True, slots=True)
class Generations:
    """The generations of one journal, in its folder `projection`."""

    folder: Path

    def version(self) -> tuple[int, int, int] | None:
        """Return what changes whenever CURRENT is replaced; None if there is none to be seen."""
        try:
            status = os.lstat(self.folder / CURRENT)
        except OSError:  # `current` says what is the matter
            return None
        return status.st_ino, status.st_size, status.st_ctime_ns

    def current(self) -> int | None:
        """Return the number of the generation in use; None if there is none.

        Raises:
            ProjectionDamaged: CURRENT does not name one.
            ProjectionError: CURRENT cannot be read.
        """
        try:
            number = int(read_own(self.folder / CURRENT, _MOST))
            if not 0 < number < _HIGHEST:
                raise ValueError("its number is out of range")  # noqa: TRY301 - told below
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ProjectionError(
                f"cannot read {self.folder / CURRENT}: {error.strerror or error};"
                " move it away, then run `projector rebuild`"
            ) from error
        except ValueError as error:
            raise ProjectionDamaged(
                f"{self.folder / CURRENT} names no generation: {error}; run `projector rebuild`"
            ) from error
        return number

    @property
    def lock(self) -> Path:
        """The lock file of the one projector."""
        return self.folder / "lock"

    @property
    def build_lock(self) -> Path:
        """The lock file of the one build."""
        return self.folder / "build.lock"

    def path(self, number: int) -> Path:
        """Return the file of a generation."""
        return self.folder / f"{number}{_SUFFIX}"

    def next(self) -> int:
        """Return a number that no generation has had."""
        return max([self.in_use(), *self._numbers()], default=0) + 1

    def in_use(self) -> int:
        """Return the number in use; 0 if there is none, or CURRENT does not name one.

        Raises:
            ProjectionError: CURRENT cannot be read: who knows what is in use.
        """
        try:
            return self.current() or 0
        except ProjectionDamaged:
            return 0

    def _numbers(self) -> list[int]:
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:  # somebody took the projection away
            return []
        stems = (name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
        return [int(stem) for stem in stems if stem.isascii() and stem.isdigit()]

    def publish(self, number: int) -> None:
        """Make a finished generation the one in use: readers change over at their next query.

        Raises:
            ProjectionError: the file system refuses; the old one stays in use.
        """
        try:
            _sync_file(self.path(number))
            sweep_drafts(self.folder)
            replace_file(self.folder / CURRENT, b"%d\n" % number)
        except OSError as error:
            raise ProjectionError(f"cannot publish generation {number}: {error}") from error

    def remove_old(self, current: int) -> bool:
        """Remove earlier generations, once no query can still be running on them.

        Returns:
            Whether that was so: there are none from now on.
        """
        try:
            since = time.time() - (self.folder / CURRENT).stat().st_mtime
        except FileNotFoundError:  # somebody took the projection away
            return False
        if since <= _GRACE:
            return False
        for number in self._numbers():
            if number < current:
                self.remove(number)
        return True

    def remove_unpublished(self) -> None:
        """Remove what a build that died left behind; only for the holder of the build lock."""
        current = self.in_use()
        for number in self._numbers():
            if number > current:
                self.remove(number)

    def remove(self, number: int) -> None:
        """Remove one generation's files."""
        for suffix in SUFFIXES:
            path = self.path(number)
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def generations(journal: Path) -> Generations:
    """Return the generations of the journal at `journal`, making their folder if need be.

    Raises:
        ProjectionError: the folder cannot be made.
    """
    kept = find_generations(journal)
    try:
        if kept.folder.parent != journal:
            make_folder(kept.folder.parent)
        make_folder(kept.folder)
    except OSError as error:
        raise ProjectionError(f"cannot make {kept.folder}: {error.strerror or error}") from error
    return kept


def find_generations(journal: Path) -> Generations:
    """Return the generations of the journal at `journal`, and make nothing.

    Raises:
        ProjectionError: SQLite cannot be given their path.
    """
    folder = _folder(journal)
    try:
        str(folder).encode()
    except UnicodeEncodeError as error:
        raise ProjectionError(
            f"SQLite needs a path in UTF-8, and {folder!r} is none; move the journal"
        ) from error
    try:
        if folder.parent != journal:
            check_folder(folder.parent)
        check_folder(folder)
    except FileNotFoundError:
        pass
    except Untrusted as error:
        raise ProjectionError(
            f"cannot use the projection: {error.strerror}, or move it away: it is built anew"
        ) from error
    except OSError as error:
        raise ProjectionError(f"cannot look at {folder}: {error.strerror or error}") from error
    return Generations(folder)


def _folder(journal: Path) -> Path:
    folder = journal / "projection"
    try:
        is_shared = format_of(journal) < FORMAT
    except NotAJournalError:  # it was moved away, or its mark was
        is_shared = False
    return folder / str(SCHEMA) if is_shared else folder


def _sync_file(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        disk.in_use.fsync(fd)
    finally:
        os.close(fd)


class OnlyOne:
    """A lock that makes one process the only one to do something; a dead one's is freed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self._is_held = False
        follow(self)

    def after_fork_in_child(self) -> None:
        """Hold nothing: the lock belongs to the parent, and its file was closed here."""
        self._fd, self._is_held = -1, False

    def __del__(self) -> None:
        """Close the file of a lock that was dropped."""
        self.release()

    def take(self, patience: float = 0.0) -> bool:
        """Try to become the one for `patience` seconds: another's look at the lock is soon over.

        Raises:
            ProjectionError: the lock file cannot be used.
        """
        if self._is_held and self.is_there():
            return True
        if not self.is_kept():
            self.release()
        until = time.monotonic() + patience
        while (fd := self._try()) is None:
            if time.monotonic() >= until:
                return False
            time.sleep(0.01)
        self._fd, self._is_held = fd, True
        try:
            self._sign(fd)
        except OSError as error:
            self.release()
            raise ProjectionError(
                f"cannot write {self._path}: {error.strerror or error}"
            ) from error
        except BaseException:
            self.release()
            raise
        return True

    @staticmethod
    def _sign(fd: int) -> None:
        """Say in the lock file who is the one."""
        who = {"pid": os.getpid(), "host": platform.node(), "since": time.time_ns() // 1000}
        os.ftruncate(fd, 0)
        os.pwrite(fd, orjson.dumps(who) + b"\n", 0)

    def _try(self) -> int | None:
        """Lock the file and return its descriptor; None if somebody else holds it."""
        try:
            if self._fd >= 0:
                return self._fd if lock_again(self._fd) else None
            with no_fork.turn:
                fd = lock(disk.open_lock_file(self._path))
            if fd is not None and not is_at(fd, self._path):
                os.close(fd)  # it was removed between the two: another may hold what is there now
                return None
        except OSError as error:
            raise ProjectionError(f"cannot lock {self._path}: {error.strerror or error}") from error
        return fd

    def is_there(self) -> bool:
        """Say whether this is the one still: if the lock file was removed, another can be.

        Raises:
            ProjectionError: the file system does not say.
        """
        return self._is_held and self.is_kept()

    def is_kept(self) -> bool:
        """Say whether the lock file is open, and still the one at its path.

        Raises:
            ProjectionError: the file system does not say.
        """
        try:
            return self._fd >= 0 and is_at(self._fd, self._path)
        except OSError as error:
            raise ProjectionError(
                f"cannot look at {self._path}: {error.strerror or error}"
            ) from error

    def check(self) -> None:
        """Go on only as the one.

        Raises:
            ProjectorBusy: the lock file was removed or replaced, and another may be the one.
        """
        if not self.is_there():
            raise ProjectorBusy(
                f"{self._path} was removed or replaced while it was held: another process may be at"
                " work; try again"
            )

    def release(self) -> None:
        """Stop being the one, and close the file; again does nothing."""
        fd, self._fd, self._is_held = self._fd, -1, False
        if fd >= 0:
            os.close(fd)

    def rest(self) -> None:
        """Stop being the one, and keep the file open for the next time; again does nothing."""
        if self._is_held:
            self._is_held = False
            unlock(self._fd)

    def is_taken(self) -> bool:
        """Say whether somebody is the one, this process included."""
        if self._is_held:
            return True
        try:
            # to look needs no right to write: the journal may lie on a read-only medium
            with no_fork.turn:
                fd = lock(open_own(self._path))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise ProjectionError(f"cannot lock {self._path}: {error.strerror or error}") from error
        if fd is None:
            return True
        os.close(fd)
        return False

    def busy(self) -> ProjectorBusy:
        """Return the error that says who runs."""
        try:
            who = orjson.loads(read_own(self._path, _MOST))
            name = f"process {who['pid']} on {who['host']}"
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
            name = "another process"
        return ProjectorBusy(
            f"{name} holds {self._path}: a journal has one projector at a time, and one build"
        )
