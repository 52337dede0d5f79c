"""A server starts fast: an agent waits for it."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import sys
from projector.mcp import command
print(*sys.modules)
"""
_HEAVY = {"mcp", "mcp_types", "pydantic", "asyncio", "anyio", "rich", "uvicorn", "ssl"}
_WRITING = {"journal.writer", "journal.lanes.lane", "projector.store.session_store"}


def test_a_server_over_stdio_loads_neither_the_sdk_nor_what_writes() -> None:
    """To import the SDK takes several times as long as to start and to search."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    assert not (_HEAVY | _WRITING) & set(done.stdout.split())
