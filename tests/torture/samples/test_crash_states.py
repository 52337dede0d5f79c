"""Whatever a power loss leaves of a journal, what was promised is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def sweep(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the enumeration from the repository's root; it keeps what fails in `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "tests.torture.steps.crash_states", "--sample", *arguments],
        check=False,
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_nothing_that_was_promised_is_lost_with_the_power(tmp_path: Path) -> None:
    """In a sample of the states of each kind of workload everything holds."""
    done = sweep(tmp_path)
    assert done.returncode == 0, done.stderr
    count = re.search(r"([\d,]+) distinct states", done.stdout)
    assert count is not None, done.stdout
    assert int(count[1].replace(",", "")) >= 1_000


@pytest.mark.parametrize("lie", ["data", "files", "folders"])
def test_a_disk_that_does_not_sync_is_found_out(tmp_path: Path, lie: str) -> None:
    """The enumeration would notice if one kind of sync were left out: it can fail."""
    done = sweep(tmp_path, "--only", "first of all", "--lie", lie)
    assert done.returncode == 1
    assert "power lost after step" in done.stderr


def test_what_is_projected_without_a_sync_is_found_out(tmp_path: Path) -> None:
    """A view of what the log may still lose is a failure."""
    done = sweep(tmp_path, "--only", "projected", "--lie", "folders")
    assert done.returncode == 1
    # which of the two comes first depends on the states that the sample holds
    expected = r"was acknowledged and is lost|the journal has \d+ events, the projection has"
    assert re.search(expected, done.stderr)
