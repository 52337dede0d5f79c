"""Records and disks at their limits."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from journal.format.frame import MAX_RECORD
from journal.verify import verify
from tests.support.relay.fleet import Machine, assert_same

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    """A folder on a disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(folder)]
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
    (small_disk / "other").write_bytes(b"x" * 350_000)
    with pytest.raises(OSError, match="No space left"):
        b.relay()
    for path in b.path.glob("lanes/m-*/*.jsonl"):
        [origin] = a.path.glob("lanes/1/*.jsonl")
        assert origin.read_bytes().startswith(path.read_bytes())
    (small_disk / "other").unlink()
    b.relay()
    a.relay()
    assert (b.status().holes, b.status().problems) == (0, ())
    assert b.status().hash == a.status().hash
    assert not verify(b.path / "lanes").problems
