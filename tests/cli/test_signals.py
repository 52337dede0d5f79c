"""A signal ends every command by that signal, after the command has cleaned up."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

_EACH_COMMAND = """
import os, signal, sys, time
from importlib import import_module

import click

number, folder = int(sys.argv[1]), sys.argv[2]


def interrupted(**_):
    try:
        os.kill(os.getpid(), number)
        time.sleep(30)
    finally:
        open(f"{folder}/{os.getpid()}", "w").close()


def commands(group, *path):
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


for program in ("journal", "projector"):
    group = import_module(f"{program}.cli").cli
    for path, command in commands(group):
        command.callback, command.params = interrupted, []
        child = os.fork()
        if not child:
            group(["--journal", folder, *path], prog_name=program)
        _, status = os.waitpid(child, 0)
        done = os.path.exists(f"{folder}/{child}")
        print(program, *path, os.waitstatus_to_exitcode(status), done)
"""


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGHUP, -signal.SIGHUP),
        (signal.SIGTERM, -signal.SIGTERM),
        (signal.SIGINT, 128 + signal.SIGINT),
    ],
)
def test_a_signal_ends_every_command(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: int, code: int
) -> None:
    """The cleanup of the command is done, and nothing is written to stderr."""
    process = start(_EACH_COMMAND, int(number), tmp_path)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    ended = [line.rsplit(maxsplit=2) for line in output.splitlines()]
    assert len(ended) >= 40
    assert {tuple(rest) for _, *rest in ended} == {(str(code), "True")}
