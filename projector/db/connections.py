"""Make and open the databases of projections, each connection with its settings."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unicodedata import unidata_version
from urllib.parse import quote
from zlib import crc32

import apsw

from journal.fs.ownership import check_file
from projector.db.checksums import RESERVED, vfs
from projector.db.fork_safety import connect
from projector.db.quiet import quiet
from projector.db.schema import PART, SCHEMA, hide_foreign, make_tables
from projector.db.sqlite_errors import failure, full_disk
from projector.errors import ProjectionDamaged, ProjectionError, QueryError
from projector.fold.part import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


BUSY_MS = 5_000
"""Milliseconds for which SQLite waits for a lock that is held for a moment."""

STEPS = 20_000
"""Steps of SQLite's virtual machine between two checks of the clock: about a millisecond."""

_COPIED = 1000
"""Pages that are copied at a time."""

PAGE = 4096
"""Bytes of a database page."""

SUFFIXES = ("", "-wal", "-shm", "-journal")
"""The endings of the names of a database's files."""

_APPLICATION = 0x414A4E4C  # "AJNL", shown by file(1) and checked at opening


_JOURNAL_BITS = 16
_VERSION_IN_FILE = 60, 4
"""Offset and length of `user_version` in the header of a database's file."""


def _version(journal_uuid: str) -> int:
    """Return the `user_version` of a projection: the schema, and 16 bits that its journal gives."""
    journal: int = crc32(journal_uuid.encode()) & (2**_JOURNAL_BITS - 1)
    return SCHEMA << _JOURNAL_BITS | journal


def create(path: Path, journal_uuid: str) -> apsw.Connection:
    """Make an empty projection to be built: no other process reads it until it is published.

    In the folder of a part it is to hold that part.

    Raises:
        ProjectionError: the file cannot be made.
    """
    db = create_empty(path)
    try:
        with quiet:
            # a crash throws away a generation that is being built
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
                db.pragma(*pragma.split(" = "))
            db.pragma("page_size", PAGE)
            if vfs() is not None:
                db.reserve_bytes("main", RESERVED)
            db.pragma("application_id", _APPLICATION)
            db.pragma("user_version", _version(journal_uuid))
            part = Part.of_folder(path.parent.name)
            make_tables(db, journal_uuid, None if part is None else str(part))
            tune_writer(db)
    except apsw.Error as error:
        with quiet:
            db.close()
        raise ProjectionError(
            f"cannot make the projection {path}: {error}{full_disk(path, error)}"
        ) from error
    return db


def create_in_memory() -> apsw.Connection:
    """Make an empty projection in memory."""
    with quiet:
        db = connect(":memory:", apsw.SQLITE_OPEN_READWRITE, None)
        make_tables(db, "")
    return db


def finish(path: Path) -> None:
    """Switch a database that was built to WAL mode: from now on others may read it.

    Raises:
        ProjectionError: the file system refuses.
    """
    try:
        with quiet:
            db = _connect(path, apsw.SQLITE_OPEN_READWRITE)
            try:
                db.pragma("journal_mode", "wal")
            finally:
                db.close()
    except apsw.Error as error:
        raise ProjectionError(f"cannot finish the projection {path}: {error}") from error


def create_empty(path: Path) -> apsw.Connection:
    """Make a database without tables, with mode 0600.

    Raises:
        ProjectionError: the file exists, or cannot be made.
    """
    try:
        # SQLite gives the WAL and its index the mode of the database
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.fchmod(fd, 0o600)
        os.close(fd)
        return _connect(path, apsw.SQLITE_OPEN_READWRITE)
    except (OSError, apsw.Error) as error:
        raise ProjectionError(
            f"cannot make the projection {path}: {error}{full_disk(path, error)}"
        ) from error


def copy_database(source: apsw.Connection, target: apsw.Connection) -> None:
    """Copy all pages of a database into an empty one.

    Raises:
        apsw.Error: the copy cannot be made.
    """
    with quiet, target.backup("main", source, "main") as backup:
        _copy_pages(backup, source)


def _copy_pages(backup: apsw.Backup, source: apsw.Connection) -> None:
    while not backup.done:
        backup.step(_COPIED)
        quiet.rest(source)


def _connect(path: Path, flags: int) -> apsw.Connection:
    name = str(path)
    if flags & apsw.SQLITE_OPEN_URI:
        name = f"file:{quote(name)}?immutable=1"
    with quiet:  # no fork may happen while a VFS is made
        db = connect(name, flags, vfs())
        # without it statements, FTS5's own among them, are compiled again when a bound value
        # changes. With it a plan depends on the text only: a partial index needs its condition as
        # a literal
        db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    return db


def tune_writer(db: apsw.Connection) -> None:
    """Set the page cache of a writing connection."""
    # four times as much was not faster, over a million messages: the kernel keeps pages too
    db.pragma("cache_size", -16 * 1024)
    db.pragma("temp_store", "MEMORY")


def open_writer(path: Path, journal_uuid: str) -> apsw.Connection:
    """Open a published projection for the one projector.

    Raises:
        ProjectionError: it cannot be opened, or is of another version or another journal.
    """
    # a text is deleted from the index by the words that were inserted, and Python's Unicode tables
    # decide which characters make words: those of another version would leave words behind
    made_for = {"journal": journal_uuid, "unicode": unidata_version}
    return _open(path, apsw.SQLITE_OPEN_READWRITE, made_for, _prepare_writer)


