"""Check that the files of a journal belong to this user alone; refuse all others.

Another user who made a folder, or who may write to it, could read what is appended, change what is
read, or replace a file by a pipe or a link.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from journal.process.fork import no_fork

if TYPE_CHECKING:
    from pathlib import Path

_OTHERS = 0o022
"""Bits by which the group or all others may write."""
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""To open a pipe without O_NONBLOCK would wait for its other end."""
_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Untrusted(OSError):  # noqa: N818 - named after its cause
    """A path is not this user's alone, or of another kind; `strerror` has the remedy."""

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        super().__init__(errno.EPERM, f"{os.fspath(path)} {reason}")


def check_folder(path: Path, status: os.stat_result | None = None) -> None:
    """Check that a path is a folder of this user, to which no others may write.

    Args:
        path: the path.
        status: its status, from lstat(2), if it is known.

    Raises:
        Untrusted: it is not; the message has the remedy.
        OSError: there is nothing, or the file system refuses.
    """
    status = path.lstat() if status is None else status
    if not stat.S_ISDIR(status.st_mode):
        raise Untrusted(path, f"is {_kind(status)} and no folder: move it away")
    _check(path, status)


def is_own_folder(status: os.stat_result) -> bool:
    """Return whether `check_folder` accepts what has a status, from lstat(2)."""
    is_own = status.st_uid == os.geteuid() and not status.st_mode & _OTHERS
    return is_own and stat.S_ISDIR(status.st_mode)


def check_file(path: str | os.PathLike[str], status: os.stat_result) -> None:
    """Check that a file is regular, is of this user, and that no others may write to it.

    Args:
        path: its path, for the message.
        status: its status, from fstat(2) or lstat(2).

    Raises:
        Untrusted: it is not; the message has the remedy.
    """
    if not stat.S_ISREG(status.st_mode):
        raise Untrusted(path, f"is {_kind(status)} and no regular file: move it away")
    _check(path, status)


def check_links(path: Path) -> None:
    """Check that an absolute path contains no link of another user, who could change its target.

    Raises:
        Untrusted: it contains one.
        OSError: the file system refuses.
    """
    for part in (path, *path.parents):
        try:
            status = part.lstat()
        except FileNotFoundError:
            continue
        except NotADirectoryError as error:
            raise NotADirectoryError(error.errno, obstacle(path)) from error
        if stat.S_ISLNK(status.st_mode) and status.st_uid not in {0, os.geteuid()}:
            raise Untrusted(
                part, f"is a symbolic link of user {status.st_uid}: give the path that it leads to"
            )


def open_own(path: Path) -> int:
    """Open a regular file of this user's own for reading; return its descriptor.

    Raises:
        Untrusted: it is of another kind or another user.
        OSError: there is none, or the file system refuses.
    """
    try:
        fd = os.open(path, _FLAGS)
    except PermissionError as error:
        raise PermissionError(error.errno, _remedy(path)) from error
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:  # a link, a socket
            check_file(path, path.lstat())
        raise
    try:
        check_file(path, os.fstat(fd))
    except OSError:
        os.close(fd)
        raise
    return fd


def _remedy(path: Path) -> str:
    """Return why a file may not be read, and what to do."""
    try:
        owner = path.lstat().st_uid
    except OSError:
        return "permission denied: allow its owner to enter the folders above it (chmod u+x)"
    if owner == os.geteuid():
        return f"permission denied: allow its owner to read it (chmod u+r {path})"
    return f"permission denied: it belongs to user {owner}: run this as that user"


def read_own(path: Path, most: int) -> bytes:
    """Read a small file of this user's own.

    Args:
        path: the file.
        most: the largest size in bytes; a larger file is not read.

    Raises:
        Untrusted: it is larger, of another kind or of another user.
        OSError: there is none, or the file system refuses.
    """
    fd = open_own(path)
    try:
        size = os.fstat(fd).st_size
        if size > most:
            raise Untrusted(path, f"has {size:,} bytes and can have {most:,}: move it away")
        content = b""
        while piece := os.read(fd, most + 1 - len(content)):
            content += piece
    finally:
        os.close(fd)
    return content


def refusal(path: Path, error: OSError) -> str:
    """Return why the file system refuses to create or open a file for writing, with the remedy.

    Args:
        path: the file, which may not exist.
        error: what the file system answered.
    """
    why = error.strerror or str(error)
    if error.errno == errno.EROFS:
        return f"{why}: copy the journal to a place that can be written"
    if not isinstance(error, PermissionError) or isinstance(error, Untrusted):
        return why
    there, status = nearest(path)
    if status and status.st_uid == os.geteuid() and not status.st_mode & stat.S_IWUSR:
        mode = stat.S_IMODE(status.st_mode)
        return f"{why}: {there} is read-only (mode {mode:04o}); `chmod u+w {_quoted(there)}`"
    return (
        f"{why}; a journal belongs to one user: give this user its own with --journal or"
        " JOURNAL_DIR"
    )


def nearest(path: Path) -> tuple[Path, os.stat_result | None]:
    """Return a path, or its nearest parent that exists, and what it is.

    Where the file system refuses to tell even of the root, it is the path and None: an error that
    is being reported must not be replaced by another.
    """
    for part in (path, *path.parents):
        with suppress(OSError):
            return part, part.lstat()
    return path, None


def obstacle(path: Path) -> str | None:
    """Return which part of a path is no folder, and what it is; None if none is."""
    for part in (path, *path.parents):
        if os.path.lexists(part):
            is_folder = part.is_dir()
            return None if is_folder else f"{part} is {_kind(part.lstat())} and no folder"
    return None


def _check(path: str | os.PathLike[str], status: os.stat_result) -> None:
    user = os.geteuid()
    if status.st_uid != user:
        raise Untrusted(
            path,
            f"belongs to user {status.st_uid}, and this is user {user}: others could read or change"
            f" its content; if you trust it, `chown -R {user} {_quoted(path)}`, else give"
            " another folder with --journal or JOURNAL_DIR",
        )
    if status.st_mode & _OTHERS:
        raise Untrusted(
            path,
            f"may be written by other users (mode {stat.S_IMODE(status.st_mode):04o}): if you trust"
            f" its content, `chmod -R go-w {_quoted(path)}`, else give another folder with"
            " --journal or JOURNAL_DIR",
        )


def _quoted(path: str | os.PathLike[str]) -> str:
    with no_fork.turn:
        from shlex import quote  # noqa: PLC0415 - only these errors need it

    return quote(os.fspath(path))


def _kind(status: os.stat_result) -> str:
    return _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
