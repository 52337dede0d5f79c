"""The table of docs/frameworks.md: what the stress of `make bench ONLY=frameworks` found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tools.bench.report.table import number, verdict, wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tools.bench.report.figure import Figure
    from tools.bench.report.table import Row

PART = "frameworks"
DOCUMENT = "frameworks.md"
_BEGIN = "<!-- written by make bench ONLY=frameworks UPDATE=1: do not edit -->\n"
_END = "<!-- end of what make bench writes -->\n"
_NAMES = {
    "claude_agent_sdk": "Claude Agent SDK",
    "openai_agents": "OpenAI Agents SDK",
    "langgraph": "LangGraph",
    "adk": "Google ADK",
}
COUNTS = ("errors", "lost", "doubled", "interleaved")
OWN, WALL = "longest wait of its own", "longest wait"
"""Figures of a store. Its own wait is without the time in which others had the processor."""
_COLUMNS = (*COUNTS, OWN, WALL)


def write(row: Row, folder: Path) -> None:
    """Write the table between its marks in the document in a folder, or into a new document.

    Raises:
        OSError: the document cannot be read or written.
        ValueError: it has no marks.
    """
    path = folder / DOCUMENT
    made = f"{_BEGIN}\n{table(row)}\n{_END}"
    if path.exists():
        before = path.read_text(encoding="utf-8")
        made, count = re.subn(
            re.escape(_BEGIN) + ".*?" + re.escape(_END), lambda _: made, before, flags=re.DOTALL
        )
        if count != 1:
            raise ValueError(f"{path} has not one place between {_BEGIN!r} and {_END!r}")
    path.write_text(made, encoding="utf-8")


def table(row: Row) -> str:
    """Return the figures of the part as Markdown: a table for each framework."""
    lines = []
    for framework, acts in _grouped(row.figures).items():
        theirs = next(
            (f.against for found in acts.values() for f in found.values() if f.against), ""
        )
        lines += [f"**{_NAMES[framework]}**", ""]
        lines += [_line(("", "store", *_COLUMNS, "goals")), _line(["---"] * (len(_COLUMNS) + 3))]
        for act, found in acts.items():
            lines.append(_line((act, "ours", *_cells(found, "ours"), _verdict(found))))
            if theirs:
                lines.append(_line(("", f"`{theirs}`", *_cells(found, "theirs"), "")))
        notes = [f"- {act}: {f.note}." for act, of in acts.items() for f in of.values() if f.note]
        lines += ["", *notes, ""] if notes else [""]
    again = "make bench ONLY=frameworks UPDATE=1"
    return "\n".join([*lines, row.measured_on, "", f"Commit {row.commit}. Again: `{again}`", ""])


def _grouped(figures: Sequence[Figure]) -> dict[str, dict[str, dict[str, Figure]]]:
    """Return the figures by framework, by what was done, and by what was counted."""
    found: dict[str, dict[str, dict[str, Figure]]] = {}
    for each in figures:
        framework, act, what = each.name.split(": ")
        found.setdefault(framework, {}).setdefault(act, {})[what] = each
    return found


def _cells(found: Mapping[str, Figure], side: str) -> list[str]:
    return [number(getattr(found[what], side), found[what].unit).strip() for what in _COLUMNS]


def _verdict(found: Mapping[str, Figure]) -> str:
    """Return whether all goals are reached, or those that are not."""
    missed = {what: each for what, each in found.items() if each.reached is False}
    if not missed:
        return f"reached ({wanted(found[OWN])})"
    return "; ".join(
        f"{what}: {verdict(each)}" if what == OWN else f"**{what}**"
        for what, each in missed.items()
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
