"""The counts of an import, updated while it runs."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from journal.importers.files.walk import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from journal.importers.formats import SourceFormat


REASON = 60
"""Characters of a reason: with its count it fits a terminal of 80 columns."""
_REASONS = 500
"""Maximum number of different reasons; a file can have any number of kinds of lines."""
_SHOWN = 24
"""Reasons in the table, the most frequent ones."""
_OTHER = "other reasons"
_READ = 4096
"""Characters of a reason in which secrets are looked for; what follows is not shown."""
_TAIL = 24
"""Characters at the end of a long reason that stay."""
_KNOWN = 4096
"""Reasons whose text is remembered."""
_PATHS = 1_000
"""Paths that are named for one reason."""


@dataclass(slots=True)
class Report:
    """The counts of one import.

    Attributes:
        files: files that were read.
        unchanged: files that were not read, since an earlier import has read them as they are.
        lines: lines read; of a JSON document, its pieces.
        messages: messages appended.
        events: other events appended.
        already: events that an earlier import, or an earlier line of this one, appended.
        redacted: values that were replaced by marks, by kind.
        forgotten: events that a request forgets (`journal forget`): they are not appended.
        skipped: lines, or parts of one, that are not imported, by reason.
        skipped_at: where the first line of each reason is, as path and number with a colon between;
            in one JSON document it is the number of the piece.
        repaired: lines that were imported with a change (they are no strict JSON, or their time is
            invalid), by the kind of change.
        gone: sessions that no source has any more, and that were marked so now.
        vanished: ids of the first of them.
        returned: sessions marked so that a source has again.
        conflicts: events whose key the journal has already, with another content: the first
            is in force, and these are kept beside it.
        conflicting: keys of the first of them, each as "session/id".
        conflicts_in: how many of them each file has, the first files alone.
        passed_over: paths in folders that were not read, by reason; `skipped` counts them, too.
        side_files: files whose text was imported with a line that names them.
        unknown: files of unknown formats in folders.
        errors: files that could not be read, and why.
        warnings: why something may not be recognized that was forgotten, and what to do.
        sessions: ids of the sessions that were found.
        redact: replaces secrets in what a source says, such as the kind of a line, and in names of
            files: a report is printed, and kept in logs. Paths are redacted where they
            are shown.
    """

    files: int = 0
    unchanged: int = 0
    lines: int = 0
    messages: int = 0
    events: int = 0
    already: int = 0
    redacted: Counter[str] = field(default_factory=Counter)
    forgotten: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    skipped_at: dict[str, str] = field(default_factory=dict)
    repaired: Counter[str] = field(default_factory=Counter)
    gone: int = 0
    vanished: list[str] = field(default_factory=list)
    returned: int = 0
    conflicts: int = 0
    conflicting: list[str] = field(default_factory=list)
    conflicts_in: Counter[str] = field(default_factory=Counter)
    passed_over: dict[str, list[str]] = field(default_factory=dict)
    side_files: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    redact: Callable[[str], str] = str
    _texts: dict[str, str] = field(default_factory=dict)  # of reasons, by what a parser says

    def skip(self, reason: str) -> None:
        """Count a line or file that is not imported."""
        _count(self.skipped, self._text(reason))

    def skip_line(self, reason: str, path: str, line: int) -> None:
        """Count a line of a file that is not imported, and name the first one of each reason."""
        text = _count(self.skipped, self._text(reason))
        if text not in self.skipped_at:
            self.skipped_at[text] = f"{path}:{line}"

    def repair(self, reason: str) -> None:
        """Count a line that is imported with a change."""
        _count(self.repaired, self._text(reason))

    def pass_over(self, reason: str, path: str) -> None:
        """Count and name a path in a folder that is not read."""
        self.skip(reason)
        paths = self.passed_over.setdefault(reason, [])
        if len(paths) < _PATHS:
            paths.append(path)

    def conflict(self, session: str, id: str, path: str) -> None:
        """Count and name an event of a file whose key the journal has with another content."""
        self.conflicts += 1
        if path in self.conflicts_in or len(self.conflicts_in) < _PATHS:
            self.conflicts_in[path] += 1
        if len(self.conflicting) < _PATHS:
            self.conflicting.append(self.redact(f"{session}/{id}"))

    def name_files(
        self,
        unknown: Iterable[Path],
        passed: Mapping[Path, str],
        sources: Mapping[Path, SourceFormat],
    ) -> None:
        """Name the files that were not imported.

        Args:
            unknown: files of no known format.
            passed: why others were not read.
            sources: the files that were read, without links, and their formats.
        """
        for path, reason in sorted(passed.items()):
            if shown(os.path.realpath(path)) not in self.side_files:
                self.pass_over(reason, shown(path))
        beside: dict[str, str] = {}
        if unknown:
            for source, format in sources.items():
                beside |= dict.fromkeys(format.side_files(source), format.name)
        self.unknown = []
        for path in sorted(unknown):
            if (name := beside.get(os.path.realpath(path))) is None:
                self.unknown.append(shown(path))
            else:
                self.pass_over(f"beside sessions of {name}: index or settings", shown(path))

    def vanish(self, sessions: Sequence[str]) -> None:
        """Count and name sessions that were marked as gone."""
        self.gone += len(sessions)
        self.vanished += map(self.redact, sessions[: _PATHS - len(self.vanished)])

    def _text(self, reason: str) -> str:
        """Return a reason without secrets and control characters, short enough for a line."""
        if reason not in self._texts:
            if len(self._texts) == _KNOWN:
                self._texts.clear()
            self._texts[reason] = _short(_printable(self.redact(reason[:_READ])))
        return self._texts[reason]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found that the journal has now, or that was forgotten."""
        written = self.messages or self.events or self.conflicts or self.gone or self.returned
        return not (written or self.already or self.unchanged or self.forgotten)

    def as_json(self) -> dict[str, Any]:
        """Return the report as one JSON object."""
        return {
            "files": self.files,
            "unchanged": self.unchanged,
            "sessions": len(self.sessions),
            "lines": self.lines,
            "messages": self.messages,
            "events": self.events,
            "already": self.already,
            "redacted": dict(self.redacted.most_common()),
            "forgotten": self.forgotten,
            "gone": self.gone,
            "vanished": self.vanished,
            "returned": self.returned,
            "conflicts": self.conflicts,
            "conflicting": self.conflicting,
            "conflicts_in": dict(self.conflicts_in),
            "skipped": dict(self.skipped.most_common()),
            "skipped_at": {
                name: self.redact(at) for name, at in self.skipped_at.items() if self.skipped[name]
            },
            "repaired": dict(self.repaired.most_common()),
            "passed_over": {r: [*map(self.redact, at)] for r, at in self.passed_over.items()},
            "side_files": sorted(map(self.redact, self.side_files)),
            "unknown": [*map(self.redact, self.unknown)],
            "errors": {self.redact(name): self.redact(why) for name, why in self.errors.items()},
            "warnings": self.warnings,
        }

    def rows(self) -> Iterator[tuple[str, str]]:
        """Return the report as rows of a table: text and number."""
        yield "files read", f"{self.files:,}"
        if self.unchanged:
            yield "unchanged files, not read again", f"{self.unchanged:,}"
        yield "sessions", f"{len(self.sessions):,}"
        yield "lines read", f"{self.lines:,}"
        yield "messages written", f"{self.messages:,}"
        yield "other events written", f"{self.events:,}"
        yield "already imported", f"{self.already:,}"
        if self.redacted:
            yield "secrets redacted", f"{self.redacted.total():,}"
            for kind, count in self.redacted.most_common(_SHOWN):
                yield f"  {kind}", f"{count:,}"
        rare = {
            "forgotten, and not written": self.forgotten,
            "sessions whose source has vanished": self.gone,
            "sessions that have a source again": self.returned,
            "conflicts with stored events": self.conflicts,
        }
        yield from ((text, f"{count:,}") for text, count in rare.items() if count)
        for title, counts in (("skipped", self.skipped), ("repaired", self.repaired)):
            yield title, f"{counts.total():,}"
            most = counts.most_common(_SHOWN)
            for reason, count in most:
                yield f"  {reason}", f"{count:,}"
            if len(counts) > _SHOWN:
                rest = counts.total() - sum(count for _, count in most)
                yield f"  {len(counts) - _SHOWN} more reasons; --json names them", f"{rest:,}"
        if self.unknown:
            yield "files of no known format", f"{len(self.unknown):,}"


def _count(counts: Counter[str], reason: str) -> str:
    """Count a reason; return it as it is counted."""
    text = reason if reason in counts or len(counts) < _REASONS else _OTHER
    counts[text] += 1
    return text


def _short(text: str) -> str:
    """Return a text whose middle is left out if it is long: the end says what is wrong."""
    if len(text) <= REASON:
        return text
    return f"{text[: REASON - 1 - _TAIL]}\N{HORIZONTAL ELLIPSIS}{text[-_TAIL:]}"


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
