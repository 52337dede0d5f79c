"""A sample of the fault sweep: system calls that fail, a full disk, a read-only one."""

from __future__ import annotations

from tests.torture.faults.sampling import needs_strace, run_sweep

pytestmark = needs_strace


def test_a_call_that_fails_is_one_clear_error() -> None:
    """At a sample of the points there is an error message or none; nothing is lost or repeated."""
    code, printed = run_sweep("fault_sweep", "--sample", "--seed", "1")
    assert code == 0, printed
    assert " 0 failures; seed 1" in printed


def test_a_writer_survives_a_disk_that_stays_full() -> None:
    """Every write fails until the cause is removed; then the same handle continues."""
    point = "write/write:error=ENOSPC:when=3+"
    code, printed = run_sweep("fault_sweep", "--only", point)
    assert code == 0, printed
    assert "fault sweep: 1 faults of 1" in printed
