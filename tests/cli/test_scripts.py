"""The scripts of both commands, from their first line on."""

from __future__ import annotations

import signal
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

_INTERRUPTED = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[2]:
            os.kill(os.getpid(), signal.SIGINT)

import agent_journal
sys.meta_path.insert(0, Interrupt())
sys.exit(getattr(agent_journal, sys.argv[1])())
"""


@pytest.mark.parametrize(
    ("command", "module"),
    [("journal", "journal"), ("journal", "click"), ("projector", "projector.run.watch")],
)
def test_an_interrupt_while_a_command_is_loaded_ends_it_quietly(
    start: Callable[..., subprocess.Popen[str]], command: str, module: str
) -> None:
    """A Ctrl-C before the first line of a command ran ends it as one that comes later does."""
    process = start(_INTERRUPTED, command, module)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (128 + signal.SIGINT, "", "")


@pytest.mark.parametrize("command", ["journal", "projector"])
def test_the_scripts_start_where_an_interrupt_is_caught(
    start: Callable[..., subprocess.Popen[str]], command: str
) -> None:
    """The entry point loads nothing of the libraries before it runs, and then the command."""
    (script,) = entry_points(group="console_scripts", name=command)
    assert script.value == f"agent_journal:{command}"
    source = (
        "import sys, agent_journal;"
        "assert not {'journal', 'projector', 'click'} & set(sys.modules);"
        f"sys.argv = ['{command}', '--version'];"
        f"sys.exit(agent_journal.{command}())"
    )
    process = start(source)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert output.startswith(f"{command}, version ")
