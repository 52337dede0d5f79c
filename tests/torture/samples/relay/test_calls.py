"""A sample of the system calls at which a relay is killed, and of those that fail."""

from __future__ import annotations

from tests.support.relay.servers import find_server
from tests.torture.faults.sampling import needs_strace, run_sweep


@needs_strace
def test_a_relay_that_is_killed_or_refused_at_a_call_loses_nothing() -> None:
    """Both machines end with the same bytes, and with each event once."""
    find_server()
    code, printed = run_sweep("relay.calls", "--sample")
    assert code == 0, printed
