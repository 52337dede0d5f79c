"""Run commands on a terminal."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from tests.support.programs.commands import Command

if TYPE_CHECKING:
    from tests.support.programs.commands import Commands


class Shown(NamedTuple):
    """What a terminal shows of a command, and its exit code."""

    text: str
    code: int


def on_terminal(commands: Commands, argv: list[str], **variables: str) -> Shown:
    """Run a command whose three streams are a terminal.

    Args:
        commands: runs it.
        argv: the program and its arguments.
        variables: of the environment, in addition to those of the tests.
    """
    ours, theirs = os.openpty()
    tty = os.ttyname(theirs)
    pieces: list[bytes] = []
    reading = threading.Thread(target=_read_all, args=(ours, pieces))
    reading.start()
    environment = {"TERM": "xterm", "PYTHONUTF8": "1", **os.environ, **variables}
    try:
        code = commands.run(Command(argv, tty, tty, environment, stdin=tty))
    finally:
        os.close(theirs)
        reading.join(60)
        os.close(ours)
    return Shown(b"".join(pieces).decode().replace("\r\n", "\n"), code)


def _read_all(terminal: int, pieces: list[bytes]) -> None:
    with suppress(OSError):  # the other end of the terminal is closed
        while piece := os.read(terminal, 65536):
            pieces.append(piece)
