"""The lock of the one relay that works for a journal at a time."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from journal.fs.files import make_folder
from journal.fs.lock import holder
from journal.fs.waiting import lock_file
from projector.relay.errors import RelayBusy
from projector.relay.identity import RELAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.fs.directory import Directory


@contextmanager
def relay_lock(journal: Directory) -> Iterator[None]:
    """Hold the lock of a journal's relay.

    Raises:
        RelayBusy: another process holds it.
        JournalOpenError: it cannot be opened or locked.
    """
    folder = journal.path / RELAY
    make_folder(folder)
    path = folder / "lock"
    fd = lock_file(path, 0)
    if fd is None:
        pid = holder(path)
        by = f"process {pid}" if pid else "another process"
        raise RelayBusy(f"{by} is the relay of the journal at {journal.path}: end it first")
    try:
        yield
    finally:
        os.close(fd)
