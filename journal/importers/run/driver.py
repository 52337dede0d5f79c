"""Imports sources into a journal."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from journal.erasure.requests import RequestScan
from journal.errors import ImportFailed
from journal.fs.directory import open_directory
from journal.importers.files.compressed import open_source
from journal.importers.files.sqlite_file import is_database
from journal.importers.files.walk import Source, Walk, shown
from journal.importers.formats import OtherFormatError
from journal.importers.registry import AUTO
from journal.importers.registry import installed as find_installed
from journal.importers.run.ahead.reading import ReadAhead, Taken, least
from journal.importers.run.detect import OTHER, Detector, Kind, usable
from journal.importers.run.event_writer import EventWriter
from journal.importers.run.gone.presence import Presence
from journal.importers.run.index_titles import IndexTitles
from journal.importers.run.known.forms import Forms
from journal.importers.run.known.keys import KnownKeys, Origin
from journal.importers.run.known.places import Places
from journal.importers.run.known.unsure import sync
from journal.importers.run.ledger import Entry, Ledger
from journal.importers.run.report import Report
from journal.importers.run.tail import Tail
from journal.importers.run.unchanged import unchanged
from journal.importers.run.watched import Watched, settled_state, state_of
from journal.importers.run.whole_database import read_database
from journal.importers.run.whole_document import OpenDocument, read_document
from journal.process.garbage import rare_collections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from journal.importers.formats import SourceFormat
    from journal.importers.registry import Installed
    from journal.writer import Journal


@dataclass(slots=True)
class Importer:
    """One run of an import.

    Attributes:
        journal: the events are appended to it.
        format: the name of an installed format, or "auto".
        installed: the installed formats.
        reread: ignore the ledger.
        report: the counts so far.
        step: called at intervals with a source and the bytes of its file that were read.
        least: bytes of new files from which on another process reads them ahead.
        ledger: how far each source was imported.
        presence: which sessions have a source.
        titles: appends titles that sources have apart from their files.
        writer: appends the events.
        ahead: the process that reads ahead.
    """

    journal: Journal
    format: str
    reread: bool = False
    report: Report = field(default_factory=Report)
    installed: Installed = field(default_factory=find_installed)
    step: Callable[[Source, int], None] = lambda _source, _read: None
    least: int = field(default_factory=least)
    ledger: Ledger = field(init=False)
    presence: Presence = field(init=False)
    titles: IndexTitles = field(init=False)
    _places: Places = field(init=False)
    _forced: SourceFormat | None = field(init=False)
    _detector: Detector = field(init=False)
    _wanted: list[str] = field(init=False)  # patterns of file names
    writer: EventWriter = field(init=False)
    _keys: KnownKeys = field(init=False)
    ahead: ReadAhead = field(init=False)
    _found: list[Source] = field(default_factory=list)
    _walked: Walk | None = None
    _settled: str = ""  # state of the file that is read
    _read: dict[Path, SourceFormat] = field(default_factory=dict)
    _unknown: set[Path] = field(default_factory=set)
    _passed: dict[Path, str] = field(default_factory=dict)  # path: why it was skipped

    def __post_init__(self) -> None:
        formats = self.installed.formats
        self._forced = None if self.format == AUTO else self.installed.named(self.format)
        self._detector = Detector(formats)
        wanted = formats if self._forced is None else (self._forced,)
        self._wanted = sorted({pattern for format in wanted for pattern in format.files})
        imports = self.journal.path / "imports"
        forms = Forms(self.journal)
        self._keys = KnownKeys(self.journal.path / "lanes", imports / "keys", forms)
        requests = RequestScan(open_directory(self.journal.path, create=False))
        self.writer = EventWriter(self.journal, self.report, self._keys, forms, requests)
        self.ledger = Ledger(imports, partial(sync, self.journal))
        self.ledger.sweep()
        self.titles = IndexTitles(self.ledger, self.writer)
        self.ahead = ReadAhead(self.least)
        self._places = Places(self.ledger)
        self.presence = Presence(self.ledger, self.journal, self._keys, requests, self.report)

    def sources(self, paths: Sequence[Path]) -> list[Source]:
        """Find the files; skipped paths, and folders that cannot be read, are reported."""
        self.presence.begin()
        self._walked = self.walk()
        self._found = list(self._walked.sources(paths))
        self._places.begin(self._found)
        return self._found

    def walk(self) -> Walk:
        """Begin a walk over folders."""
        return Walk(
            self.journal.path,
            lambda name: any(fnmatchcase(name, pattern) for pattern in self._wanted),
            frozenset(name for format in self.installed.formats for name in format.side_folders),
            self._folder_failed,
            self._pass_over,
        )

    def run(self, found: Iterable[Source]) -> Report:
        """Import files once.

        Raises:
            JournalError: the journal could not be written; the counts in the report are appended.
        """
        with rare_collections(), self.ahead as ahead:
            if self.installed is find_installed():
                new = self._found if self.reread else self.ledger.unknown(self._found)
                ahead.start(new, "" if self._forced is None else self.format, self.journal)
            for source in found:
                self.take(source, last=True)
        self.presence.mark_gone(self._walked, ())
        return self.finish()

    def finish(self) -> Report:
        """Complete the report, and write the hints for the next import."""
        self.report.name_files(self._unknown, self._passed, self._read)
        self._passed.clear()
        broken = self._detector.failed | (self.installed.broken if self._forced is None else {})
        self.report.errors |= {f"importer {name}": why for name, why in broken.items()}
        self.ledger.write()
        self._keys.save()
        self.writer.requests.save()
        self.report.warnings = list(self.writer.requests.warnings())
        return self.report

    def take(self, source: Source, *, last: bool, tail: Tail | None = None) -> Watched | None:
        """Import one file; if it cannot be read, the error is reported and the import continues.

        Args:
            source: the file.
            last: whether an unfinished last line will not be continued.
            tail: the state of earlier reads.

        Returns:
            The state that following needs; None if the file cannot be read at all.
        """
        if not source.path.is_file():  # opening a pipe would wait for its other end
            self.report.errors[shown(source.path)] = "is no regular file, or is gone"
            return None
        if tail is None and (same := self._unchanged(source)) is not None:
            return same
        began, database, state = time.monotonic(), False, None
        try:
            with open_source(source.path) as stream:
                self.report.errors.pop(shown(source.path), None)
                found = os.fstat(stream.fileno())
                database = is_database(stream.read(16))
                state = state_of(source.path, found, database=database)
                self._settled = settled_state(source.path, found, database=database)
                tail = self._file(source, stream, last=last, tail=tail)
        except OSError as error:
            self.writer.flush()  # items before the error
            self.failed(source, error)
            return None
        except ImportFailed as error:
            self.writer.flush()  # items before the error
            self.report.errors[shown(source.path)] = str(error)
            state = tail = None
        return Watched(source, state, tail, database, time.monotonic() - began)

    def _unchanged(self, source: Source) -> Watched | None:
        """Return the state of a file that an earlier import has read as it is; None if none has."""
        entry = None if self.reread else self.ledger.read(source.path)
        if entry is None or self.format not in (AUTO, entry.format):
            return None
        format = self.installed.find(entry.format)
        if format is None or (same := unchanged(source, entry, format)) is None:
            return None
        if source.real not in self._read:
            self._read[source.real] = format
            self.report.unchanged += 1
        self.titles.take(source, entry, format)
        return same

    def _file(
        self, source: Source, stream: BinaryIO, *, last: bool, tail: Tail | None
    ) -> Tail | None:
        skipped, is_new, step = self.report.skipped.copy(), False, partial(self.step, source)
        self.writer.source = shown(source.path)
        if tail is None or not tail.is_continued(stream):
            kind = self._detect(source, stream)
            kind = usable(kind, source, stream, self._forced, self.report, self._unknown)
            if kind.format is None:
                return None
            if self._forced is not None and self._detect(source, stream).format != self.format:
                self.ledger.check_format(source.path, self.format, stream)
            format = self.installed.named(kind.format)
            self.writer.origin = Origin(format.name, format.version)
            if kind.database or not (format.documents or format.lines):
                self._database(source, format)
                return None
            self._count(source, format)
            place = self._places.place(source.path, format, stream)
            if place.is_left_out or kind.document or format.lines is None:
                ahead = self.ahead.document(source, stream, format, place)
                self._settled = self._settled if ahead is None else ahead.settled
                given = self.writer, self._places, place, step
                file = OpenDocument(source.path, format, stream, ahead)
                self._remember(source, read_document(file, *given, reread=self.reread))
                return None
            known = None if self.reread else self.ledger.matching(place.entry, format, stream)
            tail = Tail.begin(source.path, format, known, place.name)
            is_new = known is None and not place.name
        self.writer.origin = Origin(tail.format.name, tail.format.version)
        self.titles.note(source, tail.format)
        if is_new and last:
            taken = self.ahead.take(source, stream, tail, self.writer, step)
        else:
            tail.read(stream, self.writer, last=last, step=step)
            taken = Taken(tail.entry(), tail.messages, tail.names_files)
        if not taken.messages and self._is_other(source, self._detect(source, stream)):
            # how far another format's lines were read, and why they were skipped, does not matter
            self.report.skipped = skipped
            return tail
        self._settled = self._settled if taken.settled is None else taken.settled
        sessions, count = self.writer.sessions, taken.messages
        entry = self._places.noted(taken.entry, tail.name, sessions, count, stream)
        self._remember(source, entry, is_whole=not taken.names_files)
        return tail if taken.settled is None else None

    def _detect(self, source: Source, stream: BinaryIO) -> Kind:
        return self._detector.detect(stream, name=source.path.name)

    def _is_other(self, source: Source, kind: Kind) -> bool:
        """Return whether a file is of another format than the requested one; that is an error."""
        if self._forced is None or kind.format in (None, self.format):
            return False
        self.report.errors[shown(source.path)] = OTHER.format(kind.format, self.format)
        return True

    def _count(self, source: Source, format: SourceFormat) -> None:
        if source.real not in self._read:
            self._read[source.real] = format
            self.report.files += 1

    def _database(self, source: Source, format: SourceFormat) -> None:
        """Import a database.

        Raises:
            ImportFailed: it has none of the requested formats, or cannot be opened.
        """
        if self._forced is not None:
            self._read_database(source, format)
            return
        failure: ImportFailed | None = None
        for other in self.installed.databases(source.path.name):
            try:
                self._read_database(source, other)
            except OtherFormatError as error:
                failure = failure or error
            else:
                return
        if failure is not None and source.named:
            raise failure
        self._unknown.add(source.path)

    def _read_database(self, source: Source, format: SourceFormat) -> None:
        if format.database is None:
            return
        self.writer.origin = Origin(format.name, format.version)
        entry, failure = read_database(
            source.path,
            format,
            format.database,
            self.writer,
            self.ledger,
            reread=self.reread,
            first=source.real not in self._read,
            step=partial(self.step, source),
        )
        self._count(source, format)
        self._remember(source, entry, is_whole=failure is None, is_all=True)
        if failure is not None:
            self.report.errors[shown(source.path)] = failure

    def _remember(
        self, source: Source, entry: Entry, *, is_whole: bool = True, is_all: bool = False
    ) -> None:
        """Note how far a source was imported: if `is_whole`, it is read when it changes."""
        if is_whole:
            entry = replace(entry, state=self.titles.settled(source, self._settled))
        self.presence.remember(source, entry, self.writer.sessions, is_all=is_all)

    def failed(self, source: Source, error: OSError) -> None:
        """Report a file that could not be read."""
        self.report.errors[shown(source.path)] = error.strerror or str(error)

    def _pass_over(self, reason: str, path: Path) -> None:
        self._passed[path] = reason

    def _folder_failed(self, error: OSError) -> None:
        self.report.errors[shown(error.filename)] = error.strerror or str(error)
