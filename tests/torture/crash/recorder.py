"""A disk that performs operations, records them in a log, and fails as a test says."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from journal.fs.disk import Disk
from tests.torture.crash.model import (
    ROOT,
    Acknowledged,
    Cut,
    Forgotten,
    Key,
    Model,
    Names,
    Node,
    Refused,
    Step,
    Synced,
    Tried,
    Write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Lie = Literal["data", "files", "folders"]
"""Syncs that a disk only pretends to do: fdatasync, fsync of a file, fsync of a folder."""


class Killed(BaseException):
    """The process died at a file operation; no code may catch this."""


class Recorder(Disk):
    """Records every operation below `root`, which must be an empty folder.

    Attributes:
        log: operations and promises, in order.
        model: the state of the disk after the log.
        room: bytes that can be written before the disk is full; None if there is no limit.
        refusals: number of syncs of files that will fail.
        folder_refusals: number of syncs of folders that will fail.
        during_sync: called during each sync of a file.
        life: number of operations after which the process dies; None for never.
    """

    def __init__(self, root: Path, lies: Iterable[Lie] = ()) -> None:
        self.root = root
        self.log: list[Step] = []
        self.model = Model()
        self.room: int | None = None
        self.refusals = 0
        self.folder_refusals = 0
        self.during_sync: Callable[[], None] = lambda: None
        self.life: int | None = None
        self._lies = frozenset(lies)
        self._turn = threading.RLock()
        self._settled = threading.Condition(self._turn)
        self._nodes = {root.stat().st_ino: ROOT}
        self._unnamed: dict[int, Node] = {}

    def tried(self, events: Iterable[tuple[Key, bytes]]) -> None:
        """Record events that are about to be appended."""
        self._note(Tried(tuple(events)))

    def acknowledged(self, keys: Iterable[Key], *, durable: bool) -> None:
        """Record events whose append was acknowledged, durable or not."""
        self._note(Acknowledged(frozenset(keys), durable))

    def erasing(self, keys: Iterable[Key]) -> None:
        """Record events that are about to be erased."""
        self._note(Forgotten(frozenset(keys), is_over=False))

    def erased(self, keys: Iterable[Key]) -> None:
        """Record events that were reported as erased."""
        self._note(Forgotten(frozenset(keys), is_over=True))

    def wait_until_settled(self, timeout: float = 10.0) -> None:
        """Wait until everything is durable."""
        with self._settled:
            if not self._settled.wait_for(lambda: self.model.settled, timeout):
                raise AssertionError(f"something was not synced within {timeout} s")

    def wait_for_write(self, place: int, timeout: float = 10.0) -> None:
        """Wait until the log has a write at `place` or later."""
        with self._settled:
            written = self._settled.wait_for(
                lambda: any(isinstance(step, Write) for step in self.log[place:]), timeout
            )
        if not written:
            raise AssertionError(f"nothing was written within {timeout} s")

    def make_folder(self, path: Path) -> None:
        """Make a folder, and record its name."""
        with self._turn:
            self._live()
            super().make_folder(path)
            self._fresh(path, folder=True)

    def create(self, path: Path) -> int:
        """Make a file, and record its name."""
        with self._turn:
            self._live()
            fd = super().create(path)
            self._fresh(path, folder=False)
            return fd

    def open_lock(self, path: Path) -> int:
        """Open a lock file, and record its name if it is new."""
        with self._turn:
            self._live()
            there = path.exists()
            fd = super().open_lock(path)
            if not there:
                self._fresh(path, folder=False)
            return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Append as much as there is space for, and record the bytes."""
        with self._turn:
            self._live()
            size = len(data) if self.room is None else min(self.room, len(data))
            if not size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if self.room is not None:
                self.room -= size
            done = super().write(fd, data[:size])
            self._note(Write(self._of(fd), bytes(data[:done]), short=done < len(data)))
            return done

    def cut(self, fd: int, size: int) -> None:
        """Remove the end of a file, and record it."""
        with self._turn:
            self._live()
            super().cut(fd, size)
            self._note(Cut(self._of(fd), size))

    def fdatasync(self, fd: int) -> None:
        """Sync a file or fail, and record which."""
        self._sync_file(fd, super().fdatasync, "data")

    def fsync(self, fd: int) -> None:
        """Sync a file or a folder or fail, and record which."""
        node = self._nodes.get(os.fstat(fd).st_ino)
        if node is None or not node.folder:
            path = Path(f"/proc/self/fd/{fd}").readlink()
            if node is None and path.is_file() and path.is_relative_to(self.root):
                self._made_elsewhere(path)
            elif node is None:
                return super().fsync(fd)
            return self._sync_file(fd, super().fsync, "files")
        with self._turn:
            self._live()
            if self.folder_refusals:
                self.folder_refusals -= 1
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().fsync(fd)
            if "folders" not in self._lies:
                self._note(Synced(node, len(self.log)))
        return None

    def _sync_file(self, fd: int, sync: Callable[[int], None], lie: Lie) -> None:
        node = self._of(fd)
        with self._turn:
            self._live()
            begun = len(self.log)
        self.during_sync()
        with self._turn:
            if self.refusals:
                self.refusals -= 1
                self._note(Refused(node))
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            sync(fd)
            if lie not in self._lies:
                self._note(Synced(node, begun))

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name, and record it."""
        with self._turn:
            self._live()
            super().link(source, target)
            node = self._nodes[target.stat().st_ino]
            self._note(Names(((self._folder(target), target.name, node),)))

    def replace(self, source: Path, target: Path) -> None:
        """Rename a file, and record both names."""
        with self._turn:
            self._live()
            if target.exists():
                self._forget(target)
            super().replace(source, target)
            node = self._nodes[target.stat().st_ino]
            gone = (self._folder(source), source.name, None)
            self._note(Names(((self._folder(target), target.name, node), gone)))

    def unlink(self, path: Path) -> None:
        """Remove a name, and record it."""
        with self._turn:
            self._live()
            self._forget(path)
            super().unlink(path)
            self._note(Names(((self._folder(path), path.name, None),)))

    def _live(self) -> None:
        if self.life is not None:
            if self.life <= 0:
                raise Killed
            self.life -= 1

    def _note(self, step: Step) -> None:
        with self._settled:
            self.log.append(step)
            self.model.take(step)
            self._settled.notify_all()

    def _fresh(self, path: Path, *, folder: bool) -> Node:
        # inode numbers of deleted files are used again: each new file is a new node
        node = Node(len(self.log) + 1, folder)
        self._nodes[path.stat().st_ino] = node
        self._note(Names(((self._folder(path), path.name, node),)))
        return node

    def _forget(self, path: Path) -> None:
        """Forget a file that is about to lose its last name: its inode number may be used again."""
        found = path.lstat()
        if found.st_nlink == 1:
            # a process may still have it open
            self._unnamed[found.st_ino] = self._nodes.pop(found.st_ino)

    def _made_elsewhere(self, path: Path) -> None:
        """Record a file that SQLite wrote and that is synced now."""
        with self._turn:
            node = self._fresh(path, folder=False)
            self._note(Write(node, path.read_bytes()))

    def _of(self, fd: int) -> Node:
        status = os.fstat(fd)
        return (self._nodes if status.st_nlink else self._unnamed)[status.st_ino]

    def _folder(self, path: Path) -> Node:
        return self._nodes[path.parent.stat().st_ino]
