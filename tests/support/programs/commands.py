"""Commands of both programs, each in a fork of one process that has imported them.

Starting an interpreter and importing take longer than most commands. A test of a command's output,
and not of its start, runs many commands in this way.

`python -m tests.support.programs.commands` reads a `Command` a line, as JSON, and writes its exit
code.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Self

from tests.support.programs.end import end

ROOT = Path(__file__).parents[3]
_LOADED_LATE = (
    "projector.projection",
    "projector.reading.own_projector",
    "projector.search.request",
    "projector.upkeep.status",
    "rich.console",
)
"""Modules that most commands import when they run."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command, and the files that are its streams.

    Attributes:
        argv: the program and its arguments; bytes that are no text as `os.fsdecode` has them.
        out: standard output, a file that is truncated.
        err: standard error; it may be the same file as `out`.
        environment: all variables.
        stdin: standard input.
    """

    argv: list[str]
    out: str
    err: str
    environment: dict[str, str]
    stdin: str = os.devnull


class Commands:
    """Runs commands, one after the other."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.programs.commands"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        end(self._server)

    def run(self, command: Command) -> int:
        """Run a command; return its exit code."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(request(command))
        self._server.stdin.flush()
        return int(self._server.stdout.readline())


def request(command: Command) -> str:
    """Return the line of JSON that asks for a command."""
    return json.dumps(asdict(command)) + "\n"


def serve() -> None:
    """Run the commands that are read from standard input."""
    for program in ("journal", "projector"):
        group = import_module(f"{program}.cli").cli
        for name in list(group.commands):
            group.commands[name]
    for module in _LOADED_LATE:
        import_module(module)
    for line in sys.stdin:
        command = Command(**json.loads(line))
        if (child := os.fork()) == 0:
            _become(command)
        status = os.waitpid(child, 0)[1]
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _become(command: Command) -> None:
    """Run a command in this process, and end the process as an interpreter ends."""
    code = 1
    try:
        os.environ.clear()
        os.environ.update(command.environment)
        _open_streams(command)
        sys.argv = command.argv
        try:
            code = import_module(f"{Path(command.argv[0]).name}.__main__").main()
        except SystemExit as exit:
            code = exit.code if isinstance(exit.code, int) else int(exit.code is not None)
        except BaseException:  # noqa: BLE001 - as the interpreter does
            sys.excepthook(*sys.exc_info())
        atexit._run_exitfuncs()
    finally:
        os._exit(code or 0)


def _open_streams(command: Command) -> None:
    """Open files as the standard streams, as an interpreter in UTF-8 mode does."""
    empty = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOCTTY
    modes = [os.O_RDONLY | os.O_NOCTTY, empty | os.O_TRUNC, empty]
    for fd, (path, mode) in enumerate(
        zip((command.stdin, command.out, command.err), modes, strict=True)
    ):
        opened = os.open(path, mode, 0o600)
        os.dup2(opened, fd)
        os.close(opened)
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115 - as long as the process
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", 1, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115


if __name__ == "__main__":
    serve()
