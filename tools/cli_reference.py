"""Write docs/cli.md from the help texts of both commands, or check that it is what they say.

python -m tools.cli_reference --write
python -m tools.cli_reference --check
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tools.generated import main

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGET = Path(__file__).parents[1] / "docs" / "cli.md"
COMMANDS = {"journal": "journal.cli", "projector": "projector.cli"}
"""Each command, and the module whose `cli` is its click group."""
WIDTH = 96
HEAD = """# Command line reference

<!-- made by `make docs` from the help texts; a test compares them -->

`journal` is the write side, `projector` the read side. Data goes to stdout, everything else to
stderr; `-h` after any command prints the same text.
"""


def reference() -> str:
    """Return the text of docs/cli.md."""
    parts = [HEAD]
    for name, module in COMMANDS.items():
        group: click.Command = import_module(module).cli
        parts += [f"## {name}\n", _help(group, None, name)]
        for context, command in _walk(group, click.Context(group, info_name=name)):
            title = context.command_path
            parts += [f"### {title}\n", _help(command, context.parent, context.info_name)]
    return "\n".join(parts)


def _walk(
    command: click.Command, context: click.Context
) -> Iterator[tuple[click.Context, click.Command]]:
    if not isinstance(command, click.Group):
        return
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        if inner is None or inner.hidden:
            continue
        below = click.Context(inner, parent=context, info_name=name)
        yield below, inner
        yield from _walk(inner, below)


def _help(command: click.Command, parent: click.Context | None, name: str | None) -> str:
    context = click.Context(
        command,
        parent=parent,
        info_name=name,
        help_option_names=["-h", "--help"],
        terminal_width=WIDTH,
        max_content_width=WIDTH,
    )
    lines = (line.rstrip() for line in command.get_help(context).splitlines())
    return "```\n" + "\n".join(lines) + "\n```\n"


if __name__ == "__main__":
    sys.exit(main(__doc__, TARGET, reference, "the help texts"))
