"""A little of the step `board`, and a sight of it failing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.torture.steps.board.workers import round_of

if TYPE_CHECKING:
    from pathlib import Path


def test_each_task_is_done_once_although_workers_are_killed(tmp_path: Path) -> None:
    """Workers die at any moment, and others finish their tasks."""
    counts, faults = round_of(tmp_path, 3, None)
    assert faults == []
    assert counts["claimed"] >= 40


def test_the_step_sees_decisions_without_a_lock(tmp_path: Path) -> None:
    """Without it, two workers get one task."""
    for seed in range(3):
        _, faults = round_of(tmp_path / str(seed), seed, "lock")
        if faults:
            return
    raise AssertionError("no fault was found")
