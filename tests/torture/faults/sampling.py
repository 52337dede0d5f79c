"""Runs the sweeps that need strace: skipped without it, except in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]


def _missing() -> str | None:
    """Return why strace cannot be used; None if it can."""
    strace = shutil.which("strace")
    if strace is None:
        return "strace is not installed"
    tried = subprocess.run(
        [strace, "-o", os.devnull, "-e", "inject=getpid:error=EIO", "true"],
        capture_output=True,
        check=False,
    )
    return None if tried.returncode == 0 else f"strace may not trace here: {tried.stderr!r}"


# in CI a sweep without strace exits with 1: it must not be skipped there
needs_strace = pytest.mark.skipif(
    not os.environ.get("CI") and _missing() is not None, reason=f"no sweep: {_missing()}"
)
"""Skips tests where strace is missing, unless the environment variable CI is set."""


def run_sweep(tool: str, *arguments: str) -> tuple[int, str]:
    """Run one of the sweeps; return its exit code and its output."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.torture.steps.{tool}", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=_ROOT,
    )
    return done.returncode, done.stdout + done.stderr
