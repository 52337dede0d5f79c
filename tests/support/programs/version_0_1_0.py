"""Version 0.1.0 of this project, the last of format 1, taken from the git history.

Both versions are started in the same way, as processes of their own: their packages have the same
names, and one process can have only one of them.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

COMMIT = "ddee8bd71ca4ca44720f1ea0de50fb874db18e09"
"""The last commit of version 0.1.0."""

ROOT = Path(__file__).parents[3]
PACKAGES = ("agent_journal", "journal", "projector")

_ENTRY = "from {name}.__main__ import main; raise SystemExit(main())"
_OLD_ENTRY = "from agent_journal import {name}; raise SystemExit({name}())"
"""Programs that run a command of this version and of 0.1.0."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of this project that runs in processes of its own.

    Attributes:
        root: the folder that holds its packages.
        entry: a program in Python that runs the command `name`.
    """

    root: Path
    entry: str = _ENTRY

    def start(self, source: str, *arguments: object) -> subprocess.Popen[str]:
        """Start a program in Python, given as its source, with this version of the packages."""
        return subprocess.Popen(
            # with -P, the current folder, which has this version's packages, is not on the path
            [sys.executable, "-P", "-c", source, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(self.root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def python(self, source: str, *arguments: object) -> str:
        """Run a program in Python to its end, and return its output."""
        done = _finished(self.start(source, *arguments))
        assert done.returncode == 0, done.stderr
        return done.stdout

    def begin(self, name: str, path: Path, *arguments: object) -> subprocess.Popen[str]:
        """Start `journal` or `projector` on a journal."""
        return self.start(self.entry.format(name=name), f"--journal={path}", *arguments)

    def command(
        self, name: str, path: Path, *arguments: object
    ) -> subprocess.CompletedProcess[str]:
        """Run `journal` or `projector` on a journal to its end."""
        return _finished(self.begin(name, path, *arguments))


def _finished(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


THIS = Version(ROOT)
"""The version under test."""


def version_0_1_0(folder: Path) -> Version:
    """Extract version 0.1.0 from the history into `folder`; skip the test if it is missing."""
    git = ["git", "-C", str(ROOT), "archive", "--format=tar", COMMIT, *PACKAGES]
    try:
        done = subprocess.run(git, capture_output=True, check=False, timeout=60)
    except FileNotFoundError:
        pytest.skip("version 0.1.0 comes from the git history, which needs git")
    if done.returncode:
        pytest.skip(
            f"version 0.1.0 is not in the history here: {done.stderr.decode(errors='replace')}"
        )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return Version(folder, _OLD_ENTRY)
