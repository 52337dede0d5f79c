"""A sample of the kill sweep, and a fault that it detects."""

from __future__ import annotations

import re

from tests.torture.faults.sampling import needs_strace, run_sweep
from tests.torture.faults.workloads import WORKLOADS

pytestmark = needs_strace


def test_a_kill_at_any_point_loses_and_repeats_nothing() -> None:
    """At a sample of the points of every workload, each acknowledged event exists once."""
    code, printed = run_sweep("kill_sweep", "--sample", "--seed", "1")
    assert code == 0, printed
    killed = re.search(r"kill sweep: (\d+) distinct", printed)
    assert killed is not None, printed
    assert int(killed[1]) >= 55, printed  # of 63 points
    for workload in WORKLOADS:
        assert f"{workload} " in printed


def test_a_writer_that_acknowledges_too_early_is_detected() -> None:
    """A writer that acknowledges before it appends fails the sweep."""
    point = "write/write:signal=KILL:when=5"
    code, printed = run_sweep("kill_sweep", "--only", point, "--sabotage")
    assert code == 1, printed
    assert "was acknowledged and is lost" in printed
    assert "again: python -m tests.torture.steps.kill_sweep --only 'write/" in printed
