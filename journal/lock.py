"""The lock on a file: whoever has it keeps it until the file is closed, or its process dies."""

from __future__ import annotations

import errno
import os
import stat

import portalocker

_TAKE = portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING


def lock(fd: int) -> int | None:
    """Lock an open file for its holder alone, without waiting.

    Args:
        fd: its descriptor, which is closed unless it is returned.

    Returns:
        The descriptor; None if another opening of the file is locked.

    Raises:
        OSError: it is no regular file, or its file system has no locks.
    """
    taken = False
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise FileExistsError(errno.EEXIST, "the lock is no regular file")
        portalocker.lock(fd, _TAKE)
        taken = True
    except portalocker.exceptions.AlreadyLocked:
        return None
    except portalocker.exceptions.LockException as error:
        raise OSError(
            errno.ENOLCK, f"{error}; the journal needs a file system with locks"
        ) from error
    finally:
        if not taken:
            os.close(fd)
    return fd
