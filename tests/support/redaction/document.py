"""The programs in docs/format.md, and its other blocks."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from journal.format.event import Event

DOC = (Path(__file__).parents[3] / "docs" / "format.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    """Return the text of a block of the document."""
    found = re.search(rf"^```\w+ {name}\n(.*?)^```$", DOC, re.DOTALL | re.MULTILINE)
    assert found is not None, f"docs/format.md has no block {name!r}"
    return found[1]


@cache
def program(*blocks: str) -> dict[str, Any]:
    """Return the functions that some blocks of Python in the document define."""
    names: dict[str, Any] = {}
    for name in blocks:
        exec(compile(block(name), f"docs/format.md {name}", "exec"), names)  # noqa: S102 - our own document
    return names


def rows(first: str) -> list[list[str]]:
    """Return the cells of a table's rows, without backticks; `first` is its first row."""
    [table] = re.findall(rf"^{re.escape(first)}\n\|[-|]+\n((?:\|.*\n)+)", DOC, re.MULTILINE)
    lines = [line.strip("|").split("|") for line in table.splitlines()]
    return [[cell.strip().strip("`") for cell in line] for line in lines]


def same_event(one: Event, other: Event) -> bool:
    """Return whether two events of one key are the same by the document's program."""
    return bool(program("same")["same"](_as_object(one), _as_object(other)))


def _as_object(event: Event) -> dict[str, Any]:
    found: dict[str, Any] = {"type": event.type, "data": event.data}
    return found if event.redacted is None else {**found, "redacted": event.redacted.fields()}
