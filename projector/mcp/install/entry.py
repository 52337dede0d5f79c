"""What a configuration says of the server: how it is started."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projector.mcp.protocol import NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

_NOTES = "--notes"
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

    def words(self, made: int = 0, others: Sequence[Any] = ()) -> list[Any]:
        """Return the program and its arguments.

        Args:
            made: what was made beside the entry, a number that the kind of file gives a meaning.
            others: arguments that the user added.
        """
        options = [_NOTES] if self.notes else []
        made_beside = [MADE, str(made)] if made else []
        journal = ["--journal", str(self.journal)]
        return [self.python, "-m", "projector", *journal, "mcp", *options, *made_beside, *others]


def is_own(words: Sequence[Any]) -> bool:
    """Return whether the words of an entry are of this program."""
    return list(words[1:4]) == ["-m", "projector", "--journal"] and "mcp" in words[5:6]


def others_of(words: Sequence[Any]) -> list[Any]:
    """Return the arguments of an entry of ours that the user added."""
    found = list(words[6:])
    if MADE in found:
        at = found.index(MADE)
        del found[at : at + 2]
    return [word for word in found if word != _NOTES]


def made_of(words: Sequence[Any]) -> int:
    """Return what was made beside an entry of ours."""
    given = [str(word) for word in words]
    at = given.index(MADE) + 1 if MADE in given else len(given)
    return int(given[at]) if at < len(given) and given[at].isdigit() else 0


def kept_because(keys: Iterable[str]) -> str:
    """Return why an entry of ours is not removed.

    Args:
        keys: what is in it that is not as it was written; none if only the text differs.
    """
    what = ", ".join(keys)
    return (
        f"left as it is: the entry {NAME} was changed"
        f" ({what or 'a comment, or how it is written'}). Remove it by hand if it is not needed"
    )


def changed_keys(entry: Mapping[str, Any], written: Mapping[str, Any]) -> list[str]:
    """Return the keys of an entry that are not as they were written, also those that are gone."""
    absent = object()
    keys = {**written, **entry}
    return [key for key in keys if entry.get(key, absent) != written.get(key, absent)]


def is_same_text(one: str, other: str) -> bool:
    """Return whether two texts are the same but for blanks and line ends."""
    return "".join(one.split()) == "".join(other.split())
