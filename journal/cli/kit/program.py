"""The group of all commands of a program: the journal that they work on, and how they end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from journal import __version__
from journal.cli.kit.exits import ExitGroup
from journal.cli.kit.paths import NonEmptyPath
from journal.fs.location import default_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from journal.cli.kit.commands import Commands


def program(
    name: str, codes: Mapping[type[Exception], int], commands: Commands
) -> Callable[[Callable[[], None]], click.Group]:
    """Make a function the group of all commands of a program; its docstring is the help text.

    Each command gets the path of the journal as its context's object.

    Args:
        name: name of the program.
        codes: exit code of each exception that a command may end with.
        commands: the commands.
    """

    def decorate(described: Callable[[], None]) -> click.Group:
        @click.group(
            name,
            cls=ExitGroup,
            codes=codes,
            commands=commands,
            help=described.__doc__,
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        )
        @click.option(
            "--journal",
            "path",
            type=NonEmptyPath(path_type=Path),
            metavar="DIR",
            help="Folder of the journal."
            " [default: JOURNAL_DIR, else agent-journal in the XDG data folder]",
        )
        @click.version_option(__version__)
        @click.pass_context
        def group(context: click.Context, path: Path | None) -> None:
            context.obj = default_path() if path is None else path

        return group

    return decorate
