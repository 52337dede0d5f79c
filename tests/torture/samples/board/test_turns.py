"""A little of the step `turns`, and a sight of it failing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.torture.steps.board.turns import round_of

if TYPE_CHECKING:
    from pathlib import Path


def test_one_process_at_a_time_has_the_lock(tmp_path: Path) -> None:
    """Others are suspended and killed; each that is not gets its turn."""
    counts, faults = round_of(tmp_path, 3, sabotaged=False)
    assert faults == []
    assert counts["turns"] > 12


def test_the_step_sees_two_that_have_the_lock(tmp_path: Path) -> None:
    """Each first try succeeds there."""
    _, faults = round_of(tmp_path, 3, sabotaged=True)
    assert any("was not alone" in fault for fault in faults)
