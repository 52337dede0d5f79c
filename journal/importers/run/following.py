"""Follows files: new lines are imported for as long as the import runs.

The system reports which files change. It may miss some, so all files are checked and all folders
walked at intervals. The intervals grow with the cost, so that thousands of idle files cost almost
nothing. A renamed file is found by its inode, and read further.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from journal.errors import AppendError, JournalError, SyncError
from journal.importers.files.compressed import open_source
from journal.importers.files.walk import Source, moved
from journal.importers.files.watcher import FolderWatcher
from journal.importers.run.tail import known_tail
from journal.importers.run.watched import state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from journal.importers.run.driver import Importer
    from journal.importers.run.report import Report
    from journal.importers.run.tail import Tail
    from journal.importers.run.watched import Watched

POLL = 0.25
"""Seconds between two checks of the reported changes."""
_WALK = 4
"""Minimum number of polls between two walks over the folders."""
_SHARE = 400
"""The checks of all files take at most one part in this many of a processor's time."""
_ALONE = 250
"""The same if the system reports no changes."""
_RETRY = 1.0
"""Seconds until the next attempt if the journal could not be written, as on a full disk."""
_TAILS = 256
"""Files whose state is kept in memory; the state of others is built again when they change."""
_LOG = "-wal"


def follow(
    importer: Importer,
    paths: Sequence[Path],
    wait: Callable[[float], bool],
    *,
    caught_up: Callable[[], None] = lambda: None,
    failed: Callable[[JournalError], None] = lambda _error: None,
) -> Report:
    """Import files, and then import new lines and files.

    Args:
        importer: imports them.
        paths: files and folders; new files in the folders are imported, too.
        wait: waits for at most this many seconds; returns True when it is time to stop.
        caught_up: called when the files of the start are imported.
        failed: called when the file system refuses to write the journal: what could not be
            written is read again every second, until it can.

    Raises:
        JournalError: the journal could not be written for another reason, or at the end; the
            counts in the report are appended.
    """
    Following(importer, paths, wait, failed).run(caught_up)
    return importer.finish()


