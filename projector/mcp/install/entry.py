"""What a configuration says of the server: how it is started."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MADE = "--made"
"""A hidden option of `projector mcp` whose number says what was made beside the entry."""


@dataclass(frozen=True, slots=True)
class Server:
    """How an agent starts the server.

    Attributes:
        journal: the absolute path of the journal.
        python: the interpreter.
        notes: whether agents may append notes.
    """

    journal: Path
    python: str = sys.executable
    notes: bool = False

    def words(self, made: int = 0) -> list[str]:
        """Return the program and its arguments.

        Args:
            made: what was made beside the entry, a number that the kind of file gives a meaning.
        """
        options = ["--notes"] if self.notes else []
        made_beside = [MADE, str(made)] if made else []
        journal = ["--journal", str(self.journal)]
        return [self.python, "-m", "projector", *journal, "mcp", *options, *made_beside]


def is_own(words: Sequence[Any]) -> bool:
    """Return whether the words of an entry are of this program."""
    return list(words[1:4]) == ["-m", "projector", "--journal"] and "mcp" in words[5:6]


def made_of(words: Sequence[Any]) -> int:
    """Return what was made beside an entry of ours."""
    given = [str(word) for word in words]
    at = given.index(MADE) + 1 if MADE in given else len(given)
    return int(given[at]) if at < len(given) and given[at].isdigit() else 0
