"""The requirements of a power cut, and which of them are missing on this machine."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .file_system import FileSystem

SKIPPED = 77
"""Exit code of a step that could not be run."""
_DEVICES = (Path("/dev/fuse"), Path("/dev/loop-control"))
_TOOLS = ("unshare", "mount", "umount", "cp", "chrt")


def missing() -> str | None:
    """Return why power cuts are not possible here, and what to do; None if they are."""
    if os.geteuid() != 0:
        return "it mounts file systems, which needs root"
    for device in _DEVICES:
        if not device.exists():
            return f"{device} does not exist; the kernel needs FUSE and loop devices"
    for tool in _TOOLS:
        if shutil.which(tool) is None:
            return f"{tool} is not installed (apt-get install util-linux coreutils)"
    return _no_fuse() or _no_mounts() or _no_priority()


def _no_fuse() -> str | None:
    try:
        importlib.import_module("mfusepy")
    except ImportError:
        return "mfusepy is not installed (pip install 'agent-journal[dev]')"
    except OSError as error:
        return f"libfuse cannot be loaded: {error} (apt-get install fuse3)"
    return None


def _no_mounts() -> str | None:
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],  # noqa: S607 - the system's own
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        return f"this root may not mount: {tried.stderr.strip()}"
    return None


def _no_priority() -> str | None:
    tried = subprocess.run(
        ["chrt", "--rr", "1", "true"],  # noqa: S607 - the system's own
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if tried.returncode:
        return f"this root may not use real-time priorities: {tried.stderr.strip()}"
    return None


def usable(systems: Iterable[FileSystem]) -> tuple[list[FileSystem], dict[str, str]]:
    """Return the file systems that work here, and the reason for each of the others."""
    found, why = [], {}
    for system in systems:
        if shutil.which(system.make[0]) is None:
            why[system.name] = (
                f"{system.make[0]} is not installed (apt-get install {system.package})"
            )
        elif not _known(system.name):
            why[system.name] = f"the kernel does not know {system.name}"
        else:
            found.append(system)
    return found, why


def _known(name: str) -> bool:
    """Return whether the kernel has a file system, built in or as a module."""
    listed = Path("/proc/filesystems").read_text("utf-8").split()
    if name in listed:
        return True
    modprobe = shutil.which("modprobe")
    if modprobe is None:
        return False
    tried = subprocess.run([modprobe, "--dry-run", "--quiet", name], check=False)
    return tried.returncode == 0
