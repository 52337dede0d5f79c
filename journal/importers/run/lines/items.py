"""Turns the lines of one file into items, in their order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from journal.errors import ImportFailed
from journal.importers.files.decode import BadLine, decode, unfinished
from journal.importers.files.side_files import message_without_file, read_side_file
from journal.importers.files.torn import parts_of
from journal.importers.files.walk import shown
from journal.importers.parsing.events import NEW
from journal.importers.parsing.parser import Found, Repaired, SideFile, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from journal.importers.files.lines import Line
    from journal.importers.formats import LineFormat, SourceFormat
    from journal.importers.parsing.parser import Item, Parser
    from journal.importers.parsing.transcript import Transcript
    from journal.importers.parsing.values import Json
    from journal.importers.run.report import Report


@dataclass(slots=True)
class LineItems:
    """The items of the lines of one file.

    Attributes:
        path: the file.
        format: its format.
        lines_format: the format's own part for JSON lines.
        parser: gets the values of the lines.
        transcript: completes the items of the parser.
        known: lines that an earlier import has read: the side files that they name are not read.
        missed: whether side files were missing then: they are looked for again.
        names_files: whether the lines name side files.
        is_missing: whether a side file was missing.
    """

    path: Path
    format: SourceFormat
    lines_format: LineFormat
    parser: Parser
    transcript: Transcript
    known: int = 0
    missed: bool = False
    names_files: bool = False
    is_missing: bool = False
    _more: int = 0  # objects after the first one on a line

    def decoded(self, line: Line) -> tuple[Json, tuple[str, ...]] | None:
        """Return the value of a line, and its repairs; None if `add` has to look at its bytes."""
        raw = line.raw
        if not raw or not line.finished or raw.isspace() or self.lines_format.text is not None:
            return None
        try:
            return decode(raw)
        except BadLine:
            return None

    def add(
        self,
        line: Line,
        decoded: tuple[Json, tuple[str, ...]] | None,
        report: Report,
        found: list[Item],
    ) -> None:
        """Add the items of the next line to a list, also those before an error.

        Args:
            line: the line.
            decoded: what `decoded` returns for it.
            report: counts what is read beside the file.
            found: the list.

        Raises:
            ImportFailed: the parser raised an error.
        """
        # more than one object on a line: each counts as a line of its own
        number, raw = line.number + self._more, line.raw
        if decoded is not None:
            value, repairs = decoded
        elif raw is None:
            if line.digest:
                self._parsed(number, None, line, report, found)
            else:
                found.append(Skipped(number, "unfinished last line, over 64 MiB"))
            return
        elif self.lines_format.text is not None:
            self._parsed(number, self.lines_format.text(raw), line, report, found)
            return
        elif not raw or raw.isspace():
            found.append(Skipped(number, "blank line"))
            return
        else:
            try:
                value, repairs = decode(raw)
            except BadLine as bad:
                reason = str(bad) if line.finished else unfinished(raw, bad)
                self._torn(line, raw, reason, report, found)
                return
        if repairs:
            found.extend(Repaired(number, repair) for repair in repairs)
        self._parsed(number, value, line, report, found)

    def _torn(self, line: Line, raw: bytes, reason: str, report: Report, found: list[Item]) -> None:
        """Add the items of complete objects on a line that is no JSON; skip the rest by name."""
        parts = parts_of(raw, self.lines_format.is_envelope)
        if not parts.objects:
            found.append(Skipped(line.number, reason))
            return
        if parts.torn:
            found.append(Skipped(line.number, "torn part of a line, beside a whole object"))
        else:
            reason = "objects on one line, without newlines between them"
            found.append(Repaired(line.number, reason))
        for at, whole in enumerate(parts.objects, line.number + self._more):
            value, repairs = decode(whole)
            found.extend(Repaired(line.number, repair) for repair in repairs)
            self._parsed(at, value, line._replace(raw=whole), report, found)
        self._more += len(parts.objects) - 1

    def _parsed(
        self, number: int, value: Json, line: Line, report: Report, found: list[Item]
    ) -> None:
        """Add the items of a parser for a line; the parser may be of another package.

        The texts of the side files that the line names are added, too.
        """
        # of a text, a message is known by its own lines: the next one shows that it ended
        own, is_text = line.number, self.lines_format.text is not None
        complete, names_files, failure = self.transcript.complete, False, None
        try:
            if line.raw is None:
                items = self.parser.left_out(number, line.size, line.digest)
            else:
                items = self.parser.value(number, value, line.raw)
            for given in items:
                for item in complete(given):
                    if isinstance(item, Found):
                        same = item.line == own or is_text or item.line == NEW
                        found.append(item if same else replace(item, line=own))
                    else:
                        names_files |= isinstance(item, SideFile)
                        found.append(item)
        except Exception as error:  # noqa: BLE001 - it is raised below
            failure = error
        if names_files:
            self.names_files = True
            is_read = own > self.known or self.missed
            found[:] = self._with_side_files(found, report, is_read=is_read)
        if failure is not None:
            raise parser_failed(self.format, number, failure) from failure

    def _with_side_files(
        self, items: list[Item], report: Report, *, is_read: bool
    ) -> Iterator[Item]:
        """Yield items, and the texts of side files in their places, if these are read."""
        for item in items:
            if not isinstance(item, SideFile):
                yield item
            elif is_read:
                yield from self._side_file(item, report)

    def _side_file(self, item: SideFile, report: Report) -> Iterator[Item]:
        try:
            texts = read_side_file(self.path, item)
        except OSError as error:
            self.is_missing = True
            reason = "tool output" if item.instead is None else "rest of a tool output"
            name = f"{item.session}/{item.folder}/{item.name}"
            report.pass_over(f"{reason}: {error.strerror or error}", name)
            for found in message_without_file(item):
                yield from self._beside(found)
            return
        report.side_files.add(shown(texts.path))
        for found in texts.messages:
            yield from self._beside(found)

    def _beside(self, found: Found) -> Iterator[Item]:
        """Yield the message of a side file, and a time for one whose line has none."""
        yield replace(found, line=NEW)
        if "timestamp" not in found.event["data"]:
            yield from self.transcript.estimate(found)


def parser_failed(format: SourceFormat, number: int, error: Exception) -> ImportFailed:
    """Return the error to report for an exception of a format's parser at a line or piece."""
    why = f"{type(error).__name__}: {error}"
    return ImportFailed(f"the importer {format.name!r} failed at line {number}: {why}")
