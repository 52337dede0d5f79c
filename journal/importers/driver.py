"""Imports sources into a journal, once or for as long as they grow."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from journal.errors import ImportFailed
from journal.importers.files.compressed import open_source
from journal.importers.files.detect import Kind, detect
from journal.importers.files.sources import Source, Walk, shown
from journal.importers.files.tail import Tail, read_document
from journal.importers.following import Following, Watched, state_of
from journal.importers.hermes.file import HERMES, is_database, is_wanted
from journal.importers.known_keys import KnownKeys
from journal.importers.ledger import Ledger
from journal.importers.report import Report
from journal.importers.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from journal.importers.ledger import Entry
    from journal.writer import Journal

_UNKNOWN = (
    "not a transcript of a known format{}; say which with `journal import FORMAT` in place of auto"
)
_OTHER = "this looks like {0}, not {1}; import it as {0}, or with auto"
_EMPTY = "is empty: Hermes has written nothing to it yet"


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
    _keys: KnownKeys = field(init=False)
    _read: set[Path] = field(default_factory=set)
    _unknown: set[Path] = field(default_factory=set)
    _passed: dict[str, str] = field(default_factory=dict)  # path: why it was passed over

    def __post_init__(self) -> None:
        imports = self.journal.path / "imports"
        self._keys = KnownKeys(self.journal.path / "lanes", imports / "keys")
        self._sink = Sink(self.journal, self.report, self._keys)
        self._ledger = Ledger(imports)
        self._ledger.sweep()

    def sources(self, paths: Sequence[Path]) -> list[Source]:
        """Find the files; what is passed over, and a folder that cannot be read, is reported."""
        return list(self.walk().sources(paths))

    def walk(self) -> Walk:
        """Begin a walk over folders."""
        return Walk(
            self.journal.path,
            lambda name: is_wanted(name, self.format),
            self._folder_failed,
            self._pass_over,
        )

    def run(self, found: Sequence[Source]) -> Report:
        """Import files once.

        Raises:
            JournalError: the journal could not be written; what the report counts is.
        """
        for source in found:
            self.take(source, last=True)
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
        Following(self, paths, wait).run(caught_up)
        return self._finish()

    def _finish(self) -> Report:
        self.report.unknown = sorted(shown(path) for path in self._unknown)
        for path, reason in sorted(self._passed.items()):
            if path not in self.report.side_files:
                self.report.pass_over(reason, path)
        self._passed.clear()
        self._keys.save()
        return self.report

    def take(self, source: Source, *, last: bool, tail: Tail | None = None) -> Watched | None:
        """Import one file; that it cannot be read must not keep others from being imported.

        Args:
            source: the file.
            last: whether an unfinished last line is all that will come of it.
            tail: how far it was read.

        Returns:
            What is to be known of the file to follow it; None if it cannot be read at all.
        """
        if not source.path.is_file():  # to open a pipe would wait for its other end
            self.report.errors[shown(source.path)] = "is no regular file, or is gone"
            return None
        began, database, state = time.monotonic(), False, None
        try:
            with open_source(source.path) as stream:
                self.report.errors.pop(shown(source.path), None)
                found = os.fstat(stream.fileno())
                database = is_database(stream.read(16))
                state = state_of(source.path, found, database=database)
                tail = self._file(source, stream, last=last, tail=tail)
        except OSError as error:
            self._sink.flush()  # what stands in front of the broken place
            self.failed(source, error)
            return None
        except ImportFailed as error:
            self.report.errors[shown(source.path)] = str(error)
            state = tail = None
        return Watched(source, state, tail, database, time.monotonic() - began)

    def tail(self, path: Path, place: Path, format: str) -> Tail | None:
        """Give how far a file of lines was read, as the ledger has it; None if it has not.

        Args:
            path: where the file is now.
            place: the path that stands for it in ids.
            format: what it is read as.
        """
        try:
            with open_source(path) as stream:
                for known_as in (path, place):
                    known = self._ledger.known(known_as, format, stream)
                    if known is not None:
                        return Tail(path, format, known, place=place)
        except OSError:
            return None  # to read it says what is the matter
        return None

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
        from journal.importers.hermes.database import NotHermesError  # noqa: PLC0415 - the same
        from journal.importers.hermes.parser import read_database  # noqa: PLC0415 - only this needs SQLite

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
        stream.seek(0)
        if not stream.read(1):
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

    def failed(self, source: Source, error: OSError) -> None:
        """Report a file that could not be read."""
        self.report.errors[shown(source.path)] = error.strerror or str(error)

    def _pass_over(self, reason: str, path: Path) -> None:
        self._passed[shown(path)] = reason

    def _folder_failed(self, error: OSError) -> None:
        self.report.errors[shown(error.filename)] = error.strerror or str(error)
