"""An environment for each framework, and the sources of its tests; both are kept between runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import portalocker

from tools.environments import NotInstalled, install, interpreter, make

if TYPE_CHECKING:
    from tools.conformance.suite import Suite

PROJECT = Path(__file__).resolve().parents[2]
COMMON = ("pytest>=9", "pytest-timeout>=2.4", "pytest-xdist>=3.8", "hypothesis>=6.140")
"""What our own tests need beside the framework."""
_PATIENCE = 900
"""Seconds that a download may take, or another run's installation."""
_COMPLETE = "complete"
"""An empty file in a folder that was made whole."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A framework's environment.

    Attributes:
        python: its interpreter.
        source: the folder of the unpacked source distribution; None if the suite has none.
    """

    python: Path
    source: Path | None


def cache_folder() -> Path:
    """Return the folder of all environments: $CONFORMANCE_CACHE, else one in the user's cache."""
    if own := os.environ.get("CONFORMANCE_CACHE"):
        return Path(own).absolute()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "agent-journal" / "conformance"


def prepare(suite: Suite) -> Environment:
    """Return the environment of a suite; make it unless a complete one is there.

    It is known by a hash of what is installed, so that several checkouts share it, and the project
    itself is not installed: `PYTHONPATH` names it.

    Raises:
        NotInstalled: a package could not be had.
    """
    packages = _packages(suite)
    folder = _folder(suite, packages)
    folder.parent.mkdir(parents=True, exist_ok=True)
    python, sources = interpreter(folder / "venv"), folder / "source"
    with portalocker.Lock(f"{folder}.lock", timeout=_PATIENCE):
        if not (folder / _COMPLETE).exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder / "venv")
            install(python, *packages)
            if suite.source is not None:
                _unpack(suite.source, sources)
            (folder / _COMPLETE).touch()
    if suite.source is None:
        return Environment(python, None)
    (source,) = (path for path in sources.iterdir() if path.is_dir())
    return Environment(python, source)


def is_prepared(suite: Suite) -> bool:
    """Return whether a complete environment of a suite is there."""
    return (_folder(suite, _packages(suite)) / _COMPLETE).exists()


def _packages(suite: Suite) -> tuple[str, ...]:
    return (*_dependencies(suite.extra), *suite.packages, *COMMON)


def _folder(suite: Suite, packages: tuple[str, ...]) -> Path:
    wanted = "\n".join((sys.version, suite.source or "", *packages))
    return cache_folder() / f"{suite.name}-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"


def write_metadata(folder: Path) -> None:
    """Write into a folder of the import path what makes the project's entry points known there."""
    about = folder / "agent_journal-0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: agent-journal\nVersion: 0\n")
    groups = _project()["entry-points"].items()
    lines = [
        line
        for group, points in groups
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))
    ]
    (about / "entry_points.txt").write_text("\n".join(lines))


def _project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    project: dict[str, Any] = found["project"]
    return project


def _dependencies(extra: str) -> tuple[str, ...]:
    project = _project()
    further = project["optional-dependencies"][extra] if extra else ()
    return (*project["dependencies"], *further)


def _unpack(requirement: str, sources: Path) -> None:
    """Download a source distribution and unpack it into a folder.

    Raises:
        NotInstalled: it could not be had.
    """
    sources.mkdir()
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download"]
    done = subprocess.run(  # noqa: PLW1510 - the exit code is looked at
        [*pip, "--no-deps", "--no-binary", ":all:", "--dest", str(sources), requirement],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
    )
    if done.returncode:
        raise NotInstalled(f"pip download failed:\n{done.stderr.strip()}")
    (archive,) = sources.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(sources, filter="data")
    archive.unlink()
