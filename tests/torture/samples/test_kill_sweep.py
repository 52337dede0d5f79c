"""A sample of the kill sweep, and that it catches what it is there for."""

from __future__ import annotations

from tests.torture.faults.sampling import needs_strace, run_sweep

pytestmark = needs_strace


def test_killed_anywhere_nothing_is_lost_or_doubled() -> None:
    """At a sample of the points, in every workload, everything acknowledged is there once."""
    code, printed = run_sweep("kill_sweep", "--sample", "--seed", "1")
    assert code == 0, printed
    assert "kill sweep: 5" in printed, printed  # of 56 points
    for workload in ("write", "import", "import-more", "sync-new", "sync", "rebuild", "run"):
        assert f"{workload} " in printed


def test_a_writer_that_acknowledges_too_early_is_caught() -> None:
    """A sweep that cannot fail proves nothing: this writer acknowledges before it appends."""
    point = "write/write:signal=KILL:when=5"
    code, printed = run_sweep("kill_sweep", "--only", point, "--sabotage")
    assert code == 1, printed
    assert "was acknowledged and is lost" in printed
    assert "again: python -m tests.torture.steps.kill_sweep --only 'write/" in printed
