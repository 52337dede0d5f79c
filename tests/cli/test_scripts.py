"""The scripts of both commands, from their first line."""

from __future__ import annotations

import signal
import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest

import journal
import projector

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_INTERRUPTED = """
import os, signal, sys
_, command, module, *sys.argv = sys.argv

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

from importlib import import_module
main = import_module(command + ".__main__").main
sys.meta_path.insert(0, Interrupt())
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("arguments", "module"),
    [
        (["journal", "status"], "journal.cli"),
        (["journal", "status"], "click"),
        (["journal", "status"], "journal.cli.status"),
        (["journal", "--help"], "journal.cli.verify"),
        (["projector", "run"], "projector.run.watch"),
        (["projector", "search", "x"], "apsw"),
    ],
)
def test_an_interrupt_during_the_start_ends_a_command_without_a_message(
    start: Callable[..., subprocess.Popen[str]], arguments: list[str], module: str
) -> None:
    """Ctrl-C during the imports ends the process like a later one."""
    process = start(_INTERRUPTED, arguments[0], module, *arguments)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (128 + signal.SIGINT, "", "")


@pytest.mark.parametrize("command", ["journal", "projector"])
def test_the_scripts_catch_interrupts_from_the_start(
    start: Callable[..., subprocess.Popen[str]], command: str
) -> None:
    """The entry point imports nothing else before it blocks signals, and then loads the command."""
    (script,) = entry_points(group="console_scripts", name=command)
    assert script.value == f"{command}.__main__:main"
    source = (
        f"import sys; sys.argv = ['/bin/{command}', '--version']; before = set(sys.modules);"
        "from signal import pthread_sigmask, SIG_BLOCK, SIGINT;"
        f"from {command}.__main__ import main;"
        "assert SIGINT in pthread_sigmask(SIG_BLOCK, ());"
        "new = {name for name in sys.modules if name not in before} - {'signal', 'enum'};"
        "own = {name for name in new if name.partition('.')[0] in {'journal', 'projector'}};"
        "assert 'click' not in new and len(own) <= 6, new;"
        "sys.exit(main())"
    )
    process = start(source)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert output == f"{command}, version {journal.__version__}\n"


@pytest.mark.parametrize("package", ["journal", "projector"])
def test_a_package_runs_as_a_module(package: str) -> None:
    """`python -m journal` and `python -m projector` are the commands."""
    done = subprocess.run(
        [sys.executable, "-m", package, "--version"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{package}, version {journal.__version__}\n"


@pytest.mark.parametrize("package", [journal, projector], ids=lambda package: package.__name__)
def test_the_exports_of_a_package_are_loaded_on_first_use(package: ModuleType) -> None:
    """`__all__` names what can be imported, and `dir` lists it; another name is an error."""
    for name in package.__all__:
        found = getattr(package, name)
        if isinstance(found, type):
            assert found.__name__ == name
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="has no attribute 'NoSuchName'"):
        _ = package.NoSuchName
    with pytest.raises(ImportError, match="cannot import name 'NoSuchName'"):
        exec(f"from {package.__name__} import NoSuchName", {})  # noqa: S102 - as a program would
    source = f"import sys, {package.__name__}; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60
    )
    own = {name for name in done.stdout.split() if name.startswith(("journal", "projector"))}
    assert own <= {"journal", "projector", "journal.process", "journal.process.exports"}


def test_the_version_is_that_of_the_installed_package() -> None:
    """`__version__` of both packages is the version in the metadata of the package."""
    metadata = import_module("importlib.metadata")
    assert journal.__version__ == projector.__version__ == metadata.version("agent-journal")
