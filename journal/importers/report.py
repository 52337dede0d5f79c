"""What an import did, counted as it goes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


REASON = 60
"""Characters of a reason: with its count it fits a terminal of 80 columns."""
_REASONS = 500
"""Reasons that are told apart; a file may call its lines what it likes."""
_SHOWN = 24
"""Reasons in the table, the most frequent ones."""
_OTHER = "other reasons"


@dataclass(slots=True)
class Report:
    """The counts of one import.

    Attributes:
        files: files that were read.
        lines: lines read; of a JSON document, its pieces.
        messages: messages appended.
        events: other events appended.
        already: events that an earlier import, or an earlier line of this one, appended.
        skipped: lines, or parts of one, that are not imported, by reason.
        repaired: lines that were imported although something in them could not be kept as it
            is (they are no strict JSON, or their time is none), by what was changed.
        unknown: files of no known format, met in a folder.
        errors: files that could not be read, and why.
        sessions: ids of the sessions that were met.
    """

    files: int = 0
    lines: int = 0
    messages: int = 0
    events: int = 0
    already: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)
    unknown: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)

    def skip(self, reason: str) -> None:
        """Count what is not imported."""
        _count(self.skipped, reason)

    def repair(self, reason: str) -> None:
        """Count what is imported, but not as it is."""
        _count(self.repaired, reason)

    def as_json(self) -> dict[str, Any]:
        """Give the report as one JSON object."""
        return {
            "files": self.files,
            "sessions": len(self.sessions),
            "lines": self.lines,
            "messages": self.messages,
            "events": self.events,
            "already": self.already,
            "skipped": dict(self.skipped.most_common()),
            "repaired": dict(self.repaired.most_common()),
            "unknown": self.unknown,
            "errors": self.errors,
        }

    def rows(self) -> Iterator[tuple[str, str]]:
        """Give the report as lines of a table: what, and how many."""
        yield "files read", f"{self.files:,}"
        yield "sessions", f"{len(self.sessions):,}"
        yield "lines read", f"{self.lines:,}"
        yield "messages written", f"{self.messages:,}"
        yield "other events written", f"{self.events:,}"
        yield "already imported", f"{self.already:,}"
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


def _count(counts: Counter[str], reason: str) -> None:
    text = reason if reason.isprintable() else _printable(reason)
    if len(text) > REASON:
        text = f"{text[: REASON - 1]}\N{HORIZONTAL ELLIPSIS}"
    counts[text if text in counts or len(counts) < _REASONS else _OTHER] += 1


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
