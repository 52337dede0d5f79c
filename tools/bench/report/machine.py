"""What was measured where: machine, versions, commit; no names of hosts, users or folders."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGES = (
    "agent-journal",
    "apsw",
    "hermes-agent",
    "matplotlib",
    "orjson",
    "portalocker",
    "tantivy",
    "watchdog",
)


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def machine() -> dict[str, str | int]:
    """Return the properties of the machine that affect the figures."""
    kilobytes = int(_field("/proc/meminfo", "MemTotal").split()[0])
    return {
        "cores": os.cpu_count() or 0,
        "processor": _field("/proc/cpuinfo", "model name"),
        "memory_gib": round(kilobytes / 2**20),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite_of_apsw": apsw.sqlite_lib_version(),
        "sqlite_of_python": sqlite3.sqlite_version,
    }


def packages() -> dict[str, str]:
    """Return the versions of the measured programs, and of their dependencies."""
    return {name: _version(name) for name in PACKAGES}


def commit(checkout: Path) -> str:
    """Return the commit of a checkout and its date, with `, changed` if files were changed since.

    Raises:
        OSError, subprocess.CalledProcessError: there is no git, or no repository.
    """
    shown = _git(checkout, "show", "--no-patch", "--format=%h of %cs", "HEAD")
    changed = _git(checkout, "status", "--porcelain", "--untracked-files=no", "--", ":!docs")
    return f"{shown}, changed" if changed else shown


def _git(checkout: Path, *arguments: str) -> str:
    ran = subprocess.run(
        ["git", "-C", str(checkout), *arguments],  # noqa: S607 - the user's git
        check=True,
        capture_output=True,
        text=True,
    )
    return ran.stdout.strip()


def measured_on(machine: Mapping[str, str | int], packages: Mapping[str, str]) -> str:
    """Return the machine and the versions as a sentence."""
    versions = ", ".join(f"{name} {version}" for name, version in packages.items())
    return (
        f"Measured on {machine['cores']} cores of {machine['processor']},"
        f" {machine['memory_gib']} GiB, {machine['kernel']}, Python {machine['python']}, SQLite"
        f" {machine['sqlite_of_apsw']} (ours) and {machine['sqlite_of_python']} (theirs), with"
        f" {versions}."
    )
