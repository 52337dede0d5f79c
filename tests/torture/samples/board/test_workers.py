"""A little of the step `board`, and a sight of it failing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.torture.steps.board.workers import SABOTAGES, round_of

if TYPE_CHECKING:
    from pathlib import Path


def test_each_task_is_done_once_although_workers_are_killed(tmp_path: Path) -> None:
    """Workers die at any moment, and others finish their tasks."""
    counts, faults = round_of(tmp_path, 3, None)
    assert faults == []
    assert counts["claimed"] >= 40


@pytest.mark.parametrize("sabotage", SABOTAGES)
def test_the_step_sees_decisions_without_what_they_rest_on(tmp_path: Path, sabotage: str) -> None:
    """Without the lock, or without what is not applied, two workers get one task."""
    for seed in range(3):
        _, faults = round_of(tmp_path / str(seed), seed, sabotage)
        if faults:
            return
    raise AssertionError("no fault was found")
