"""The commands of the projector and of the journal, run in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner

from journal.cli import cli as journal_cli
from projector.cli import cli

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def run(journal_dir: Path, *arguments: str) -> Result:
    """Run a command of the projector."""
    return CliRunner().invoke(cli, ["--journal", str(journal_dir), *arguments])


def in_journal(journal_dir: Path, *arguments: str) -> Result:
    """Run a command of the journal."""
    return CliRunner().invoke(journal_cli, ["--journal", str(journal_dir), *arguments])
