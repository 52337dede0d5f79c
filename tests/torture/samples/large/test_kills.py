"""A sample of the rounds that kill projectors of parts and their drainers."""

from __future__ import annotations

import pytest

from tests.support.programs import clickhouse
from tests.torture.steps.large import kills


@pytest.mark.xdist_group("clickhouse")
def test_a_round_of_kills_ends_equal(capsys: pytest.CaptureFixture[str]) -> None:
    """The parts have one digest, and the sink has row by row what they have."""
    clickhouse.needed()
    assert kills.main(["--sample", "--seed", "2"]) == 0, capsys.readouterr().out
