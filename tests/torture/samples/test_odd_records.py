"""A sample of the step of arbitrary valid records, and faults of the fold that it detects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import projector.search.ordering.order
from projector.fold import sessions as fold
from tests.torture.steps import convergence, odd_records

if TYPE_CHECKING:
    import pytest


def test_arbitrary_valid_records_stop_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """All records around an odd one are applied, and every arrangement gives the same content."""
    assert odd_records.main(["--sample"]) == 0
    assert "odd_records: seeds 0 to 39: 40 sets of" in capsys.readouterr().out


def test_a_fold_without_a_check_is_detected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one check less in the fold, the step fails and names the record."""
    monkeypatch.setattr(fold, "is_amount", lambda value: value is not None)
    assert odd_records.main(["--seed", "9", "--seeds", "1"]) == 1
    printed = capsys.readouterr().out
    assert "FAILED seed " in printed
    assert "NotApplied" in printed
    assert "_cost" in printed
    assert "again: python -m tests.torture.steps.odd_records --seed " in printed


def test_an_order_of_arrival_in_readers_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hits of one time in the order of rowids fail: all that readers show is compared."""
    monkeypatch.setattr(
        projector.search.ordering.order, "_names", lambda _db, times: {row: (row,) for row in times}
    )
    assert "Filters(" in convergence.run([17]).failed[17]
