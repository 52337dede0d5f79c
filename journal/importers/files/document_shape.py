"""The shape of one JSON document, found without building its lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from journal.importers.files.streaming import DEEP, Broken, Builder, events_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.importers.parsing.values import Json

_SMALL = 4096
"""Characters of an object beside the lists, up to which it is kept."""
_PEEKED = 8
"""Items of a list that are examined to classify it."""


@dataclass(slots=True)
class ListShape:
    """One list of the document: the names in each of its first items."""

    items: int = 0
    keys: list[set[str]] = field(default_factory=list)


@dataclass(slots=True)
class Shape:
    """The shape of a document.

    Attributes:
        top: "list", "object" or "scalar".
        lists: the lists by name; a document that is a list has the name "".
        rest: the values beside them, but for large objects.
        large: names of objects too large to keep.
        broken: where the document stops being JSON, or None.
    """

    top: str = "scalar"
    lists: dict[str, ListShape] = field(default_factory=dict)
    rest: dict[str, Json] = field(default_factory=dict)
    large: list[str] = field(default_factory=list)
    broken: str | None = None

    @property
    def deep(self) -> bool:
        """Whether reading stopped because of its depth."""
        return self.broken == DEEP


def shape_of(stream: BinaryIO) -> Shape:
    """Read a document from its beginning; of each list only the first items."""
    seen = Shape()
    try:
        _look(events_of(stream), seen)
    except Broken as broken:
        seen.broken = str(broken)
    return seen


def _look(events: Iterator[tuple[str, Any]], seen: Shape) -> None:
    event, _ = next(events)
    if event == "start_array":
        seen.top = "list"
        seen.lists[""] = ListShape()
        _read_list(events, seen.lists[""], peek=True)
    elif event == "start_map":
        seen.top = "object"
        _look_at_members(events, seen)


def _look_at_members(events: Iterator[tuple[str, Any]], seen: Shape) -> None:
    name = ""
    for event, value in events:
        if event == "map_key":
            name = value
        elif event == "start_array":
            seen.lists[name] = ListShape()
            _read_list(events, seen.lists[name])
        elif event == "start_map":
            small, built = _build_small(events)
            if small:
                seen.rest[name] = built
            else:
                seen.large.append(name)
        elif event != "end_map":
            seen.rest[name] = value


def _read_list(events: Iterator[tuple[str, Any]], found: ListShape, *, peek: bool = False) -> None:
    """Read a list to its end, or only its first items; record their names."""
    depth = 1
    for event, value in events:
        if event in ("start_map", "start_array"):
            if depth == 1:
                found.items += 1
                found.keys.append(set()) if found.items <= _PEEKED else None
            depth += 1
        elif event in ("end_map", "end_array"):
            depth -= 1
            if depth == 0 or (peek and depth == 1 and found.items == _PEEKED):
                break
        elif event == "map_key" and depth == 2 and found.items <= _PEEKED:  # noqa: PLR2004 - the name is one of an item's own
            found.keys[-1].add(value)


def _build_small(events: Iterator[tuple[str, Any]]) -> tuple[bool, Json]:
    """Build the object that has just begun, unless it is large."""
    builder, size, depth = Builder(), 0, 1
    builder.take("start_map", None)
    while depth:
        event, value = next(events)
        depth += event in ("start_map", "start_array")
        depth -= event in ("end_map", "end_array")
        size += len(value) if isinstance(value, str) else 8
        if size <= _SMALL:
            builder.take(event, value)
    return size <= _SMALL, builder.value if size <= _SMALL else None
