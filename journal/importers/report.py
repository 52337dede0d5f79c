"""What an import did, counted as it goes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


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
        repaired: lines that were imported although they are no strict JSON, by what was changed.
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
            for reason, count in counts.most_common():
                yield f"  {reason}", f"{count:,}"
        if self.unknown:
            yield "files of no known format", f"{len(self.unknown):,}"
