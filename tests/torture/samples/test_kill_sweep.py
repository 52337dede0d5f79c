"""A sample of the kill sweep, and that it catches what it is there for."""

from __future__ import annotations

from tests.torture.faults.sampling import needs_strace, run_sweep

pytestmark = needs_strace


def test_killed_anywhere_nothing_is_lost_or_doubled() -> None:
    """At a sample of the points, in every workload, everything acknowledged is there once."""
    code, said = run_sweep("kill_sweep", "--sample", "--seed", "1")
    assert code == 0, said
    assert "kill sweep: 5" in said, said  # of 56 points
    for workload in ("write", "import", "import-more", "sync-new", "sync", "rebuild", "run"):
        assert f"{workload} " in said


def test_a_writer_that_acknowledges_too_early_is_caught() -> None:
    """A sweep that never fails proves nothing: this writer acknowledges before it appends."""
    point = "write/write:signal=KILL:when=5"
    code, said = run_sweep("kill_sweep", "--only", point, "--sabotage")
    assert code == 1, said
    assert "was acknowledged and is lost" in said
    assert "again: python -m tests.torture.steps.kill_sweep --only 'write/" in said
