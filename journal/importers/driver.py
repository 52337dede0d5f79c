"""Imports sources into a journal, once or for as long as they grow."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from journal.errors import ImportFailed
from journal.importers.detect import Kind, detect
from journal.importers.hermes_file import HERMES, changes_of, is_database, is_wanted
from journal.importers.ledger import Ledger
from journal.importers.report import Report
from journal.importers.sink import Sink
from journal.importers.sources import Source, shown, sources
from journal.importers.tail import Tail, read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from journal.importers.ledger import Entry
    from journal.writer import Journal

_UNKNOWN = (
    "not a transcript of a known format{}; say which with `journal import FORMAT` in place of auto"
)
_OTHER = "this looks like {0}, not {1}; import it as {0}, or with auto"
_POLL = 0.25
"""Seconds between two looks at the files that are followed."""
_SWEEP = 4
"""Polls between two looks for new files."""
_REST = 10
"""A database is left alone for so many times as long as it took to read it."""
_EMPTY = "is empty: Hermes has written nothing to it yet"


@dataclass(frozen=True, slots=True)
class _State:
    """What tells that a file has changed."""

    inode: int
    changes: tuple[int, ...]


@dataclass(slots=True)
class _Watched:
    """A file that is followed."""

    source: Source
    state: _State | None  # none when it could not be opened: it is tried again
    tail: Tail | None  # none while its format is not known, for a document, and a database
    database: bool = False
    rests_until: float = 0.0  # of time.monotonic


@dataclass(slots=True)
class Importer:
    """One run of an import.

    Attributes:
        journal: takes the events.
        format: one of FORMATS, or "auto".
        reread: do not believe what the ledger says.
        report: what was done so far.
        step: is told (source, bytes read of it so far) now and then.
    """

    journal: Journal
    format: str
    reread: bool = False
    report: Report = field(default_factory=Report)
    step: Callable[[Source, int], None] = lambda _source, _offset: None
    _sink: Sink = field(init=False)
    _ledger: Ledger = field(init=False)
    _watched: dict[Path, _Watched] = field(default_factory=dict)
    _read: set[Path] = field(default_factory=set)
    _unknown: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._sink = Sink(self.journal, self.report)
        self._ledger = Ledger(self.journal.path / "imports")
        self._ledger.sweep()

    def sources(self, paths: Sequence[Path]) -> list[Source]:
        """Find the files; a folder that cannot be read is reported."""
        found = sources(
            paths,
            leave_out=self.journal.path,
            failed=self._folder_failed,
            wanted=lambda name: is_wanted(name, self.format),
        )
        return list(found)

    def run(self, found: Sequence[Source]) -> Report:
        """Import files once.

        Raises:
            JournalError: the journal could not be written; what the report counts is.
        """
        for source in found:
            self._guarded(source, last=True)
        return self._finish()

    def follow(
        self,
        paths: Sequence[Path],
        wait: Callable[[float], bool],
        *,
        caught_up: Callable[[], None] = lambda: None,
    ) -> Report:
        """Import files, and go on importing what is added to them.

        Args:
            paths: files and folders; new files in the folders are taken up.
            wait: waits for at most so many seconds; True when it is time to stop.
            caught_up: called when all that was there at the start is imported.

        Raises:
            JournalError: the journal could not be written; what the report counts is.
        """
        polls = 0
        while not wait(_POLL if polls else 0):
            if polls % _SWEEP == 0:
                for source in self.sources(paths):
                    if source.real not in self._watched and not wait(0):
                        self._guarded(source, last=False)
            for watched in list(self._watched.values()):
                if time.monotonic() >= watched.rests_until and not wait(0):
                    self._look(watched)
            if not polls:
                caught_up()
            polls += 1
        for watched in list(self._watched.values()):
            self._look_last(watched)
        return self._finish()

    def _look_last(self, watched: _Watched) -> None:
        """Take what is still to be had: an unfinished line, and changes while it rested."""
        if watched.tail is not None:
            self._guarded(watched.source, last=True, tail=watched.tail)
        elif watched.database:
            self._look(watched)

    def _finish(self) -> Report:
        self.report.unknown = sorted(shown(path) for path in self._unknown)
        return self.report

    def _look(self, watched: _Watched) -> None:
        """Read a file again if it has changed."""
        try:
            found = watched.source.path.stat()
            state = _state(watched.source, found, database=watched.database)
        except FileNotFoundError:
            return  # deleted, or about to be replaced: what was in it is imported
        except OSError as error:
            self._failed(watched.source, error)
            return
        if state != watched.state:
            before = watched.state.inode if watched.state is not None else None
            same = watched.tail if state.inode == before else None
            self._guarded(watched.source, last=False, tail=same)

    def _guarded(self, source: Source, *, last: bool, tail: Tail | None = None) -> None:
        """Import one file; that it cannot be read must not keep others from being imported."""
        if not source.path.is_file():  # to open a pipe would wait for its other end
            self.report.errors[shown(source.path)] = "is no regular file, or is gone"
            return
        began, database, state = time.monotonic(), False, None
        try:
            with source.path.open("rb") as stream:
                self.report.errors.pop(shown(source.path), None)
                database = is_database(stream.read(16))
                state = _state(source, os.fstat(stream.fileno()), database=database)
                tail = self._file(source, stream, last=last, tail=tail)
        except OSError as error:
            self._failed(source, error)
            return
        except ImportFailed as error:
            self.report.errors[shown(source.path)] = str(error)
            state = tail = None
        now = time.monotonic()
        rests_until = now + _REST * (now - began) if database else now
        self._watched[source.real] = _Watched(source, state, tail, database, rests_until)

    def _file(
        self, source: Source, stream: BinaryIO, *, last: bool, tail: Tail | None
    ) -> Tail | None:
        skipped = self.report.skipped.copy()
        if tail is None or not tail.goes_on(stream):
            kind = self._kind(source, stream)
            if kind.format is None:
                return None
            if kind.format == HERMES:
                self._database(source)
                return None
            self._count(source)
            if kind.document:
                self._document(source, kind.format, stream)
                return None
            known = None if self.reread else self._ledger.known(source.path, kind.format, stream)
            tail = Tail(source.path, kind.format, known)
        tail.read(stream, self._sink, last=last, step=lambda offset: self.step(source, offset))
        self._remember(source, tail.entry())
        if not tail.messages and self._is_other(source, detect(stream, name=source.path.name)):
            # the reasons for which another format's lines are skipped say nothing
            self.report.skipped = skipped
        return tail

    def _is_other(self, source: Source, kind: Kind) -> bool:
        """Tell whether a file is of another format than was said; that is an error."""
        if self.format == "auto" or kind.format in (None, self.format):
            return False
        self.report.errors[shown(source.path)] = _OTHER.format(kind.format, self.format)
        return True

    def _count(self, source: Source) -> None:
        if source.real not in self._read:
            self._read.add(source.real)
            self.report.files += 1

    def _database(self, source: Source) -> None:
        """Import a database.

        Raises:
            ImportFailed: it is none of Hermes, or cannot be opened.
        """
        from journal.importers.hermes import read_database  # noqa: PLC0415 - only this needs SQLite
        from journal.importers.hermes_database import NotHermesError  # noqa: PLC0415 - the same

        try:
            entry, why = read_database(
                source.path,
                self._sink,
                self._ledger,
                reread=self.reread,
                first=source.real not in self._read,
                step=lambda offset: self.step(source, offset),
            )
        except NotHermesError:
            if self.format != "auto" or source.named:
                raise
            self._unknown.add(source.path)  # other programs call theirs state.db, too
            return
        self._count(source)
        self._remember(source, entry)
        if why is not None:
            self.report.errors[shown(source.path)] = why

    def _document(self, source: Source, format: str, stream: BinaryIO) -> None:
        entry = read_document(
            source.path, format, stream, self._sink, self._ledger, reread=self.reread
        )
        self.step(source, entry.offset)
        self._remember(source, entry)

    def _remember(self, source: Source, entry: Entry) -> None:
        """Note how far a source was imported, once that is durable."""
        if self._ledger.read(source.path) == entry:
            return
        self.journal.sync()
        self._ledger.write(source.path, entry)

    def _kind(self, source: Source, stream: BinaryIO) -> Kind:
        """Find out what a file is; one of no known format is noted."""
        kind = detect(stream, name=source.path.name)
        if not stream.seek(0, os.SEEK_END):
            if self.format == HERMES:
                self.report.errors[shown(source.path)] = _EMPTY
            return Kind(None, document=False)  # nothing in it yet
        if self.format != "auto":
            if (kind.document or self.format == HERMES) and self._is_other(source, kind):
                return Kind(None, document=True)
            kind = Kind(self.format, document=kind.document)
        if kind.format is not None:
            self._unknown.discard(source.path)
        elif source.named:
            why = "" if kind.why is None else f" ({kind.why})"
            self.report.errors[shown(source.path)] = _UNKNOWN.format(why)
        elif source.path not in self._unknown:
            self._unknown.add(source.path)
            if kind.why is not None:
                self.report.skip(kind.why)
        return kind

    def _failed(self, source: Source, error: OSError) -> None:
        self.report.errors[shown(source.path)] = error.strerror or str(error)

    def _folder_failed(self, error: OSError) -> None:
        self.report.errors[shown(error.filename)] = error.strerror or str(error)


def _state(source: Source, found: os.stat_result, *, database: bool) -> _State:
    same = changes_of(source.path) if database else (found.st_size, found.st_mtime_ns)
    return _State(found.st_ino, same)
