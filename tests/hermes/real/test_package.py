"""Hermes's own command and search tool run on a journal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ASKED = "HERMES_CHECK"
"""The environment variable that enables this test; its value is a version of hermes-agent."""


@pytest.mark.timeout(900)
def test_hermes_itself_runs_on_a_journal() -> None:
    """The real package lists, exports, searches and deletes sessions in a journal."""
    version = os.environ.get(ASKED)
    if not version:
        pytest.skip(
            f"{ASKED} is not set: {ASKED}=0.13.0 (or 0.19.0) installs hermes-agent from a package"
            " index into an environment of its own"
        )
    command = [sys.executable, "-m", "tools.hermes_check", "--version", version]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=800
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"hermes-agent {version} runs on a journal" in done.stdout
