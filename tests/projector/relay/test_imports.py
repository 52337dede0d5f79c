"""What is loaded when no journal is relayed."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["journal", "projector", "journal.cli", "projector.cli"])
def test_no_module_of_the_relay_is_loaded_before_it_is_used(package: str) -> None:
    """Neither packages nor command lines import the relay, or the client of the server."""
    code = (
        f"import sys, {package}\n"
        "print([m for m in sys.modules if m.split('.')[0] == 'nats' or 'relay' in m])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
