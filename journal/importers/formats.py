"""The declaration of a source: one value, which an entry point names.

`journal.importers.registry` finds these values. The code under `run` uses a source only through its
value, so a new source needs no change there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, ParamSpec, Protocol

from journal.errors import ImportFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from journal.importers.files.document import Document, Numbered
    from journal.importers.parsing.parser import Found, Item, Location, Parser
    from journal.importers.parsing.values import Json

_P = ParamSpec("_P")

EXPORTS = ("*conversations*.json", "*conversations*.jsonl", "*.zip")
"""Patterns of names of the exports that services give; a zip file is read if it has one."""
TRANSCRIPTS = ("*.jsonl", "*.json", "*.jsonl.zst", "*.json.zst")
"""Patterns of names of JSON lines and JSON documents; both may be compressed."""


class OtherFormatError(ImportFailed):
    """A database is not of the format that was tried."""


def _never(_value: Json) -> bool:
    return False


def _none_wait(_parser: Parser) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class LineFormat:
    """A file of JSON lines.

    Attributes:
        matches: returns whether the value of a line can only be of this format.
        parser: returns the parser of one file. It imports the parser's module when it is called,
            so that a source which is not read is not loaded.
        is_envelope: returns whether a value can only be a whole line. Such values are searched for
            after the torn beginning of another line; a value that may be a part of another object
            is none.
        text: returns a line as text, for a file whose lines are no JSON; it is detected by its name
            alone, which `SourceFormat.files` has.
        waits: returns the number of the first line whose items the parser has not yielded, because
            they wait for a later line; 0 if none wait. They are yielded at the end.
    """

    matches: Callable[[Json], bool]
    parser: Callable[[Location], Parser]
    is_envelope: Callable[[Json], bool] = _never
    text: Callable[[bytes], str] | None = None
    waits: Callable[[Parser], int] = _none_wait


@dataclass(frozen=True, slots=True)
class DocumentFormat:
    """A file that is one JSON document.

    Attributes:
        matches: returns whether a document is of this format.
        pieces: returns the document's pieces with their numbers, each as its items; it reads the
            document as a stream.
        whole: returns the items of a document that is in memory because it had to be repaired.
        apart: returns the parser of the items of a list, each of which is a whole conversation that
            ends with a `SessionEnd`; None if they depend on each other. Then several processes
            read a large document.
    """

    matches: Callable[[Document], bool]
    pieces: Callable[[Document, Location], Iterator[Numbered]]
    whole: Callable[[Json, Location], Iterator[Item]]
    apart: Callable[[Location], Parser] | None = None


def loaded_late(load: Callable[[], Callable[_P, DatabaseResult]]) -> Callable[_P, DatabaseResult]:
    """Return a reader that is imported when it reads; `load` returns it, and gets all arguments."""

    def read(*arguments: _P.args, **named: _P.kwargs) -> DatabaseResult:
        return load()(*arguments, **named)

    return read


def listed_documents(
    names: AbstractSet[str], parser: Callable[[Location], Parser], *, apart: bool = False
) -> DocumentFormat:
    """Return the format of a document that is a list of conversations, or one of them.

    Args:
        names: the keys that each conversation has.
        parser: returns the parser; it gets each conversation as the value of a line.
        apart: whether each conversation can be read apart, as `DocumentFormat.apart` says.
    """

    def matches(document: Document) -> bool:
        shape = document.shape
        if shape.top == "list":
            return any(names <= keys for keys in shape.lists[""].keys)
        return names <= shape.lists.keys() | shape.rest.keys() | set(shape.large)

    def pieces(document: Document, location: Location) -> Iterator[Numbered]:
        found = parser(location)
        if document.shape.top == "list":
            yield from document.pieces(None, lambda at, piece: found.value(at, piece, None))
        else:
            yield 1, found.value(1, document.whole(), None)

    def whole(value: Json, location: Location) -> Iterator[Item]:
        found = parser(location)
        for number, piece in enumerate(value if isinstance(value, list) else [value], 1):
            yield from found.value(number, piece, None)

    return DocumentFormat(matches, pieces, whole, parser if apart else None)


class ItemWriter(Protocol):
    """Appends the items of a database."""

    def take(self, items: Iterator[Item], raw: bytes | None, *, known: int = 0) -> None:
        """Append items; `raw` is None, and `known` 0, if they are no line of a file."""
        ...

    def flush(self) -> None:
        """Append the items so far.

        Raises:
            JournalError: the journal could not be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class DatabaseResult:
    """One reading of a database.

    Attributes:
        rows: rows that were read.
        known: `known` of the next import; it may be lost at any time.
        failure: why a part could not be read, or None.
        sessions: ids of all sessions that it has now; None if that is not known.
    """

    rows: int
    known: str
    failure: str | None = None
    sessions: frozenset[str] | None = None


