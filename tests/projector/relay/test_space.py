"""Records and disks at their limits."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from journal.format.frame import MAX_RECORD
from journal.fs import disk
from projector.relay.config import write_config
from projector.relay.errors import TooLarge
from tests.support.programs.end import end
from tests.support.relay.fleet import Machine, assert_same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.relay.servers import Server


def test_the_longest_record_arrives_through_messages_of_a_megabyte(
    server: Server, tmp_path: Path
) -> None:
    """It is cut into chunks, each of which fits into a message of the server."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("long", content="x" * (MAX_RECORD - 4096))
    a.append("a2")
    assert_same(a, b)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 16 megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False, timeout=10)
    if done.returncode:
        pytest.skip(f"this user may not mount a disk: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True, timeout=10)  # noqa: S607 - the system's own


def test_a_disk_that_is_full_stops_receiving_and_damages_nothing(
    server: Server, tmp_path: Path, small_disk: Path
) -> None:
    """What fits is whole; the rest comes when there is space; what was appended is sent."""
    a, b = Machine(tmp_path / "a", server.url), Machine(small_disk / "b", server.url)
    b.append("b1")
    b.relay()
    a.append("a1", "a2", content="x" * 400_000)
    a.relay()
    at = os.statvfs(small_disk)
    (small_disk / "other").write_bytes(b"x" * (at.f_bavail * at.f_frsize - 600_000))
    with pytest.raises(OSError, match="No space left"):
        b.relay()
    for path in b.path.glob("lanes/m-*/*.jsonl"):
        [origin] = a.path.glob("lanes/1/*.jsonl")
        assert origin.read_bytes().startswith(path.read_bytes())
    (small_disk / "other").unlink()
    assert_same(a, b)
    assert (b.status().holes, b.status().problems) == (0, ())


def test_a_bound_of_the_mirrors_stops_receiving_and_not_sending(
    server: Server, tmp_path: Path
) -> None:
    """What this machine wrote arrives at the others."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    b.append("b1")
    a.relay()
    b.config = replace(b.config, max_mirror_bytes=10)
    with pytest.raises(TooLarge, match="max_mirror_bytes"):
        b.relay()
    a.relay()
    assert a.found() == {"a1", "b1"}
    b.config = replace(b.config, max_mirror_bytes=1 << 20)
    assert_same(a, b)


def test_a_full_disk_leaves_whole_mirrors(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a failed write left is cut off, and the rest comes when there is space."""

    class Full(disk.Disk):
        def write(self, fd: int, data: bytes | memoryview) -> int:
            if len(data) > 1:
                os.write(fd, bytes(data[: len(data) // 2]))
            raise OSError(errno.ENOSPC, "No space left on device")

    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    a.relay()
    b.relay()
    a.append("a2")
    a.relay()
    before = {path: path.read_bytes() for path in b.path.glob("lanes/m-*/*")}
    with monkeypatch.context() as patched:
        patched.setattr(disk, "in_use", Full())
        with pytest.raises(OSError, match="No space"):
            b.relay()
    assert {path: path.read_bytes() for path in b.path.glob("lanes/m-*/*")} == before
    assert_same(a, b)


def test_nothing_is_sent_before_it_is_synced(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others must not have what a loss of power here would replace by something else."""

    class Refusing(disk.Disk):
        def fdatasync(self, fd: int) -> None:  # noqa: ARG002 - of the disk
            raise OSError(errno.EIO, "Input/output error")

    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    with monkeypatch.context() as patched:
        patched.setattr(disk, "in_use", Refusing())
        with pytest.raises(OSError, match="Input/output error"):
            a.relay()
    b.relay()
    assert b.found() == set()
    assert a.status().unsent > 0
    assert_same(a, b)


def test_a_relay_that_cannot_receive_says_so_and_sends(
    server: Server, tmp_path: Path, start_command: Callable[..., subprocess.Popen[str]]
) -> None:
    """While it runs; `status` has the error."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    a.relay()
    write_config(b.directory, replace(b.config, max_mirror_bytes=10))
    relay = start_command(sys.executable, "-m", "journal", "--journal", b.path, "relay", "run")
    until = time.monotonic() + 30
    while not b.status().problems and time.monotonic() < until:
        time.sleep(0.05)
    [problem] = b.status().problems
    assert "receiving has stopped" in problem
    assert "max_mirror_bytes" in problem
    b.append("b1")
    while b.status().unsent and time.monotonic() < until:
        time.sleep(0.05)
    end(relay)
    a.relay()
    assert a.found() == {"a1", "b1"}
    assert_same(a, b)
