"""How a program that a test has started ends."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

_SECONDS = 10
"""Seconds that the kernel gets to end a killed process."""


def end(process: subprocess.Popen[str]) -> None:
    """Kill a program and close its pipes.

    What is still in the pipes is not read: a process that the program has started, and that goes on
    after it, keeps them open.
    """
    process.kill()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(BrokenPipeError):  # it has not read what was written to it
                pipe.close()
    process.wait(_SECONDS)
