"""The disk after a power loss, built from the log of its operations."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .file_system import copy
from .loss import kept, writes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from random import Random

    from .loss import Cut
    from .operations import Operation, Write


class FlushedImage:
    """The image of all writes up to a flush; it only moves forward.

    Args:
        path: an image of the disk before the first operation; it is modified.
        operations: the operations of the disk, in order.
    """

    def __init__(self, path: Path, operations: Sequence[Operation]) -> None:
        self._path = path
        self._operations = operations
        self._flushed = 0

    def lose(self, cut: Cut, flushed: int, rng: Random, target: Path) -> None:
        """Create a file with the content of the disk after a cut.

        Args:
            cut: the moment, and which writes are lost.
            flushed: number of the first operations that are durable; never less than before.
            rng: makes the random choices of `cut`.
            target: the file.
        """
        if flushed < self._flushed:
            raise ValueError(f"the image is already at {self._flushed:,}, behind {flushed:,}")
        _apply(self._path, writes(self._operations[self._flushed : flushed]))
        self._flushed = flushed
        copy(self._path, target)
        _apply(target, kept(writes(self._operations[flushed : cut.done]), cut, rng))


def _apply(image: Path, written: Iterable[Write]) -> None:
    fd = os.open(image, os.O_WRONLY | os.O_CLOEXEC)
    try:
        for write in written:
            if os.pwrite(fd, write.data, write.offset) != len(write.data):
                raise OSError(f"{image} took a part of {len(write.data):,} bytes: no space is left")
    finally:
        os.close(fd)
