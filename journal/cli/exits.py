"""How a command ends: exceptions become one line on stderr and an exit code.

Both commands use this, each with its own mapping of exceptions to codes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from journal.cli.output import Warnings, say
from journal.cli.signals import Ended, end_by, raised_signals
from journal.cli.streams import OutputError, end_output, prepare_streams

if TYPE_CHECKING:
    from collections.abc import Mapping

DONE = 0
FAILED = 1
USAGE = 2
NOT_FOUND = 3
DAMAGED = 5
BUSY = 7
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


class ExitGroup(click.Group):
    """A group of commands whose exceptions end it as `codes` says.

    Args:
        codes: exit code of each exception; the class nearest to the exception's own counts.
            Exceptions that are not in it are bugs, and show as such.
    """

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - click's own
        codes: Mapping[type[Exception], int],
        **kwargs: Any,  # noqa: ANN401 - click's own
    ) -> None:
        super().__init__(*args, **kwargs)
        self._codes = codes

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - click's own
        """Run the whole program, whatever its standard streams are like."""
        prepare_streams()
        logging.lastResort = Warnings(logging.WARNING)
        try:
            return super().main(*args, **kwargs)
        except OutputError as error:  # of a help text: no command runs yet
            _tell(error)
            end_output()
            sys.exit(FAILED)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - a command may return anything
        """Run the command; end as the exception it raised says."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            with raised_signals():
                result = super().invoke(ctx)
                sys.stdout.flush()
        except BrokenPipeError:
            # the reader, such as `head`, has what it wanted; who must not end so, catches it
            end_output()
            ctx.exit(DONE)
        except Ended as error:
            end_output()
            end_by(error.number)
            raise
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except click.NoSuchOption as error:
            self._say_where(error, ctx)
            raise
        except tuple(self._codes) as error:
            _tell(error)
            end_output()
            ctx.exit(self._code(error))
        return result

    def _say_where(self, error: click.NoSuchOption, ctx: click.Context) -> None:
        """Raise an error that says where the option belongs, if it is one of the group's."""
        name, command = error.option_name, ctx.invoked_subcommand
        for option in self.params:
            if name in option.opts and isinstance(option, click.Option):
                value = "" if option.is_flag else f" {option.make_metavar(ctx)}"
                message = (
                    f"{error.message} {name} goes before the command:"
                    f" {ctx.command_path} {name}{value} {command} ..."
                )
                raise click.NoSuchOption(name, message, ctx=error.ctx) from error

    def _code(self, error: Exception) -> int:
        return next(self._codes[kind] for kind in type(error).__mro__ if kind in self._codes)


def _tell(error: Exception) -> None:
    with contextlib.suppress(OSError):  # nobody hears it: the exit code is all that is left
        say(f"Error: {error}", err=True)
