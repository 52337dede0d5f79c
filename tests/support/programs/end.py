"""How tests end the programs that they started."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

_SECONDS = 10
"""Seconds that the kernel gets to end a killed process."""


def end(process: subprocess.Popen[str]) -> None:
    """Kill a program and close its pipes.

    The rest in the pipes is not read: a process that the program has started, and that outlives it,
    keeps them open.
    """
    process.kill()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(BrokenPipeError):  # the program has not read all its input
                pipe.close()
    process.wait(_SECONDS)
