"""Empty ids and names on a command line, as from a shell variable that is not set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from journal.cli import cli as journal_cli
from projector.cli import cli as projector_cli

if TYPE_CHECKING:
    from pathlib import Path

_FILTERS = ("--project", "--source", "--model", "--branch", "--tool", "--file")
_JOURNAL = [
    ("cat", "--session", ""),
    ("cat", "--type", ""),
    ("restore", ""),
    ("restore", "", "--to", "back"),
    ("restore", "s1", "--to", ""),
    ("export", "hermes", ""),
    ("forget", "", "--dry-run"),
    ("forget", " ", "--yes"),
    ("forget", "--message", "s1", "", "--dry-run"),
    ("forget", "--message", "", "m1", "--dry-run"),
    ("forget", "--source", "", "--dry-run"),
    ("import", "auto", ""),
]
_PROJECTOR = [
    ("show", ""),
    ("show", "s1", "--role", ""),
    ("search", "x", "--session", ""),
    ("search", "x", "--role", ""),
    *(("search", "x", name, "") for name in _FILTERS),
    *(("sessions", name, "") for name in _FILTERS),
    *(("facets", name, "") for name in _FILTERS),
    *(("usage", name, "") for name in _FILTERS[:3]),
]


@pytest.mark.parametrize("arguments", [*_JOURNAL, *_PROJECTOR], ids=" ".join)
def test_an_empty_name_is_wrong_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """It is no name that matches all or none: the error says that it is empty."""
    cli = journal_cli if arguments in _JOURNAL else projector_cli
    result = CliRunner().invoke(cli, ["--journal", str(tmp_path / "j"), *arguments])
    assert result.exit_code == 2, result.output
    assert "is empty" in result.stderr
    assert list(tmp_path.iterdir()) == []
