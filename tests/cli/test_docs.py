"""docs/cli.md is what the commands say of themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_command_line_reference_is_up_to_date() -> None:
    """docs/cli.md is made from the help texts; `make docs` writes it."""
    check = [sys.executable, str(ROOT / "tools/cli_reference.py"), "--check"]
    result = subprocess.run(check, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_reference_shows_every_command() -> None:
    """Both commands and each of their subcommands have a section."""
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for command in ("append", "import", "export", "cat", "status", "verify"):
        assert f"\n### journal {command}\n" in text
    for command in ("run", "sync", "rebuild", "digest", "status", "search", "sessions", "show"):
        assert f"\n### projector {command}\n" in text
