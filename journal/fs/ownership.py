"""What stands in a journal's folder belongs to its user alone: anything else is refused.

Where another user made a folder or may write to it, they could read what is appended, change what
is read, or put a pipe or a link in the place of a file.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_OTHERS = 0o022
"""Bits by which the group or all others may write."""
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""To open a pipe without O_NONBLOCK would wait for its other end."""
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Untrusted(OSError):  # noqa: N818 - says what is the matter
    """Something is not this user's alone, or of another kind; `strerror` says what to do."""

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        super().__init__(errno.EPERM, f"{os.fspath(path)} {reason}")


def check_folder(path: Path) -> None:
    """Refuse what is no folder of this user's own, or is one that others may write to.

    Raises:
        Untrusted: it is; the message says what to do.
        OSError: there is nothing, or the file system does not say.
    """
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise Untrusted(path, f"is {_kind(status)} and no folder: move it away")
    _check(path, status)


def check_file(path: str | os.PathLike[str], status: os.stat_result) -> None:
    """Refuse a file, given what fstat(2) or lstat(2) says of it, as `check_folder` a folder.

    Raises:
        Untrusted: it is not regular, or not this user's alone; the message says what to do.
    """
    if not stat.S_ISREG(status.st_mode):
        raise Untrusted(path, f"is {_kind(status)} and no regular file: move it away")
    _check(path, status)


def check_links(path: Path) -> None:
    """Refuse an absolute path that leads through a link of another user, who may turn it.

    Raises:
        Untrusted: it does.
        OSError: the file system does not say.
    """
    for part in (path, *path.parents):
        try:
            status = part.lstat()
        except FileNotFoundError:
            continue
        if stat.S_ISLNK(status.st_mode) and status.st_uid not in {0, os.geteuid()}:
            raise Untrusted(
                part, f"is a symbolic link of user {status.st_uid}: give the path that it leads to"
            )


def open_own(path: Path) -> int:
    """Open a regular file of this user's own for reading; return its descriptor.

    Raises:
        Untrusted: it is something else.
        OSError: there is none, or the file system refuses.
    """
    try:
        fd = os.open(path, _FLAGS)
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


def read_own(path: Path, most: int) -> bytes:
    """Read a small file of this user's own.

    Args:
        path: the file.
        most: bytes that it may have: a larger one is not what it should be, and is not read.

    Raises:
        Untrusted: it is something else, or larger.
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


def _check(path: str | os.PathLike[str], status: os.stat_result) -> None:
    user = os.geteuid()
    if status.st_uid != user:
        raise Untrusted(
            path,
            f"belongs to user {status.st_uid}, and this is user {user}: others could read or change"
            f" what stands there; if you trust it, `chown -R {user} {_quoted(path)}`, else give"
            " another folder with --journal or JOURNAL_DIR",
        )
    if status.st_mode & _OTHERS:
        raise Untrusted(
            path,
            f"may be written by other users (mode {stat.S_IMODE(status.st_mode):04o}): if you trust"
            f" what stands there, `chmod -R go-w {_quoted(path)}`, else give another folder with"
            " --journal or JOURNAL_DIR",
        )


def _quoted(path: str | os.PathLike[str]) -> str:
    from shlex import quote  # noqa: PLC0415 - only these errors need it

    return quote(os.fspath(path))


def _kind(status: os.stat_result) -> str:
    return _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