def _prepare_writer(db: apsw.Connection) -> None:
    db.pragma("synchronous", "NORMAL")
    db.pragma("journal_size_limit", 16 * 1024 * 1024)
    db.pragma("wal_autocheckpoint", 0)  # the projector checkpoints between its batches
    tune_writer(db)


def open_reader(path: Path, journal_uuid: str) -> apsw.Connection:
    """Open a projection for reading.

    Raises:
        ProjectionError: it cannot be opened, or is of another version or another journal.
    """
    return _open(path, apsw.SQLITE_OPEN_READONLY, {"journal": journal_uuid}, _prepare_reader)


def open_unchanging(path: Path, journal_uuid: str) -> apsw.Connection:
    """Open a projection that no process writes to and that has no WAL; make no file beside it.

    Raises:
        ProjectionError: it cannot be opened, or is of another version or another journal.
    """
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    return _open(path, flags, {"journal": journal_uuid}, _prepare_reader)


@contextmanager
def snapshot(db: apsw.Connection) -> Iterator[None]:
    """Run the block in one read transaction: all its queries see one state.

    Raises:
        apsw.Error: the database refuses.
        QueryError: a bound text has a lone surrogate.
    """
    if db.in_transaction:  # an interrupt occurred after the last one, before its ROLLBACK
        db.set_progress_handler(None)
        db.execute("ROLLBACK")
    db.execute("BEGIN")
    try:
        yield
    except UnicodeEncodeError as error:
        raise QueryError(
            f"{error.object!r:.60} has a lone surrogate at character {error.start},"
            " so it is no text, and nothing that is stored has it"
        ) from error
    finally:
        if is_open(db) and db.in_transaction:
            db.execute("ROLLBACK")


def is_open(db: apsw.Connection) -> bool:
    """Return whether a connection was not closed, as a function may do that it was lent to."""
    try:
        db.in_transaction  # noqa: B018 - each attribute of a closed one raises
    except apsw.ConnectionClosedError:
        return False
    return True


def has_all_tables(db: apsw.Connection) -> bool:
    """Return whether a projection has its tables, views and indexes.

    Raises:
        apsw.Error: the database refuses.
    """
    made = create_in_memory()
    try:
        names = "SELECT type, name FROM sqlite_schema"
        return not is_open(db) or set(made.execute(names)) <= set(db.execute(names))
    finally:
        made.close()


def _prepare_reader(db: apsw.Connection) -> None:
    hide_foreign(db)
    db.pragma("cache_size", -16 * 1024)
    # a mapped file that is cut short kills the process with SIGBUS; a read of it is an error
    db.pragma("mmap_size", 0)


def _open(
    path: Path, flags: int, made_for: dict[str, str], prepare: Callable[[apsw.Connection], None]
) -> apsw.Connection:
    db = None
    try:
        _check_files(path)
        with quiet:
            db = _connect(path, flags)
            db.set_busy_timeout(BUSY_MS)
            _check(db, path, made_for)
            prepare(db)
    except (apsw.Error, ProjectionError) as error:
        if db is not None:
            with quiet:
                db.close()
        if isinstance(error, ProjectionError):
            raise
        raise failure("open", path, error) from error
    return db


def _check_files(path: Path) -> None:
    """Refuse what SQLite would wait for or follow: a FIFO, a link, another user's file.

    Raises:
        ProjectionError: one of a database's files is not this user's own, or no regular file.
    """
    for suffix in SUFFIXES:
        file = path.with_name(path.name + suffix)
        try:
            check_file(file, file.lstat())
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ProjectionError(
                f"cannot open the projection: {error.strerror}, then run `projector rebuild`"
            ) from error


def _check(db: apsw.Connection, path: Path, made_for: dict[str, str]) -> None:
    """Refuse a database that is no projection of this version, or was made for another journal."""
    application, version = db.pragma("application_id"), db.pragma("user_version")
    if application != _APPLICATION or version >> _JOURNAL_BITS != SCHEMA:
        raise ProjectionDamaged(
            f"{path} is no projection of version {SCHEMA} (its version is"
            f" {version >> _JOURNAL_BITS or version}); run `projector rebuild`"
        )
    # as it is in the file itself: the page in the WAL could hide that the file is another journal's
    _, stored = db.read("main", 0, *_VERSION_IN_FILE)
    if int.from_bytes(stored) != _version(made_for["journal"]):
        raise ProjectionDamaged(
            f"{path} was made for another journal than its WAL; run `projector rebuild`"
        )
    if vfs() is not None and db.reserve_bytes("main") != RESERVED:
        raise ProjectionDamaged(f"{path} has no checksums; run `projector rebuild`")
    part = Part.of_folder(path.parent.name)
    for key, value in {**made_for, PART: None if part is None else str(part)}.items():
        found = db.execute("SELECT value FROM _meta WHERE key = ?", (key,)).get
        if found != value:
            raise ProjectionDamaged(
                f"{path} was made for {key} {found}, not {value}; run `projector rebuild`"
            )