class DatabaseReader(Protocol):
    """Reads one database in one snapshot."""

    def __call__(
        self,
        path: Path,
        known: str,
        writer: ItemWriter,
        *,
        reread: bool = False,
        first: bool = True,
        step: Callable[[int], None] = lambda _offset: None,
    ) -> DatabaseResult:
        """Read a database; append the events that no earlier import appended.

        Args:
            path: the database.
            known: `DatabaseResult.known` of the import before; empty if there was none.
            writer: appends the new events.
            reread: append all of it again, known or not.
            first: whether this run reads it for the first time: only then known rows are counted.
            step: called at intervals with the bytes of the file that were read.

        Raises:
            OtherFormatError: it is a database of another program; nothing was appended.
            ImportFailed: it cannot be opened; nothing was appended.
            JournalError: the journal could not be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class SessionIndex:
    """Small files in which a program keeps the titles of its sessions, apart from their lines.

    They change when a session does not: titles are looked for again where only they have changed.

    Attributes:
        files: their paths from the folder of a source; most are not there.
        titles: yields the title of a session of a source, as `events.aside`, if they have one.
    """

    files: tuple[str, ...]
    titles: Callable[[Location, str], Iterator[Found]]


@dataclass(frozen=True, slots=True)
class SourceFormat:
    """A source of transcripts.

    Attributes:
        name: its name in `journal import`, and the name of its entry point.
        version: increased when the same lines give other events: then all is appended again, and
            events that the journal has change nothing.
        about: a few words for `journal import --help`.
        paths: the folders of its program; `~` is the home folder.
        files: patterns, as of `fnmatch`, for the names of files that are read in a folder.
        lines, documents, database: the kinds of its files; at least one.
        generic: whether other programs' files have its shape, too: it is tried last.
        prune: of a database, returns `DatabaseResult.known` without the sessions that were
            forgotten; without it, `known` is dropped if something is forgotten.
        index: where the titles are, if its lines do not have them; its parser yields them, too.
        side_folders: names of folders whose files are imported only with the lines that name
            them, as `SideFile`.
        beside: paths, from the folder of a source, of other small files of its program, such as
            indexes and settings, which are no transcripts; `{stem}` stands for the name of the
            source up to its first point. They are named so in reports.
    """

    name: str
    version: int
    about: str
    paths: tuple[str, ...] = ()
    files: tuple[str, ...] = TRANSCRIPTS
    lines: LineFormat | None = None
    documents: DocumentFormat | None = None
    database: DatabaseReader | None = None
    prune: Callable[[str, Callable[[str], bool]], str] | None = None
    generic: bool = False
    index: SessionIndex | None = None
    side_folders: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def importer(self) -> str:
        """Its name and version, as the events that it yields have them."""
        return f"{self.name} {self.version}"

    def side_files(self, source: Path) -> Iterator[str]:
        """Yield the paths that files beside a source have, whether they are there or not."""
        stem = source.name.partition(".")[0]
        names = (*self.beside, *(() if self.index is None else self.index.files))
        for name in names:
            yield os.path.normpath(source.parent / name.replace("{stem}", stem))
