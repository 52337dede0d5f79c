"""Show output in a pager, as git does."""

from __future__ import annotations

import os
import shlex
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from journal.cli.kit.output import is_terminal, print_line
from journal.cli.kit.signals import Terminated
from journal.cli.kit.streams import output_to_pager

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFAULT = "less"
_OPTIONS = "FRX"
"""Options of less, unless LESS is set: end if all fits, show colours, leave the text there."""
_NONE = ("", "cat")


@contextmanager
def paged(*, wanted: bool = True) -> Iterator[None]:
    """Pass what is written to standard output on to a pager.

    Only on a terminal that can be paged; else nothing changes. A pager that is ended before it has
    read everything ends the output, and the command with it.

    Args:
        wanted: False for none.

    Raises:
        BrokenPipeError: the pager was ended before everything was written.
    """
    process = _start() if wanted and is_terminal() and _can_page() else None
    if process is None or process.stdin is None:
        yield
        return
    try:
        with output_to_pager(process.stdin.fileno()):
            yield
    finally:
        process.stdin.close()
        _wait(process)


def _can_page() -> bool:
    return os.environ.get("TERM", "dumb") != "dumb"


def _start() -> subprocess.Popen[bytes] | None:
    """Start the pager; return None where there is none, or none is wanted."""
    named = os.environ.get("PAGER")
    if (named if named is not None else _DEFAULT).strip() in _NONE:
        return None
    try:
        words = shlex.split(named or _DEFAULT)
        environment = {"LESS": _OPTIONS, **os.environ}
        return subprocess.Popen(words, stdin=subprocess.PIPE, env=environment)  # noqa: S603 - the user's own choice
    except (OSError, ValueError) as error:
        if named is not None:
            print_line(f"warning: the pager {named!r} cannot be started: {error}", err=True)
        return None


def _wait(process: subprocess.Popen[bytes]) -> None:
    """Wait for the pager to end; Ctrl-C is for the pager, which still has the terminal."""
    ended = None
    while ended is None:
        try:
            ended = process.wait()
        except Terminated:
            raise
        except KeyboardInterrupt:
            continue
