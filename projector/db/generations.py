"""Generations: builds of the projection, and which of them is in use.

::

    <journal>/projection/CURRENT    number of the generation in use
    <journal>/projection/<n>.db     SQLite
    <journal>/projection/lock       held by the projector; names its process
    <journal>/projection/build.lock held while a generation is built
    <journal>/projection/part-03-of-16/  the same files of one part of the sessions

In a journal that version 0.1.0 made and may still use, these files are that program's, and ours are
in `<journal>/projection/<version of the schema>/`. Neither can read what the other builds: with one
folder for both, each query would rebuild it.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from journal.errors import NotAJournalError
from journal.format.record import FORMAT
from journal.fs import disk
from journal.fs.directory import format_of
from journal.fs.files import make_folder, replace_file, sweep_drafts
from journal.fs.ownership import Untrusted, check_folder, read_own
from projector.db.connections import SUFFIXES
from projector.db.schema import SCHEMA
from projector.errors import ProjectionDamaged, ProjectionError
from projector.fold.part import Part

if TYPE_CHECKING:
    from pathlib import Path

    from journal.fs.directory import Directory


CURRENT = "CURRENT"

PROJECTION = "projection"
"""The folder of the projection in that of the journal."""

_SUFFIX = ".db"

_MOST = 4096
"""Bytes of CURRENT that are read."""

_HIGHEST = 2**53

_GRACE = 60.0
"""Seconds that an old generation stays for the queries that are still running on it."""


@dataclass(frozen=True, slots=True)
class Generations:
    """The generations of one journal, in its folder `projection`."""

    folder: Path

    def version(self) -> tuple[int, int, int] | None:
        """Return a value that changes when CURRENT is replaced; None if there is no CURRENT."""
        try:
            status = os.lstat(self.folder / CURRENT)
        except OSError:  # `current` raises the error
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
                raise ValueError("its number is out of range")  # noqa: TRY301 - handled below
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
        """Return a number that no generation has."""
        return max([self.in_use(), *self._numbers()], default=0) + 1

    def in_use(self) -> int:
        """Return the number in use; 0 if there is none, or CURRENT does not name one.

        Raises:
            ProjectionError: CURRENT cannot be read: a generation in use could be removed.
        """
        try:
            return self.current() or 0
        except ProjectionDamaged:
            return 0

    def _numbers(self) -> list[int]:
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:  # the projection was removed
            return []
        stems = (name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
        return [int(stem) for stem in stems if stem.isascii() and stem.isdigit()]

    def publish(self, number: int) -> None:
        """Publish a complete generation: readers notice at their next query."""
        try:
            _sync_file(self.path(number))
            sweep_drafts(self.folder)
            replace_file(self.folder / CURRENT, b"%d\n" % number)
        except OSError as error:
            raise ProjectionError(f"cannot publish generation {number}: {error}") from error

    def remove_old(self, current: int) -> bool:
        """Remove earlier generations, if no query can still run on them.

        Returns:
            Whether they were removed.
        """
        try:
            since = time.time() - (self.folder / CURRENT).stat().st_mtime
        except FileNotFoundError:  # the projection was removed
            return False
        if since <= _GRACE:
            return False
        self.remove_earlier(current)
        return True

    def remove_earlier(self, current: int) -> None:
        """Remove earlier generations at once: a query that runs on one keeps its files open."""
        for number in self._numbers():
            if number < current:
                self.remove(number)

    def unpublished(self) -> int | None:
        """Return the highest number of a generation that was not put into use; None without one."""
        return max((n for n in self._numbers() if n > self.in_use()), default=None)

    def remove_unpublished(self) -> None:
        """Remove the files of a build that died; the caller holds the build lock."""
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
    """Return the generations of the journal at `journal`; make their folder if it is missing.

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
    """Return the generations of the journal at `journal`; make no folder.

    Raises:
        ProjectionError: SQLite cannot open their path, or the folder is not safe to use.
    """
    folder = _folder(journal)
    try:
        str(folder).encode()
    except UnicodeEncodeError as error:
        raise ProjectionError(
            f"SQLite needs a path in UTF-8, which {folder!r} is not; move the journal"
        ) from error
    try:
        if folder.parent != journal:
            check_folder(folder.parent)
        check_folder(folder)
    except FileNotFoundError:
        pass
    except Untrusted as error:
        raise ProjectionError(
            f"cannot use the projection: {error.strerror}, or move it away: it is rebuilt"
        ) from error
    except OSError as error:
        raise ProjectionError(f"cannot look at {folder}: {error.strerror or error}") from error
    return Generations(folder)


def part_folder(journal: Path, part: Part) -> Path:
    """Return the folder of a part in that of the projection of a journal."""
    return journal / PROJECTION / part.folder


def with_part(journal: Directory, part: Part | None) -> Directory:
    """Return a journal as one whose projection is that of a part; None means the whole."""
    if part is None:
        return journal
    return replace(journal, elsewhere=part_folder(journal.path, part))


def base_in(folder: Path, journal: Directory) -> Path:
    """Return where the projection of a journal, or the same part of it, is in another folder."""
    part = Part.of_folder(journal.base.name)
    return folder if part is None else part_folder(folder, part)


def find_parts(journal: Path) -> tuple[Part, ...]:
    """Return the parts that the journal at `journal` has a folder of, in order.

    Raises:
        ProjectionError: the folder of the projection cannot be listed.
    """
    folder = journal / PROJECTION
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ProjectionError(f"cannot list {folder}: {error.strerror or error}") from error
    parts = (Part.of_folder(name) for name in names)
    return tuple(sorted(part for part in parts if part is not None))


def is_in_parts(journal: Path) -> bool:
    """Return whether the journal at `journal` is projected in parts, and not as a whole.

    Raises:
        ProjectionError: the folder of the projection cannot be read.
    """
    return bool(find_parts(journal)) and find_generations(journal).current() is None


def _folder(journal: Path) -> Path:
    if Part.of_folder(journal.name) is not None and journal.parent.name == PROJECTION:
        return journal  # the base of a part is its own folder
    folder = journal / PROJECTION
    try:
        is_shared = format_of(journal) < FORMAT
    except NotAJournalError:  # the journal or its journal.json was moved away
        is_shared = False
    return folder / str(SCHEMA) if is_shared else folder


def _sync_file(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        disk.in_use.fsync(fd)
    finally:
        os.close(fd)
