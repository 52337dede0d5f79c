"""Folders in memory, for tests that sync many small files and prove nothing about a disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - each makes a new folder in it
"""A file system in memory; None where there is none."""


@contextmanager
def in_memory() -> Iterator[Path]:
    """Yield an empty folder in memory if the system has that, else in the usual place."""
    # no `TemporaryDirectory`: a forked process that ends in the usual way would remove its folder
    folder = tempfile.mkdtemp(prefix="journal-", dir=MEMORY)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder)
