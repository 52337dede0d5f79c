"""The journal's directory: where it is, what marks it, and who may use it.

::

    <journal>/journal.json    format version and the journal's uuid
    <journal>/lanes/<k>/      one folder a lane
    <journal>/projection/     the projector's
    <journal>/imports/        how far each source was imported
    <journal>/arbiter         lock for answers that depend on everybody
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from journal import clock, disk
from journal.errors import JournalOpenError, NotAJournalError, VersionError
from journal.ids import uuid7
from journal.record import FORMAT

MARK = "journal.json"
LANES = "lanes"
"""Name of the folder that holds the lanes."""
_OURS = {LANES, "projection", "imports", "arbiter", MARK}


@dataclass(frozen=True, slots=True)
class Directory:
    """An opened journal directory.

    Attributes:
        path: the folder, absolute.
        uuid: the journal's uuid.
        unsynced: folders whose entries may be new; they must be synced before anything in the
            journal can be called durable.
    """

    path: Path
    uuid: str
    unsynced: tuple[Path, ...]

    @property
    def lanes(self) -> Path:
        """The folder that holds the lanes."""
        return self.path / LANES


def default_path() -> Path:
    """Return where the journal is unless told: JOURNAL_DIR, else the XDG data folder."""
    if named := os.environ.get("JOURNAL_DIR"):
        return Path(named)
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "agent-journal"


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
    try:
        folder = Path(path).expanduser().resolve()
    except (OSError, RuntimeError) as error:  # links in a circle, or no home
        raise JournalOpenError(
            f"cannot open the journal at {path}: {error}"
            " (give another folder with --journal or JOURNAL_DIR)"
        ) from error
    try:
        if create:
            _make_folders(folder)
            if not (folder / MARK).exists():
                _refuse_foreign(folder)
                _sync_above(folder)
                _make_mark(folder)
        uuid = _read_mark(folder)
        if create:  # behind the mark: in a journal of a newer format nothing is made
            make_folder(folder / LANES)
    except OSError as error:
        raise JournalOpenError(
            f"cannot open the journal at {folder}: {error.strerror or error}"
            " (give another folder with --journal or JOURNAL_DIR)"
        ) from error
    # whoever made the entries of this folder may have died before they were synced
    return Directory(folder, uuid, (folder,))


def make_folder(path: Path) -> None:
    """Make one folder that only its owner can enter, unless it is there.

    Raises:
        OSError: the file system refuses, or something else stands there.
    """
    try:
        disk.in_use.make_folder(path)
    except FileExistsError:
        # a link inside the journal would lead writes to somewhere else
        if not stat.S_ISDIR(path.lstat().st_mode):
            raise
    else:
        disk.in_use.chmod(path, 0o700)  # a strict umask may have taken bits away


def sync_folder(path: Path) -> None:
    """Make a folder's entries durable.

    Raises:
        OSError: the file system refuses.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        disk.in_use.fsync(fd)
    finally:
        os.close(fd)


def replace_file(path: Path, content: bytes) -> None:
    """Write a small file whole, durable and at once: readers see the old one or the new one.

    Raises:
        OSError: the file system refuses; the old file stands.
    """
    swap_file(path, content)
    sync_folder(path.parent)


def swap_file(path: Path, content: bytes) -> None:
    """Write a small file whole; after a power loss it may be the old one again, never a mixture.

    Raises:
        OSError: the file system refuses; the old file stands.
    """
    draft = _write_draft(path, content)
    try:
        disk.in_use.replace(draft, path)
    except OSError:
        _discard(draft)
        raise


def _write_draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{uuid7()}")
    fd = disk.in_use.create(draft)
    try:
        disk.in_use.fchmod(fd, 0o600)
        disk.write_whole(fd, content)
        disk.in_use.fsync(fd)
    except OSError:
        _discard(draft)
        raise
    finally:
        os.close(fd)
    return draft


def _discard(draft: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        disk.in_use.unlink(draft)


def _make_folders(folder: Path) -> None:
    missing = [folder]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for path in reversed(missing):
        make_folder(path)


def _sync_above(folder: Path) -> None:
    """Make every folder on the way to a new journal durable, whoever made it.

    Another process may have made them a moment ago, and died. It is done before the journal gets
    its mark: who finds the mark finds all above it durable.
    """
    for below, above in pairwise([folder, *folder.parents]):
        if above.stat().st_dev != below.stat().st_dev:
            return  # nothing was made above the root of a file system
        if os.access(above, os.W_OK):  # who may not write there made nothing there
            sync_folder(above)


def _refuse_foreign(folder: Path) -> None:
    """Refuse a folder with other things in it: a mistyped path must not become a journal."""
    for name in os.listdir(folder):
        if name not in _OURS and not name.startswith("."):
            raise NotAJournalError(
                f"{folder} is no journal and not empty (it holds {name!r});"
                " give a new or an empty folder"
            )


def _make_mark(folder: Path) -> None:
    mark: dict[str, Any] = {"format": FORMAT, "uuid": uuid7(), "created": clock.tick(0)}
    draft = _write_draft(folder / MARK, orjson.dumps(mark) + b"\n")
    try:
        # link fails where the name exists: exactly one of many processes makes the mark
        disk.in_use.link(draft, folder / MARK)
    except FileExistsError:
        return
    finally:
        _discard(draft)


def _read_mark(folder: Path) -> str:
    try:
        content = (folder / MARK).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise NotAJournalError(
            f"there is no journal at {folder}: append or import something first,"
            " or give its folder with --journal or JOURNAL_DIR"
        ) from None
    try:
        mark = orjson.loads(content)
        version, uuid = mark["format"], mark["uuid"]
        if not isinstance(uuid, str) or not uuid:
            raise TypeError(f"uuid is {uuid!r}")  # noqa: TRY301 - told below with the file
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise NotAJournalError(
            f"{folder / MARK} is damaged ({error!r}); the lanes beside it may be whole:"
            ' write {"format": 1, "uuid": "<any uuid>"} into it and run `journal verify`'
        ) from error
    if version != FORMAT:
        raise VersionError(
            f"{folder} has format {version!r}, and this program knows format {FORMAT}:"
            " install a newer agent-journal"
        )
    return uuid
