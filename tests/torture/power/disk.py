"""A disk with a volatile cache: one file, served by FUSE, that logs each write and each flush.

python -m power.disk IMAGE LOG FOLDER    serves FOLDER/disk until FOLDER is unmounted

Reads use IMAGE, which has every write at once: it is the disk with its cache. The content of the
disk without its cache is computed from LOG.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from pathlib import Path
from typing import Any

import mfusepy

from .operations import Flush, Write, encode
from .priority import DISK, run_first

NAME = "disk"
"""The one file in the folder."""


class VolatileDisk(mfusepy.Operations):
    """Serves an image as a file. One request at a time, so the log has one order.

    Args:
        image: the disk with its cache.
        log: its operations, as `power.operations` encodes them.
    """

    use_ns = True

    def __init__(self, image: Path, log: Path) -> None:
        self._image = os.open(image, os.O_RDWR | os.O_CLOEXEC)
        self._size = os.fstat(self._image).st_size
        self._log = log.open("wb", buffering=1024 * 1024)

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:  # noqa: ARG002 - FUSE's
        """Describe the folder or the file."""
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o700, "st_nlink": 2}
        if path == f"/{NAME}":
            return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": self._size}
        raise mfusepy.FuseOSError(errno.ENOENT)  # type: ignore[no-untyped-call] # its own

    def readdir(self, path: str, fh: int) -> list[str]:  # noqa: ARG002 - as above
        """List the folder."""
        return [".", "..", NAME]

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:  # noqa: ARG002 - as above
        """Read from the disk with its cache."""
        return os.pread(self._image, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:  # noqa: ARG002 - as above
        """Write to the cache."""
        done = 0
        while done < len(data):
            done += os.pwrite(self._image, data[done:], offset + done)
        self._log.write(encode(Write(time.monotonic_ns(), offset, bytes(data))))
        return done

    def fsync(self, path: str, datasync: int, fh: int) -> int:  # noqa: ARG002 - as above
        """Flush: a loop device sends each flush of the block layer here."""
        self._log.write(encode(Flush(time.monotonic_ns())))
        return 0

    def destroy(self, path: str) -> None:  # noqa: ARG002 - as above
        """Close the log."""
        self._log.close()
        os.close(self._image)


def main(image: str, log: str, folder: str) -> None:
    """Serve until the folder is unmounted."""
    run_first(DISK)
    disk = VolatileDisk(Path(image), Path(log))
    mfusepy.FUSE(disk, folder, foreground=True, nothreads=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
