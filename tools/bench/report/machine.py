"""The machine and the versions of a measurement; no names of hosts, users or folders."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import apsw

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
