"""A sample of the states after a power loss: every promised event exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from journal.fs import disk
from journal.fs.files import sync_folder
from tests.torture.crash.explore import Plan, explore

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]


def sweep(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the enumeration from the repository's root; states that fail are kept in `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "tests.torture.steps.crash_states", "--sample", *arguments],
        check=False,
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_no_promised_event_is_lost(tmp_path: Path) -> None:
    """All checks hold in a sample of the states of each kind of workload."""
    done = sweep(tmp_path)
    assert done.returncode == 0, done.stderr
    count = re.search(r"([\d,]+) distinct states", done.stdout)
    assert count is not None, done.stdout
    assert int(count[1].replace(",", "")) >= 1_000


@pytest.mark.parametrize("lie", ["data", "files", "folders"])
def test_a_disk_that_does_not_sync_is_detected(tmp_path: Path, lie: str) -> None:
    """The enumeration reports failures if one kind of sync is left out."""
    done = sweep(tmp_path, "--only", "first of all", "--lie", lie)
    assert done.returncode == 1
    assert "power lost after step" in done.stderr


def _unsynced(draft: Path, content: Iterator[bytes]) -> None:
    fd = disk.in_use.create(draft)
    disk.write_rest(fd, b"".join(content))
    os.close(fd)


def _synced_late(folder: Path) -> None:
    for segment in folder.glob("*.jsonl"):
        fd = os.open(segment, os.O_RDONLY)
        disk.in_use.fsync(fd)
        os.close(fd)
    sync_folder(folder)


@pytest.mark.parametrize(
    ("sabotage", "expected"),
    [
        ({"_fill": _unsynced}, "was acknowledged and is lost"),
        ({"_fill": _unsynced, "sync_folder": _synced_late}, "was acknowledged and is lost"),
        ({"sync_folder": lambda _: None}, "was erased and is in"),
    ],
    ids=["draft not synced", "name before sync", "name not synced"],
)
def test_an_eraser_that_leaves_out_a_sync_is_detected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sabotage: dict[str, object], expected: str
) -> None:
    """A draft that is renamed unsynced loses events; an unsynced name reverts an erasure."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # states that fail are kept there
    for name, instead in sabotage.items():
        monkeypatch.setattr(f"journal.erasure.files.swap.{name}", instead)
    (outcome,) = explore(("eraser killed at 29",), Plan(1, 0.05, 100, ()))
    assert expected in "".join(outcome.failures)


def test_a_projection_of_unsynced_events_is_detected(tmp_path: Path) -> None:
    """A projection with events that the lanes may still lose is a failure."""
    done = sweep(tmp_path, "--only", "projected", "--lie", "folders")
    assert done.returncode == 1
    # which of the two comes first depends on the states of the sample
    expected = r"was acknowledged and is lost|the journal has \d+ events, the projection has"
    assert re.search(expected, done.stderr)
