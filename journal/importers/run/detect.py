"""Detects the kind of a file (JSON lines, one JSON document or a database) and its format."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from journal.importers.files.decode import BOM, BadLine, decode, unfinished
from journal.importers.files.document import Document
from journal.importers.files.lines import read_lines
from journal.importers.files.sqlite_file import is_database
from journal.importers.files.streaming import DEEP
from journal.importers.files.torn import parts_of
from journal.importers.files.walk import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from journal.importers.files.walk import Source
    from journal.importers.formats import SourceFormat
    from journal.importers.parsing.values import Json
    from journal.importers.run.report import Report

_T = TypeVar("_T")
OTHER = "this looks like {0}, not {1}; import it as {0}, or with auto"
_NO_LINES = "holds JSON lines, which the importer {!r} does not read"
_NO_DATABASE = "is a SQLite database, which the importer {!r} does not read; import it with auto"
_UNKNOWN = (
    "not a transcript of a known format{}; say which with `journal import FORMAT` in place of auto"
)
_EMPTY = "is empty: its program has written nothing to it yet"
_LOOKED_AT = 64
"""Lines that are examined before detection fails."""
_LONGEST = 1024 * 1024
"""Maximum bytes of an examined line: a first line may contain the image of a whole document."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The kind of a file.

    Attributes:
        format: the name of its format, or None if it has no installed format.
        document: whether it is a JSON document or a database, rather than JSON lines.
        why: why the format cannot be detected, if the file's bytes show it.
        database: whether it is a database; its format is found when it is opened.
    """

    format: str | None
    document: bool
    why: str | None = field(default=None, compare=False)
    database: bool = field(default=False, compare=False)


@dataclass(slots=True)
class Detector:
    """Detects the format of files.

    Attributes:
        formats: the formats, in the order in which they are tried.
        failed: why a format is not tried any more, by its name: its own check raised an error.
    """

    formats: Sequence[SourceFormat]
    failed: dict[str, str] = field(default_factory=dict)

    def detect(self, stream: BinaryIO, *, name: str) -> Kind:
        """Detect the kind of a file from its first lines, and by its name if they do not decide.

        Args:
            stream: the file.
            name: its name, without its folder.
        """
        stream.seek(0)
        if is_database(stream.read(16)):
            # the owner of the database is found when it is opened
            found = [format for format in self.formats if format.database]
            by_name = [of for of in found if any(fnmatchcase(name, it) for it in of.files)]
            likely = next((format.name for format in (*by_name, *found)), None)
            why = None if by_name else "a database of any name"
            return Kind(likely, document=True, why=why, database=True)
        if text := self._text_of(name):
            return Kind(text, document=False)
        if _is_document(stream, name):
            return self._kind_of_document(stream)
        stream.seek(0)
        return self._kind_of_lines(stream)

    def _kind_of_lines(self, stream: BinaryIO) -> Kind:
        """Return the format of JSON lines; a generic one only if no line is of another.

        A program may change the form of its lines to that of a list of messages, but for some.
        """
        why, generic = None, None
        readable = False
        for line in read_lines(stream, limit=_LONGEST):
            if line.number > _LOOKED_AT:
                break
            if not line.raw:
                continue
            try:
                value, _ = decode(line.raw)
            except BadLine as bad:
                if name_of_parts := self._format_of_parts(line.raw):
                    return Kind(name_of_parts, document=False)
                why = why or (str(bad) if line.finished else unfinished(line.raw, bad))
                continue
            readable = True
            format = self._format_of(value)
            if format is not None and not format.generic:
                return Kind(format.name, document=False)
            generic = generic or format
        name = None if generic is None else generic.name
        return Kind(name, document=False, why=None if readable else why)

    def _format_of(self, value: Json) -> SourceFormat | None:
        """Return the format of a line."""
        for format in self.formats:
            if format.lines and self._matches(format, format.lines.matches, value):
                return format
        return None

    def _text_of(self, name: str) -> str | None:
        """Return the format of a file of text lines, which its name alone decides."""
        for format in self.formats:
            is_text = format.lines is not None and format.lines.text is not None
            if is_text and any(fnmatchcase(name, pattern) for pattern in format.files):
                return format.name
        return None

    def _format_of_parts(self, raw: bytes) -> str | None:
        """Return the format of a line of joined or torn objects.

        Such objects are imported, so a file without other lines must not be refused.
        """
        for format in self.formats:
            if format.lines is None:
                continue
            is_envelope = partial(self._matches, format, format.lines.is_envelope)
            for part in parts_of(raw, is_envelope).objects:
                if self._matches(format, format.lines.matches, decode(part)[0]):
                    return format.name
        return None

    def _kind_of_document(self, stream: BinaryIO) -> Kind:
        document = Document(stream)
        for format in self.formats:
            if format.documents and self._matches(format, format.documents.matches, document):
                return Kind(format.name, document=True)
        return Kind(None, document=True, why=DEEP if document.deep else None)

    def _matches(self, format: SourceFormat, check: Callable[[_T], bool], value: _T) -> bool:
        if format.name in self.failed:
            return False
        try:
            return check(value)
        except Exception as error:  # noqa: BLE001 - any package may bring it; the others go on
            why = f"{type(error).__name__}: {error}"
            self.failed[format.name] = f"failed to check a file, and was not asked again: {why}"
            return False


def refusal(kind: Kind, format: SourceFormat) -> str | None:
    """Return why a file cannot be read in a format that was asked for; None if it can be."""
    only_database = not (format.lines or format.documents)
    other = kind.format not in (None, format.name)
    if kind.database and format.database is not None:
        return None
    if kind.database and kind.why is not None:
        return _NO_DATABASE.format(format.name)
    if other and (kind.document or only_database):
        return OTHER.format(kind.format, format.name)
    if not (kind.document or only_database or format.lines):
        return _NO_LINES.format(format.name)
    return None


def _is_document(stream: BinaryIO, name: str) -> bool:
    """Return whether a file is no JSON lines: in JSON lines the first line is a value by itself."""
    stream.seek(0)
    values = 0
    for line in read_lines(stream, limit=_LONGEST):
        if line.raw is None:
            return not name.endswith(".jsonl") and values == 0
        text = line.raw.removeprefix(BOM).strip()
        if not text:
            continue
        if values or line.number > _LOOKED_AT:
            return False
        try:
            decode(text)
        except BadLine:
            opens = text[:1] in (b"{", b"[")
            return opens and (not name.endswith(".jsonl") or len(text) == 1)
        values += 1
    return values > 0 and not name.endswith((".jsonl", ".ndjson"))


def usable(
    kind: Kind,
    source: Source,
    stream: BinaryIO,
    forced: SourceFormat | None,
    report: Report,
    unknown: set[Path],
) -> Kind:
    """Return the kind as which a file is read, without a format if it is not; report why.

    Args:
        kind: as it was detected.
        source: the file.
        stream: the opened file.
        forced: the format that was asked for; None if it is detected.
        report: gets the error of a file that was asked for.
        unknown: the files of unknown formats so far; it is changed.
    """
    stream.seek(0)
    if not stream.read(1):
        if forced is not None and not (forced.lines or forced.documents):
            report.errors[shown(source.path)] = _EMPTY
        return Kind(None, document=False)  # the file is empty
    if forced is not None:
        if (why := refusal(kind, forced)) is not None:
            report.errors[shown(source.path)] = why
            return Kind(None, document=kind.document)
        kind = replace(kind, format=forced.name)
    if kind.format is not None:
        unknown.discard(source.path)
    elif source.named:
        why = "" if kind.why is None else f" ({kind.why})"
        report.errors[shown(source.path)] = _UNKNOWN.format(why)
    elif source.path not in unknown:
        unknown.add(source.path)
        if kind.why is not None:
            report.skip(kind.why)
    return kind
