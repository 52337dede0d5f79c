"""A sample of the system calls at which a relay is killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.relay.servers import find_server
from tests.torture.faults.sampling import needs_strace
from tests.torture.steps.relay import calls

if TYPE_CHECKING:
    import pytest


@needs_strace
def test_a_relay_killed_at_a_call_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Both machines end with the same bytes, and with each event once."""
    find_server()
    assert calls.main(["--sample"]) == 0, capsys.readouterr().out
