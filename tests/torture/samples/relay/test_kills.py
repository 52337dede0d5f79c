"""A sample of the rounds that kill servers, relays and projectors."""

from __future__ import annotations

import pytest

from tests.support.relay.servers import find_server
from tests.torture.steps.relay import kills


@pytest.mark.timeout(300)
def test_rounds_of_kills_lose_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """All machines end with the same bytes, and with each event once."""
    find_server()
    assert kills.main(["--sample", "--seed", "2"]) == 0, capsys.readouterr().out
