"""Finds the files under the paths of a command line."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from journal.importers.files.archives import ARCHIVE, has_conversations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Set as AbstractSet

COMPRESSED = ".zst"
"""The ending of a compressed transcript, after its own ending."""

BROKEN_LINK = "symbolic link to nothing"
SECOND_LINK = "symbolic link to a folder that is read already"
SIDE_FILE = "tool output that no imported line names"
_OTHER_FILE = "no regular file"
_PACKED = (".gz", ".xz", ".bz2", ".lz4", ".zip", ".tar", ".7z", COMPRESSED)


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


@dataclass(slots=True)
class Walk:
    """One walk over paths.

    Attributes:
        leave_out: a folder that is skipped: the journal itself, which contains JSON lines, too.
        wanted: returns by its name whether a file in a folder is to be imported.
        side_folders: names of folders whose files are imported with the lines that name them.
        failed: called with the error of each folder that cannot be read.
        passed: called with the reason and the path of what is skipped in a folder.
        roots: the folders that were walked with all below them, without links.
        seen: the files that were found, without links, whether they are imported or not.
        unreadable: the folders that could not be read, without links.
        apart: folders of files that were given by their own paths, or that a link leads to.
    """

    leave_out: Path
    wanted: Callable[[str], bool]
    side_folders: AbstractSet[str] = frozenset()
    failed: Callable[[OSError], None] = lambda _error: None
    passed: Callable[[str, Path], None] = lambda _reason, _path: None
    roots: set[str] = field(default_factory=set)
    apart: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    _met: set[str] = field(default_factory=set)
    _folders: set[str] = field(default_factory=set)

    def sources(self, paths: Iterable[Path]) -> Iterator[Source]:
        """Walk folders in sorted order; each file once, however many paths lead to it."""
        for path in paths:
            real = os.path.realpath(path)
            if path.is_dir():
                yield from self._folder(path, real)
            elif real not in self._met:
                self._met.add(real)
                self.seen.add(real)
                self.apart.add(os.path.dirname(real))  # noqa: PTH120 - a path as text
                yield Source(path, named=True, real=Path(real))

    def changed(self, path: str) -> Iterator[Source]:
        """Yield the new files of a path in a folder, without links."""
        name = os.path.basename(path)  # noqa: PTH119 - a path as text
        left_out = os.path.realpath(self.leave_out)
        if f"{path}/".startswith(f"{left_out}/"):
            return
        if os.path.isdir(path):  # noqa: PTH112 - the same
            yield from self._folder(Path(path), path)
        elif (
            self.wanted(name)
            and Path(path).parent.name not in self.side_folders
            and Path(path).is_file()
        ):
            yield Source(Path(path), named=False, real=Path(os.path.realpath(path)))

    def _folder(self, folder: Path, real: str) -> Iterator[Source]:
        """Walk a folder: its files, then the folders in it; a link leads to each folder once."""
        left_out = os.path.realpath(self.leave_out)
        waiting = [(folder, real, False)]
        while waiting:
            here, real, linked = waiting.pop()
            if real in self._folders or real == left_out:
                if linked and real != left_out:
                    self.passed(SECOND_LINK, here)
                continue
            self._folders.add(real)
            if linked or here is folder:
                self.roots.add(real)
            below: list[tuple[Path, str, bool]] = []
            for entry in self._entries(here, real):
                path, link = here / entry.name, entry.is_symlink()
                itself = os.path.realpath(path) if link else os.path.join(real, entry.name)  # noqa: PTH118 - thousands of Path objects cost
                if _is_folder(entry):
                    below.append((path, itself, link))
                    continue
                self.seen.add(itself)
                if (reason := self._reason(entry, here.name)) is not None:
                    self.passed(reason, path)
                elif itself not in self._met:
                    self._met.add(itself)
                    if link:
                        self.apart.add(os.path.dirname(itself))  # noqa: PTH120 - a path as text
                    yield Source(path, named=False, real=Path(itself))
            waiting.extend(reversed(below))

    def _entries(self, folder: Path, real: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as found:
                return sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self.unreadable.add(real)
            self.failed(error)
            return []

    def _reason(self, entry: os.DirEntry[str], folder: str) -> str | None:
        """Return why a file is skipped; None if it is imported."""
        name = entry.name
        if folder in self.side_folders:
            return SIDE_FILE
        no_export = name.endswith(ARCHIVE) and not has_conversations(Path(entry.path))
        if not self.wanted(name) or no_export:
            ending = os.path.splitext(name)[1]  # noqa: PTH122 - a name, not a path
            if ending.lower() in _PACKED:
                return f"compressed file or archive that is not read, *{ending}"
            return "no transcript by its name" + (f", *{ending[:16]}" if ending else "")
        try:
            if entry.is_file():  # opening a pipe would wait for its other end
                return None
        except OSError:
            return BROKEN_LINK  # a cycle of links
        return BROKEN_LINK if entry.is_symlink() and not os.path.exists(entry.path) else _OTHER_FILE  # noqa: PTH110 - no Path is at hand


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a cycle of links: it is reported as a broken link


def moved(paths: Iterable[Path], inodes: AbstractSet[int]) -> dict[int, Path]:
    """Find where files are now, by their inodes, whatever their names: in the folders of `paths`.

    A file that was given by its own path is looked for in its folder. Folders that cannot be read
    are skipped: the next walk reports them.
    """
    found: dict[int, Path] = {}
    waiting = [path if path.is_dir() else path.parent for path in paths]
    met: set[str] = set()
    while waiting and len(found) < len(inodes):
        folder = waiting.pop()
        real = os.path.realpath(folder)
        if real in met:
            continue
        met.add(real)
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if _is_folder(entry):
                        waiting.append(Path(entry.path))
                    elif entry.inode() in inodes and entry.is_file(follow_symlinks=False):
                        found[entry.inode()] = Path(entry.path)
        except OSError:
            continue
    return found


def shown(path: Path | str) -> str:
    """Return a path as text; a name that is no UTF-8 must not break the report."""
    return os.fsencode(path).decode(errors="replace")


def stem_of(path: Path) -> str:
    """Return a file's name without its endings, also that of a compressed file."""
    name = Path(path.name.removesuffix(COMPRESSED))
    return name.stem