@dataclass(slots=True)
class Following:
    """The files under some paths, followed.

    Attributes:
        importer: imports them.
        paths: files and folders; new files in the folders are imported, too.
        wait: waits for at most this many seconds; returns True when it is time to stop.
        failed: called once when the file system begins to refuse to write the journal.
    """

    importer: Importer
    paths: Sequence[Path]
    wait: Callable[[float], bool]
    failed: Callable[[JournalError], None]
    _watcher: FolderWatcher = field(default_factory=FolderWatcher)
    _watched: dict[str, Watched] = field(default_factory=dict)  # by the path without links
    _databases: set[str] = field(default_factory=set)
    _tails: dict[str, None] = field(default_factory=dict)  # files with a tail, the latest last
    _roots: set[str] = field(default_factory=set)
    _unsaved: set[str] = field(default_factory=set)  # what was read since the last sync
    _walk_in: int = 0
    _look_in: int = 1

    def run(self, caught_up: Callable[[], None]) -> None:
        """Follow until it is time to stop.

        Args:
            caught_up: called when the files of the start are imported.

        Raises:
            JournalError: the journal could not be written.
        """
        errors, journal = self.importer.report.errors, str(self.importer.journal.path)
        pause, is_first = 0.0, True
        try:
            while not self.wait(pause):
                try:
                    self._poll()
                    self.importer.ledger.write()
                    self._unsaved.clear()
                except (AppendError, SyncError) as error:
                    if journal not in errors:
                        self.failed(error)
                    errors[journal] = str(error)
                    self._read_again()
                    pause = _RETRY
                    continue
                errors.pop(journal, None)
                if is_first:
                    caught_up()
                pause, is_first = POLL, False
        finally:
            self._watcher.stop()
        for watched in list(self._watched.values()):
            self._check_last(watched)

    def _poll(self) -> None:
        """Check the reported changes, and all files if it is time for that."""
        changed = self._watcher.take()
        if changed:
            self._take(changed)
        self._walk_in -= 1
        self._look_in -= 1
        if self._walk_in <= 0:
            self._walk_in = self._cost(self._walk, _WALK)
        if self._look_in <= 0:
            self._look_in = self._cost(self._look, 1)
        else:
            self._check(self._databases & self._watched.keys())

    def _look(self) -> None:
        """Check all files, and the titles of those that have not changed."""
        self._check(list(self._watched))
        self.importer.titles.follow(self._watched)

    def _cost(self, work: Callable[[], None], least: int) -> int:
        """Do some work; return the number of polls until the next time."""
        began = time.thread_time()
        work()
        share = _ALONE if self._watcher.failed else _SHARE
        return max(least, int((time.thread_time() - began) * share / POLL))

    def _walk(self) -> None:
        """Import new files."""
        if not self._roots:
            # before the files are read: changes during the reads must not be missed
            self._roots = {os.path.realpath(path) for path in self.paths if path.is_dir()}
            self._watcher.watch(self._roots, ())
        self.importer.presence.begin()
        walk = self.importer.walk()
        for source in walk.sources(self.paths):
            if str(source.real) not in self._watched and not self.wait(0):
                self._import(source)
        self._roots |= walk.roots
        self._watcher.watch(walk.roots, walk.apart)
        if not self.wait(0):
            files = (os.path.realpath(path) for path in self.paths if not path.exists())
            self.importer.presence.mark_gone(walk, files)

    def _take(self, changed: Iterable[str]) -> None:
        """Check the paths that the system reports."""
        known, new = set(), []
        for path in sorted(changed):
            for name in (path, path.removesuffix(_LOG)):
                if name in self._watched:
                    known.add(name)
                    break
            else:
                new.append(path)
        self._check(known)  # first: a file with a new name is recognised, and read further
        for path in new:
            if not any(path.startswith(f"{root}/") for root in self._roots):
                continue  # in the folder of a file that was given by its own path
            for source in self.importer.walk().changed(path):
                if str(source.real) not in self._watched and not self.wait(0):
                    self._import(source)

    def _check(self, reals: Iterable[str]) -> None:
        """Read changed files again."""
        gone: dict[int, Watched] = {}
        now = time.monotonic()
        for real in reals:
            watched = self._watched.get(real)
            if watched is None or now < watched.rests_until:
                continue
            before, path = watched.state, watched.source.path
            try:
                found = os.stat(path)  # noqa: PTH116 - thousands of Path objects cost
            except FileNotFoundError:
                # deleted, or renamed, or about to be replaced
                self._forget(real)
                if before is not None:
                    gone[before[0]] = watched
                continue
            except OSError as error:
                self.importer.failed(watched.source, error)
                continue
            if state_of(path, found, database=watched.database) == before or self.wait(0):
                continue
            if before is not None and before[0] != found.st_ino:
                self._forget(real)
                gone[before[0]] = watched
                self._import(watched.source)
            else:
                self._import(watched.source, self._tail(watched))
        if gone:
            self._find(gone)

    def _find(self, gone: dict[int, Watched]) -> None:
        """Read further in files that have another name now."""
        for inode, path in sorted(moved(self.paths, gone.keys()).items()):
            before = gone[inode]
            real = os.path.realpath(path)
            if before.format is None or (real in self._watched and self._watched[real].tail):
                continue  # it was read completely, or is already read under its new name
            source = Source(path, before.source.named, Path(real))
            tail = before.tail
            if tail is None and before.first_path is not None:
                tail = known_tail(self.importer.ledger, path, before.first_path, before.format)
            elif tail is not None and not (tail.offset and _is_continued(tail, path)):
                tail = None  # another file with the inode of a deleted one
            if tail is not None:
                tail.path, tail.first_path = path, before.first_path
                self._import(source, tail)

    def _tail(self, watched: Watched) -> Tail | None:
        """Return the state of a file of lines; if it is not in memory, it is read again."""
        if watched.tail is not None or watched.format is None or watched.first_path is None:
            return watched.tail
        path, ledger = watched.source.path, self.importer.ledger
        return known_tail(ledger, path, watched.first_path, watched.format)

    def _import(self, source: Source, tail: Tail | None = None) -> None:
        real = str(source.real)
        self._unsaved.add(real)
        watched = self.importer.take(source, last=False, tail=tail)
        if watched is None:
            return
        self._watched[real] = watched
        if watched.database:
            self._databases.add(real)
        self._tails.pop(real, None)
        if watched.tail is not None:
            self._tails[real] = None
            if len(self._tails) > _TAILS:
                oldest = next(iter(self._tails))
                del self._tails[oldest]
                if (old := self._watched.get(oldest)) is not None:
                    old.tail = None

    def _read_again(self) -> None:
        """Let everything be read again whose events may be lost: the ledger says from where."""
        for real in self._unsaved:
            if (watched := self._watched.get(real)) is not None:
                watched.state = watched.tail = None
            self._tails.pop(real, None)
        self._unsaved.clear()
        self.importer.writer.forget_recent()
        # the reported changes are lost, too, so all files are checked
        self._walk_in = self._look_in = 0

    def _forget(self, real: str) -> None:
        self._watched.pop(real, None)
        self._databases.discard(real)
        self._tails.pop(real, None)

    def _check_last(self, watched: Watched) -> None:
        """Import the rest at the end: unfinished lines, and changes of files that were resting."""
        if watched.database:
            self.importer.take(watched.source, last=True)
        elif watched.tail is not None:
            self.importer.take(watched.source, last=True, tail=watched.tail)
        else:
            # the system may report the last changes late, so the files are checked here
            has_changed = _has_changed(watched)
            tail = self._tail(watched) if watched.rest or has_changed else None
            if tail is not None or has_changed:
                self.importer.take(watched.source, last=True, tail=tail)


def _has_changed(watched: Watched) -> bool:
    """Return whether a file differs from the one that was read; a deleted file does not."""
    path = watched.source.path
    try:
        found = os.stat(path)  # noqa: PTH116 - as `_check`
    except OSError:
        return False
    return state_of(path, found, database=watched.database) != watched.state


def _is_continued(tail: Tail, path: Path) -> bool:
    try:
        with open_source(path) as stream:
            return tail.is_continued(stream)
    except OSError:
        return False
