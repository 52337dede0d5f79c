"""The files that paths on a command line stand for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ENDINGS = (".jsonl", ".json")
"""What the names of transcripts end in."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to import.

    Attributes:
        path: the file.
        named: whether the path itself was given, rather than a folder above it.
        real: the path without links, by which a file is known again.
    """

    path: Path
    named: bool
    real: Path


def sources(
    paths: Iterable[Path],
    *,
    leave_out: Path,
    failed: Callable[[OSError], None],
    wanted: Callable[[str], bool] = lambda name: name.endswith(ENDINGS),
) -> Iterator[Source]:
    """Walk folders in sorted order; each file once, however many paths lead to it.

    Args:
        paths: files and folders.
        leave_out: a folder that is not walked: the journal itself holds JSON lines, too.
        failed: is told of each folder that cannot be read.
        wanted: tells by its name whether a file in a folder is to be imported.
    """
    met: set[Path] = set()
    for path in paths:
        files = _walk(path, leave_out, failed, wanted) if path.is_dir() else iter((path,))
        for file in files:
            resolved = file.resolve()
            if resolved not in met:
                met.add(resolved)
                yield Source(file, named=file is path, real=resolved)


def shown(path: Path | str) -> str:
    """Give a path as text; a name that is no UTF-8 must not break the report."""
    return os.fsencode(path).decode(errors="replace")


def _walk(
    folder: Path,
    leave_out: Path,
    failed: Callable[[OSError], None],
    wanted: Callable[[str], bool],
) -> Iterator[Path]:
    left_out = leave_out.resolve()
    for above, folders, files in os.walk(folder, onerror=failed):
        here = Path(above)
        folders[:] = sorted(name for name in folders if (here / name).resolve() != left_out)
        for name in sorted(files):
            # to open a pipe would wait for its other end
            if wanted(name) and (here / name).is_file():
                yield here / name
