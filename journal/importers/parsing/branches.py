"""The tree of a source's lines, and which branch of it is the conversation.

Some programs write each line with the id of the line that it follows. To go back to an earlier
place and continue there, they write a line whose parent is that place: the lines after it are a
branch that was left. Its messages are retracted, and restored if a line continues them.

A line whose parent is not in the file, or that names none, follows the line before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from journal.importers.parsing.parser import Restoration, Retraction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.parser import Item


@dataclass(slots=True)
class Branches:
    """The lines of one file, as far as it was read."""

    _parents: dict[str, str | None] = field(default_factory=dict)
    _lines: dict[str, list[int]] = field(default_factory=dict)
    _leaf: str | None = None

    def take(self, line: int, id: str, parent: str | None) -> Iterator[Item]:
        """Handle the next line; yield what is retracted and restored because of it.

        Args:
            line: its number.
            id: its id. A second line with an id belongs to the first one.
            parent: the id of the line that it follows.
        """
        if id in self._parents:
            self._lines[id].append(line)
            return
        above = parent if parent in self._parents else self._leaf
        left, self._leaf = self._leaf, id
        self._parents[id] = above
        self._lines[id] = [line]
        if above == left:
            return
        before, now = self._path(left), self._path(above)
        common = next(iter(place for place in now if place in before), None)
        gone = self._until(before, common)
        taken_up = self._until(now, common)
        if gone:
            yield Retraction(line, gone, f"branch left at {id}"[:200])
        if taken_up:
            yield Restoration(line, taken_up, f"branch continued at {id}"[:200])

    def _path(self, id: str | None) -> dict[str, None]:
        """Return the ids from a line up to the first one."""
        path: dict[str, None] = {}
        while id is not None and id not in path:
            path[id] = None
            id = self._parents.get(id)
        return path

    def _until(self, path: dict[str, None], common: str | None) -> list[int]:
        """Return the numbers of the lines of a path before a place on it, in order."""
        lines: list[int] = []
        for id in path:
            if id == common:
                break
            lines.extend(self._lines[id])
        return sorted(lines)
