"""Commands of `journal` that other packages add: entry points of the group journal.commands."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from journal.cli.kit import plugins
from journal.cli.kit.commands import Commands

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., subprocess.CompletedProcess[str]]

_MODULE = '''
import click
from journal.cli.kit.exits import ExitCommand
from journal.cli.kit.output import print_line

print("loaded", file=__import__("sys").stderr)


class Busy(Exception):
    """An error of the package."""


@click.command("greet")
@click.pass_obj
def command(path):
    """Greet the journal."""
    print_line(f"hello {path}")


@click.command("fail", cls=ExitCommand, codes={Busy: 7})
def fail():
    """Fail with an error of the package."""
    raise Busy("come back later")


@click.command("append")
def append():
    """Hide the command of the journal."""
    print_line("hidden")


number = 7
'''

_ENTRY_POINTS = """
[journal.commands]
append = fake_plugin:append
exits = fake_plugin_that_exits:command
malformed = :::
skips = fake_plugin_that_skips:command
fail = fake_plugin:fail
greet = fake_plugin:command
missing = fake_plugin:nothing
number = fake_plugin:number
unloadable = fake_plugin_that_is_gone:command
"""


def _install(site: Path, package: str, entry_points: str) -> None:
    info = site / f"{package.replace('-', '_')}-1.5.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text(entry_points)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `journal` where a package with plug-ins is installed."""
    site = tmp_path / "site"
    _install(site, "fake-plugin", _ENTRY_POINTS)
    (site / "fake_plugin.py").write_text(_MODULE)
    (site / "fake_plugin_that_exits.py").write_text("raise SystemExit(3)\n")
    (site / "fake_plugin_that_skips.py").write_text(
        "class Skip(BaseException): pass\n\nraise Skip('not here')\n"
    )
    environment = os.environ | {"PYTHONPATH": str(site), "JOURNAL_DIR": str(tmp_path / "journal")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "journal", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_a_plug_in_is_a_command(run: Run, tmp_path: Path) -> None:
    """It gets the path of the journal, as every command does, and has its own help text."""
    done = run("greet")
    assert (done.returncode, done.stdout) == (0, f"hello {tmp_path / 'journal'}\n")
    assert "Greet the journal." in run("greet", "--help").stdout


def test_a_plug_in_has_its_own_exit_codes(run: Run) -> None:
    """`ExitCommand` turns an exception of the package into one line and an exit code."""
    done = run("fail")
    assert (done.returncode, done.stdout) == (7, "")
    assert done.stderr == "loaded\nError: come back later\n"


def test_help_lists_plug_ins(run: Run) -> None:
    """A plug-in that cannot be loaded is also listed, and does not break the help."""
    done = run("--help")
    assert done.returncode == 0
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("  ")}
    assert "Greet the journal." in lines["greet"]
    assert "Append one message" in lines["append"]
    for name in ("exits", "malformed", "missing", "number", "skips", "unloadable"):
        assert "cannot be loaded" in lines[name]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("exits", "SystemExit: 3"),
        ("malformed", "its value must have the form 'module:name'"),
        ("skips", "Skip: not here"),
        ("missing", "AttributeError: module 'fake_plugin' has no attribute 'nothing'"),
        ("number", "its type is int, not click.Command"),
        ("unloadable", "ModuleNotFoundError: No module named 'fake_plugin_that_is_gone'"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--help"]])
def test_the_error_of_a_broken_plug_in_names_it(
    run: Run, name: str, why: str, more: list[str]
) -> None:
    """The error names entry point, package and reason; the exit code is 1."""
    done = run(name, *more)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Error: the plug-in '{name}' (" in done.stderr
    assert "of the package fake-plugin 1.5) cannot be used: " in done.stderr
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_plug_ins_are_loaded_only_for_unknown_names(run: Run) -> None:
    """A command of `journal` does not load plug-ins, and no plug-in can replace it."""
    done = run("append", "--session", "s1", "--role", "user", "--id", "m1", "hi")
    assert (done.returncode, done.stdout, done.stderr) == (0, "m1\n", "")
    assert run("status").stderr == ""


def test_two_plug_ins_with_one_name_are_reported(run: Run, tmp_path: Path) -> None:
    """The command works, and a warning names the package that is not used, also in `--help`."""
    _install(tmp_path / "site", "other-plugin", "[journal.commands]\ngreet = fake_plugin:fail\n")
    warning = (
        "warning: the plug-in 'greet' (fake_plugin:fail of the package other-plugin 1.5) cannot be"
        " used: fake_plugin:command has the same name and is used; update or uninstall the package"
    )
    done = run("greet")
    assert (done.returncode, done.stdout) == (0, f"hello {tmp_path / 'journal'}\n")
    assert warning in done.stderr.splitlines()
    listed = run("--help")
    assert (listed.returncode, listed.stderr.splitlines().count(warning)) == (0, 1)
    assert "warning" not in run("fail").stderr


def test_an_unknown_name_is_wrong_usage(run: Run) -> None:
    """The error names similar commands, also those of plug-ins."""
    done = run("gret")
    assert done.returncode == 2
    assert "No such command 'gret'" in done.stderr
    assert "greet" in done.stderr


def test_entry_points_that_cannot_be_read_are_an_error_that_says_so(
    run: Run, tmp_path: Path
) -> None:
    """Python passes over them: `relay` would be no command, though `--help` may list it."""
    _install(tmp_path / "site", "agent-journal", "")
    path = tmp_path / "site" / "agent_journal-1.5.dist-info" / "entry_points.txt"
    path.unlink()
    path.mkdir()  # as a file that may not be read, which root may read
    done = run("relay", "status")
    assert done.returncode == 1
    assert "Error: entry_points.txt of the package agent-journal cannot be read" in done.stderr
    assert str(tmp_path / "site") in done.stderr


def test_a_command_that_was_not_found_once_is_looked_up_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder that cannot be listed at one moment, without a free descriptor, counts as empty."""
    monkeypatch.setattr(plugins, "find", lambda _group: ({}, []))
    commands = Commands({}, plugins="journal.commands")
    assert commands["forget"].name == "forget"
    with pytest.raises(KeyError):
        commands["nothing"]
