"""A folder in which disks are built one after the other; only differences are written."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.torture.crash.model import Tree

Bytes = dict[str, bytes | None]
"""The content of a disk, by path from its root, parents first; None is a folder."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def bare(tree: Tree) -> Bytes:
    """Return the bytes of a tree."""
    return {path: None if stored is None else stored.content for path, stored in tree.items()}


class Stage:
    """A folder, empty at first, with known content.

    Attributes:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._prefix = f"{root}/"
        self._known: Bytes = {}

    def lay_out(self, wanted: Bytes) -> None:
        """Make the folder equal to a disk, with files of mode 0600 and folders of mode 0700.

        Changes that programs made since the last call must have been taken in or cleared.

        Raises:
            OSError: the file system refuses, or the folder differs from the known content.
        """
        known, self._known = self._known, {}
        for path in reversed(known):
            if path not in wanted or known[path] != wanted[path]:
                remove = os.rmdir if known[path] is None else os.unlink
                remove(self._prefix + path)
        for path, content in wanted.items():
            if path in known and known[path] == content:
                continue
            if content is None:
                os.mkdir(self._prefix + path, 0o700)  # noqa: PTH102 - a million times
            else:
                self._write(path, content)
        self._known = wanted

    def _write(self, path: str, content: bytes) -> None:
        fd = os.open(self._prefix + path, _NEW, 0o600)
        try:
            if os.write(fd, content) != len(content):
                raise OSError(f"{path} was not written whole")
        finally:
            os.close(fd)

    def take_in(self) -> Bytes:
        """Read the content that programs left in the folder.

        Raises:
            OSError: an entry cannot be read, or is neither file nor folder.
        """
        self._known = dict(self._walk(""))
        return self._known

    def _walk(self, below: str) -> Iterator[tuple[str, bytes | None]]:
        with os.scandir(self._prefix + below) as entries:
            found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
        for name, folder in found:
            path = below + name
            if folder:
                yield path, None
                yield from self._walk(f"{path}/")
                continue
            fd = os.open(self._prefix + path, _OLD)
            try:
                yield path, os.read(fd, os.fstat(fd).st_size + 1)
            finally:
                os.close(fd)

    def clear(self) -> None:
        """Remove the content of the folder."""
        self._known = {}
        for entry in self.root.iterdir():
            shutil.rmtree(entry)
