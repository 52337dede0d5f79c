"""Frameworks are imported by their adapters only."""

from __future__ import annotations

import subprocess
import sys

FRAMEWORKS = ("agents", "claude_agent_sdk", "anyio", "langgraph", "google.adk", "pydantic")


def test_no_package_of_a_framework_is_loaded_unless_its_adapter_is() -> None:
    """Each adapter is an extra: without its packages everything else works, and starts as fast."""
    source = (
        "import sys, journal, projector, projector.adapters\n"
        "from projector import Projection, SessionStore\n"
        f"print([name for name in {FRAMEWORKS!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"
