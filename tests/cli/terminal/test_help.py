"""Help texts on a terminal of 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from journal.cli import cli as journal
from projector.cli import cli as projector

if TYPE_CHECKING:
    import click

PROGRAMS: dict[str, click.Group] = {"journal": journal, "projector": projector}
COMMANDS = [
    (name, command) for name, group in PROGRAMS.items() for command in ("", *group.commands)
]


@pytest.mark.parametrize(("program", "command"), COMMANDS)
def test_no_line_of_help_is_wider_than_80_columns(program: str, command: str) -> None:
    """Also the lines of examples and lists, which are not wrapped."""
    arguments = [command] if command else []
    help = CliRunner().invoke(PROGRAMS[program], [*arguments, "--help"], terminal_width=80).stdout
    assert help.startswith("Usage: ")
    assert [line for line in help.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_summary_of_each_command_is_whole(program: str) -> None:
    """The list of commands has the first sentence of each help text, and cuts none."""
    shown = CliRunner().invoke(PROGRAMS[program], ["--help"], terminal_width=80).stdout
    listed = shown.split("Commands:\n")[1].splitlines()
    assert len(listed) == len(PROGRAMS[program].commands)
    assert [line for line in listed if line.endswith("...")] == []
