"""A sample of the step of arbitrary valid records, and what it does when one stops the fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import projector.search.engine
from projector.fold import sessions as fold
from tests.torture.steps import convergence, odd_records

if TYPE_CHECKING:
    import pytest


def test_arbitrary_valid_records_stop_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a record holds, those around it are applied, and any arrangement says the same."""
    assert odd_records.main(["--sample"]) == 0
    assert "odd_records: seeds 0 to 39: 40 sets of" in capsys.readouterr().out


def test_a_fold_that_believes_what_it_is_given_is_caught(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A step that cannot fail proves nothing: one check less, and the record is named."""
    monkeypatch.setattr(fold, "is_amount", lambda value: value is not None)
    assert odd_records.main(["--seed", "82", "--seeds", "1"]) == 1
    printed = capsys.readouterr().out
    assert "FAILED seed " in printed
    assert "NotApplied" in printed
    assert "_cost" in printed
    assert "again: python -m tests.torture.steps.odd_records --seed " in printed


def test_readers_that_show_who_came_first_are_caught(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Convergence compares all that readers show: hits of one time in the order of rowids fail."""
    monkeypatch.setattr(
        projector.search.engine, "_names", lambda _db, times: {row: (row,) for row in times}
    )
    assert convergence.main(["--seed", "29", "--seeds", "1", "--workers", "1"]) == 1
    assert "Filters(" in capsys.readouterr().out
