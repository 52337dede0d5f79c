"""The size of each case, and its findings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes of the cases. The defaults are those of the reports.

    Attributes:
        folder: the folder of the stores.
        held: seconds for which a store is held; Hermes gives up within 17.
        writers, seconds, every, size: processes that append, for how long, seconds between two
            appends of one, and the characters of a message.
        stops: how often all writers but one are suspended, at any point.
        openers, rounds: processes that open a new store at the same time, and how often.
        requests: requests that a web server answers.
    """

    folder: Path
    held: float = 25.0
    writers: int = 8
    seconds: float = 120.0
    every: float = 0.02
    size: int = 2_000
    stops: int = 10
    openers: int = 16
    rounds: int = 200
    requests: int = 10_000


def quick(folder: Path) -> Plan:
    """Return a plan that takes a minute for one side."""
    return Plan(folder, held=2.0, seconds=3.0, stops=2, rounds=4, requests=120)


@dataclass(frozen=True, slots=True)
class Finding:
    """The findings of a case on one side.

    Attributes:
        wrong: the reported failures that occurred; empty if none did.
        figures: what was measured.
    """

    wrong: tuple[str, ...]
    figures: tuple[str, ...]


@dataclass(slots=True)
class Notes:
    """Collects the findings of a case."""

    wrong: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)

    def measured(self, text: str) -> None:
        """Add a figure."""
        self.figures.append(text)

    def expect(self, holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Add a failure unless `holds`."""
        if not holds:
            self.wrong.append(otherwise)

    def finding(self) -> Finding:
        """Return the findings."""
        return Finding(tuple(self.wrong), tuple(self.figures))
