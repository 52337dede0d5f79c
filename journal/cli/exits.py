"""How a command ends: exceptions become one line on stderr and an exit code.

Both commands use this, each with its own mapping of exceptions to codes.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

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

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - a command may return anything
        """Run the command; end as the exception it raised says."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # the reader, such as `head`, has what it wanted
            _discard_output()
            ctx.exit(DONE)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except tuple(self._codes) as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(self._code(error))
        return result

    def _code(self, error: Exception) -> int:
        return next(self._codes[kind] for kind in type(error).__mro__ if kind in self._codes)


def _discard_output() -> None:
    """Send what is still buffered nowhere: the interpreter flushes once more when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
