"""Writes a text of any size into a file that appears when it is complete."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from journal.errors import ExportFailed, reason
from journal.fs import disk
from journal.fs.drafts import open_draft
from journal.fs.files import sync_folder
from projector.export.blocks import blocks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_BLOCK = 256 * 1024
"""Characters that are written at a time, at least."""


def check_target(path: Path) -> Path:
    """Return the file that a path stands for, behind links, if it can be written.

    Raises:
        ExportFailed: it is a folder or a device, or the folder that it should be in is none.
    """
    try:
        target = path.resolve()
        if not target.parent.is_dir():
            raise ExportFailed(f"cannot write {path}: {target.parent} is no folder")
        mode = target.stat().st_mode
    except FileNotFoundError:
        return target
    except OSError as error:
        raise ExportFailed(f"cannot write {path}: {reason(error)}") from error
    if stat.S_ISDIR(mode):
        raise ExportFailed(f"{path} is a folder; name a file")
    if not stat.S_ISREG(mode):
        raise ExportFailed(f"{path} is no file; leave out -o to write to standard output")
    return target


def write_file(target: Path, pieces: Iterable[str]) -> int:
    """Write a text, and replace the file by it when it is complete; only its owner may read it.

    What writers that were killed left beside the file is removed.

    Args:
        target: the file, as `check_target` returns it.
        pieces: the text; what they raise is raised, and the file stays as it was.

    Returns:
        The size in bytes.

    Raises:
        ExportFailed: the file cannot be written; it stays as it was.
    """
    try:
        draft, fd = open_draft(target)
    except OSError as error:
        raise ExportFailed(f"cannot write in {target.parent}: {reason(error)}") from error
    try:
        size = _fill(fd, target, pieces)
        try:
            disk.in_use.replace(draft, target)
            sync_folder(target.parent)
        except OSError as error:
            raise ExportFailed(f"cannot write {target}: {reason(error)}") from error
    except BaseException:
        with suppress(FileNotFoundError):
            disk.in_use.unlink(draft)
        raise
    finally:
        os.close(fd)
    return size


def _fill(fd: int, target: Path, pieces: Iterable[str]) -> int:
    size = sum(_write(fd, target, block) for block in blocks(pieces, _BLOCK))
    try:
        disk.in_use.fsync(fd)
    except OSError as error:
        raise ExportFailed(f"cannot write {target}: {reason(error)}") from error
    return size


def _write(fd: int, target: Path, block: str) -> int:
    content = block.encode()
    try:
        disk.write_rest(fd, content)
    except OSError as error:
        raise ExportFailed(f"cannot write {target}: {reason(error)}") from error
    return len(content)
