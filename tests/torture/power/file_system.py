"""The file systems whose power is cut: how to create, mount and serve them from a volatile disk."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZE = 320 * 1024 * 1024
"""Bytes of a disk; XFS needs at least 300 MiB. Most of it is never written."""
_PATIENCE = 10.0
"""Seconds for FUSE to start or end."""
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system.

    Attributes:
        name: its name in the kernel.
        make: the command that makes one; its last argument is the image.
        package: the Debian package of that command.
        sectors: bytes that the disk below it writes completely or not at all.
    """

    name: str
    make: tuple[str, ...]
    package: str
    sectors: tuple[int, ...]


FILE_SYSTEMS = (
    FileSystem("ext4", ("mkfs.ext4", "-q"), "e2fsprogs", (512, 4096)),
    FileSystem("xfs", ("mkfs.xfs", "-q"), "xfsprogs", (512, 4096)),
    # its superblock is one block of 4 KiB with a checksum, so btrfs needs a disk that writes it in
    # one step
    FileSystem("btrfs", ("mkfs.btrfs", "-q"), "btrfs-progs", (4096,)),
)


def make(system: FileSystem, image: Path) -> None:
    """Make an empty file system in a new file.

    Raises:
        CalledProcessError: the command failed; its output is on stderr.
    """
    with image.open("xb") as file:
        file.truncate(_SIZE)
    subprocess.run([*system.make, str(image)], check=True, stdout=subprocess.DEVNULL)


def copy(source: Path, target: Path) -> None:
    """Copy an image as a sparse file."""
    _run("cp", "--sparse=always", str(source), str(target))


@contextmanager
def mounted(system: FileSystem, image: Path, folder: Path) -> Iterator[None]:
    """Mount an image through a loop device, which is removed at the unmount.

    Raises:
        CalledProcessError: the image cannot be mounted, or is still in use at the end.
    """
    _run("mount", "-t", system.name, "-o", "loop", str(image), str(folder))
    try:
        yield
    finally:
        _run("umount", str(folder))


@contextmanager
def served(image: Path, log: Path, folder: Path) -> Iterator[Path]:
    """Serve an image as a disk with a volatile cache, and yield it; afterwards the log is complete.

    Args:
        image: has every write at once.
        log: a new file.
        folder: an empty folder, in which the disk appears.

    Raises:
        RuntimeError: FUSE cannot be used; its output is on stderr.
    """
    command = [sys.executable, "-m", "tests.torture.power.disk", str(image), str(log), str(folder)]
    disk = folder / "disk"
    process = subprocess.Popen(command, cwd=_ROOT)
    try:
        end = time.monotonic() + _PATIENCE
        while not disk.exists():
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"no disk in {folder}: FUSE ended with {process.poll()}")
            time.sleep(0.01)
        try:
            yield disk
        finally:
            _run("umount", str(folder))
            process.wait(_PATIENCE)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
