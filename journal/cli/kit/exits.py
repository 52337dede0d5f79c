"""How a command ends: exceptions become one line on stderr and an exit code."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from journal.cli.kit.output import LogHandler, print_line
from journal.cli.kit.signals import Terminated, die_by_signal, raise_on_signals
from journal.cli.kit.streams import OutputError, flush_or_discard, prepare_streams

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DONE = 0
FAILED = 1
USAGE = 2
NOT_FOUND = 3
DAMAGED = 5
INCOMPLETE = 6
BUSY = 7
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


@contextmanager
def exit_codes(context: click.Context, codes: Mapping[type[Exception], int]) -> Iterator[None]:
    """Write an exception that has an exit code to stderr, and exit with that.

    Raises:
        click.exceptions.Exit: there was one.
    """
    try:
        yield
    except BrokenPipeError:
        raise  # not a failure: the group ends it with 0
    except tuple(codes) as error:
        _write_error(error)
        flush_or_discard()
        context.exit(next(codes[kind] for kind in type(error).__mro__ if kind in codes))


class _WithCodes(click.Command):
    """A command that has an exit code for each exception that it may end with.

    Args:
        codes: the exit codes; that of the nearest class counts. An exception of no such class is a
            bug, and shows as one.
    """

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - click's own
        codes: Mapping[type[Exception], int],
        **kwargs: Any,  # noqa: ANN401 - click's own
    ) -> None:
        super().__init__(*args, **kwargs)
        self.codes = codes


class ExitCommand(_WithCodes):
    """A command of a plug-in, whose exceptions have exit codes that the program does not know."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - a command may return anything
        """Run the command; end as the exit code of its exception says."""
        with exit_codes(ctx, self.codes):
            return super().invoke(ctx)


class ExitGroup(_WithCodes, click.Group):
    """All commands of a program, and how they end."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - click's own
        """Run the whole program, whatever its standard streams are like."""
        prepare_streams()
        logging.lastResort = LogHandler(logging.WARNING)
        try:
            return super().main(*args, **kwargs)
        except OutputError as error:  # of a help text: no command runs yet
            _write_error(error)
            flush_or_discard()
            sys.exit(FAILED)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401 - click's own
        """Parse the options; a Ctrl-C meanwhile, as in --help, ends the program quietly."""
        try:
            return super().make_context(*args, **kwargs)
        except KeyboardInterrupt as error:
            raise click.exceptions.Exit(INTERRUPTED) from error

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - a command may return anything
        """Run the command; end as the exception it raised says."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            with exit_codes(ctx, self.codes), raise_on_signals():
                try:
                    result = super().invoke(ctx)
                except click.exceptions.Exit:
                    sys.stdout.flush()  # a command with an exit code may have printed, too
                    raise
                sys.stdout.flush()
        except BrokenPipeError:
            # the reader, such as `head`, has what it wanted
            flush_or_discard()
            ctx.exit(DONE)
        except Terminated as error:
            flush_or_discard()
            die_by_signal(error.number)
            raise
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except click.NoSuchOption as error:
            self._check_place(error, ctx)
            raise
        return result

    def _check_place(self, error: click.NoSuchOption, ctx: click.Context) -> None:
        """Raise an error that names the right place of an option, if the group has it.

        Raises:
            click.NoSuchOption: the option must be before the command.
        """
        name, command = error.option_name, ctx.invoked_subcommand
        for option in self.params:
            if name in option.opts and isinstance(option, click.Option):
                value = "" if option.is_flag else f" {option.make_metavar(ctx)}"
                message = (
                    f"{error.message} {name} must be before the command:"
                    f" {ctx.command_path} {name}{value} {command} ..."
                )
                raise click.NoSuchOption(name, message, ctx=error.ctx) from error


def _write_error(error: Exception) -> None:
    message = "; ".join([str(error), *getattr(error, "__notes__", ())])
    with contextlib.suppress(OSError):  # stderr is closed: the exit code is all that is left
        print_line(f"Error: {message}", err=True)
