"""A recording of programs on one disk: the operations of the disk, and the promises."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .file_system import copy, mounted, served
from .operations import decode
from .report import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from .file_system import FileSystem
    from .operations import Operation
    from .programs import Level
    from .promises import Story

JOURNAL = "new/folders/journal"
"""The path of the journal below the root of the file system."""
_WRITERS = 3
_PATIENCE = 60.0
"""Seconds that a program may take longer than its time."""
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Recording:
    """Work on one disk.

    Attributes:
        operations: the operations of the disk, in order.
        begin: their number when the programs began.
        end: their number when the programs had ended.
        stories: the record of each program.
    """

    operations: tuple[Operation, ...]
    begin: int
    end: int
    stories: tuple[Story, ...]


def record(
    system: FileSystem,
    level: Level,
    empty: Path,
    folder: Path,
    rng: Random,
    *,
    seconds: float,
    projectors: int,
    lies: tuple[str, ...] = (),
) -> Recording:
    """Let programs work on a new disk.

    Args:
        system: the file system on it.
        level: the level of the writers.
        empty: an image with an empty file system; not changed.
        folder: an empty folder for temporary files.
        rng: makes the random choices of the programs.
        seconds: how long they work.
        projectors: the number of projectors beside the writers. A projector syncs what it reads, so
            it may keep promises that the writers have broken.
        lies: syncs that the writers do not perform.

    Raises:
        RuntimeError: a program failed, or FUSE did; the reason is in the message or on stderr.
        CalledProcessError: the disk could not be mounted.
    """
    image, log = folder / "image", folder / "log"
    fuse, mount = folder / "fuse", folder / "mount"
    fuse.mkdir()
    mount.mkdir()
    copy(empty, image)
    with served(image, log, fuse) as disk, mounted(system, disk, mount):
        begin = time.monotonic_ns()
        programs = [("write", f"w{number}", *lies) for number in range(_WRITERS)]
        programs += [("project", f"p{number}") for number in range(projectors)]
        reports = _work(programs, level, mount / JOURNAL, folder, rng, seconds)
        end = time.monotonic_ns()
    operations = tuple(decode(log.read_bytes()))
    return Recording(
        operations,
        sum(operation.at < begin for operation in operations),
        sum(operation.at < end for operation in operations),
        tuple(map(load, reports)),
    )


def _work(
    programs: Sequence[tuple[str, ...]],
    level: Level,
    path: Path,
    folder: Path,
    rng: Random,
    seconds: float,
) -> list[Path]:
    """Run programs to their end, and return their reports."""
    started, reports = [], []
    try:
        for what, name, *lies in programs:
            report = folder / f"{name}.json"
            arguments = [what, level, str(path), str(report), name, str(seconds), str(rng.random())]
            command = [sys.executable, "-m", "tests.torture.power.programs", *arguments, *lies]
            started.append(subprocess.Popen(command, cwd=_ROOT, stderr=subprocess.PIPE, text=True))
            reports.append(report)
        for process in started:
            _, error = process.communicate(timeout=seconds + _PATIENCE)
            if process.returncode:
                raise RuntimeError(f"a program ended with {process.returncode}: {error[-3000:]}")
    finally:
        for process in started:
            process.kill()
            process.communicate()
    return reports
