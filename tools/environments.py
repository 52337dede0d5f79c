"""Virtual environments of the tools, made and filled by uv: some have hundreds of packages."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE = 900
"""Seconds that one step may take."""


class NotInstalled(Exception):  # noqa: N818 - a state of the environment
    """An environment could not be made, or a package could not be had; the text has the output."""


def make(folder: Path) -> Path:
    """Make an environment of this version of Python; return its interpreter.

    Raises:
        NotInstalled: it cannot be made.
    """
    _uv("venv", "--quiet", "--python", sys.executable, str(folder))
    return interpreter(folder)


def interpreter(folder: Path) -> Path:
    """Return the interpreter of the environment in a folder."""
    return folder / "bin" / "python"


def install(python: Path, *arguments: str) -> None:
    """Install packages into the environment of an interpreter.

    Args:
        python: the interpreter.
        arguments: requirements, and options of `uv pip install`.

    Raises:
        NotInstalled: a package could not be had.
    """
    _uv("pip", "install", "--quiet", "--python", str(python), *arguments)


def _uv(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", *arguments]
    done = subprocess.run(  # noqa: PLW1510 - the exit code is looked at
        command, capture_output=True, text=True, timeout=_PATIENCE
    )
    if done.returncode:
        raise NotInstalled(f"uv {arguments[0]} failed:\n{done.stderr.strip()}")
