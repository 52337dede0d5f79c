"""Helpers that read a journal, and inject faults."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from journal.format.record import Header, Record
from journal.format.scan import Found, scan
from journal.fs.disk import Disk
from journal.segments.reader import read_events

if TYPE_CHECKING:
    from collections.abc import Callable

FORK_OF_A_THREADED_PROCESS = pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded:DeprecationWarning"
)
"""Python 3.12 and later warn of a fork of a process with threads, which the handle supports."""


def events(path: Path) -> list[Record]:
    """Return every valid record of a journal, in the order of events."""
    return [at.record for at in read_events(path / "lanes", lambda _ref, _damage: None)]


def ids(path: Path) -> list[str]:
    """Return the id of every record, in the order of events."""
    return [record.event.id for record in events(path)]


def segments(path: Path) -> list[Path]:
    """Return the segments of a journal's lanes."""
    return sorted((path / "lanes").glob("*/*.jsonl"))


def headers(path: Path) -> list[Header]:
    """Return the header of every segment that has one."""
    found = (item for segment in segments(path) for item in scan(segment.read_bytes(), 0))
    return [i.record for i in found if isinstance(i, Found) and isinstance(i.record, Header)]


def lane_names(path: Path) -> list[str]:
    """Return the names of the lanes' folders."""
    return sorted(os.listdir(path / "lanes"))


def is_segment(fd: int) -> bool:
    """Return whether a descriptor is an open segment."""
    return Path(f"/proc/self/fd/{fd}").readlink().suffix == ".jsonl"


def open_segments() -> int:
    """Count the segments that this process has open."""
    return len(_open_segments())


def close_segments() -> int:
    """Close the segments that this process has open and no handle uses; return their number."""
    left = _open_segments()
    for fd in left:
        os.close(fd)
    return len(left)


def _open_segments() -> list[int]:
    found = []
    for fd in map(int, os.listdir("/proc/self/fd")):
        with suppress(FileNotFoundError):  # the descriptor of the listing itself
            if is_segment(fd):
                found.append(fd)
    return found


def patch_write(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[int, bytes | memoryview], int]
) -> None:
    """Replace the disk's write to segments by `write`; other files are written as usual."""
    real = Disk.write

    def patched(disk: Disk, fd: int, data: bytes | memoryview) -> int:
        return write(fd, data) if is_segment(fd) else real(disk, fd, data)

    monkeypatch.setattr(Disk, "write", patched)
