"""The journal's directory: its path, the mark that makes it a journal, and its owner.

::

    <journal>/journal.json    format version and the journal's uuid
    <journal>/lanes/<k>/      one folder a lane
    <journal>/projection/     the projector's
    <journal>/imports/        how far each source was imported
    <journal>/arbiter         lock for decisions, which depend on all writers
    <journal>/arbiter.queue/  who waits for that lock, in order
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from journal.errors import JournalOpenError, NotAJournalError, VersionError
from journal.format.record import FORMAT
from journal.fs.files import create_file, make_folder, make_folders, sweep_drafts, sync_above
from journal.fs.location import locate
from journal.fs.ownership import Untrusted, check_folder, obstacle, read_own
from journal.process import clock
from journal.process.ids import uuid7

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger("journal")

MARK = "journal.json"
_MOST = 64 * 1024
"""The largest size of the mark, in bytes."""
_FORMATS = (1, FORMAT)
"""Versions of the folder that this program knows. An old journal keeps its own."""
LANES = "lanes"
"""Name of the folder that holds the lanes."""
ERASER = "eraser"
"""Name of the lock of the process that rewrites segments; it is there if one ever did."""
KEY_FILE = "key"
"""Name of the file with the journal's keys."""
_OURS = {
    LANES,
    "projection",
    "imports",
    "arbiter",
    "arbiter.queue",
    ERASER,
    "relay",
    KEY_FILE,
    "redact.toml",
    "retention.toml",
    "sink.toml",
    MARK,
}


@dataclass(frozen=True, slots=True)
class Directory:
    """An opened journal directory.

    Attributes:
        path: the folder, absolute.
        uuid: the journal's uuid.
        format: version of the format that the journal was made in.
        unsynced: folders whose entries may be new; they must be synced before anything in the
            journal can be called durable.
        elsewhere: a temporary folder, if the projection is made there and not in the journal.
    """

    path: Path
    uuid: str
    format: int
    unsynced: tuple[Path, ...]
    elsewhere: Path | None = None

    @property
    def lanes(self) -> Path:
        """The folder that holds the lanes."""
        return self.path / LANES

    @property
    def base(self) -> Path:
        """The folder in which `projection/` is."""
        return self.elsewhere or self.path


def open_directory(path: str | os.PathLike[str], *, create: bool = True) -> Directory:
    """Open the journal at `path`, making it where there is none.

    Any number of processes may do this at the same instant: one of them makes the journal and
    all of them open that one.

    Raises:
        NotAJournalError: there is no journal and `create` is false, or the folder holds
            something else.
        VersionError: the journal was made by a newer format.
        JournalOpenError: the file system refuses.
    """
    folder = locate(path)
    try:
        if create:
            make_folders(folder)
        if os.path.lexists(folder):
            check_folder(folder)
        if create:
            sweep_drafts(folder)
        if create and not (folder / MARK).exists():
            _refuse_foreign(folder)
            sync_above(folder)  # if the journal has a mark, all folders above it are durable
            _make_first_mark(folder)
        uuid, version = _read_mark(folder)
        if os.path.lexists(folder / LANES):
            check_folder(folder / LANES)
        if create:  # after the mark is checked: nothing is made in a journal of a newer format
            make_folder(folder / LANES)
    except Untrusted as error:
        raise JournalOpenError(f"cannot open the journal at {folder}: {error.strerror}") from error
    except OSError as error:
        raise JournalOpenError(
            f"cannot open the journal at {folder}: {obstacle(folder) or error.strerror or error}"
            " (give another folder with --journal or JOURNAL_DIR)"
        ) from error
    # the process that made the entries of this folder may have died before it synced them
    return Directory(folder, uuid, version, (folder,))


def _make_first_mark(folder: Path) -> None:
    """Make the mark of a journal with a new uuid, and warn if that of a journal with lanes is lost.

    A power loss can take a mark that was not synced yet, and leave lanes behind it. So a lost mark
    is no error for a writer.
    """
    has_lanes = _has_lanes(folder)
    uuid = uuid7()
    # another process can have made mark and lanes since the caller looked for the mark
    if make_mark(folder, uuid, FORMAT) and has_lanes:
        _log.warning(
            "%s: %s was lost, and was written again with the new uuid %s. All records are there. A"
            " backup that was made before is one of another journal now: to continue it, put the"
            " uuid of its backup.json (`journal`) into %s while nothing uses the journal",
            folder,
            MARK,
            uuid,
            MARK,
        )


def _has_lanes(folder: Path) -> bool:
    return next(folder.glob(f"{LANES}/*/*.jsonl"), None) is not None


def format_of(folder: Path) -> int:
    """Return the version of the format that the journal in a folder was made in.

    Raises:
        JournalOpenError: there is no journal that this program knows.
    """
    try:
        return _read_mark(folder)[1]
    except OSError as error:
        raise JournalOpenError(f"cannot read {folder / MARK}: {error.strerror or error}") from error


def check_same(journal: Directory) -> None:
    """Raise an error if another journal has been made at the path since this one was opened.

    A missing or unreadable mark is not checked: the journal may be moved back.

    Raises:
        JournalOpenError: the journal at the path has another uuid.
    """
    try:
        found, _ = _read_mark(journal.path)
    except (OSError, JournalOpenError):
        return
    if found != journal.uuid:
        raise JournalOpenError(
            f"the journal at {journal.path} was replaced: {journal.uuid} was opened, and {found} is"
            " there now; open it again"
        )


def _refuse_foreign(folder: Path) -> None:
    """Refuse a folder with other files in it: a mistyped path must not become a journal."""
    for name in os.listdir(folder):
        if name not in _OURS and not name.startswith("."):
            raise NotAJournalError(
                f"{folder} is no journal and not empty (it holds {name!r});"
                " give a new or an empty folder"
            )


def make_mark(folder: Path, uuid: str, format: int) -> bool:
    """Make a folder a journal, unless it is one: of many processes one makes the mark.

    Args:
        folder: the folder.
        uuid: the journal's uuid.
        format: version of the journal's format.

    Returns:
        Whether this process made it.

    Raises:
        OSError: the file system refuses.
    """
    mark: dict[str, Any] = {"format": format, "uuid": uuid, "created": clock.wall()}
    return create_file(folder / MARK, orjson.dumps(mark) + b"\n")


def _read_mark(folder: Path) -> tuple[str, int]:
    """Return the journal's uuid and the version of its format."""
    try:
        content = read_own(folder / MARK, _MOST)
    except (FileNotFoundError, NotADirectoryError):
        if _has_lanes(folder):
            raise NotAJournalError(
                f"{folder / MARK} is lost, and there are lanes beside it: put it back from a backup"
                " of the folder. Or append something: that writes it again with a new uuid"
            ) from None
        raise NotAJournalError(
            f"there is no journal at {folder}: append or import something first,"
            " or give its folder with --journal or JOURNAL_DIR"
        ) from None
    try:
        mark = orjson.loads(content)
        version, uuid = mark["format"], mark["uuid"]
        if not isinstance(uuid, str) or not uuid:
            raise TypeError(f"uuid is {uuid!r}")  # noqa: TRY301 - raised again below, with the path
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise NotAJournalError(
            f"{folder / MARK} is damaged ({error!r}); the lanes beside it may be intact:"
            ' write {"format": 2, "uuid": "<any uuid>"} into it and run `journal verify`'
        ) from error
    if version not in _FORMATS:
        raise VersionError(
            f"{folder} has format {version!r}, and this program knows formats up to {FORMAT}:"
            " install a newer agent-journal"
        )
    return uuid, version
