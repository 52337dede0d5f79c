"""Writes the results: a table for a terminal or for Markdown, or JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tools.texts_check.check import Checked

_FAULTS = ("doubled", "more", "order", "roles", "names", "ids", "aside", "conflicts")
_WIDTH = 9


def as_text(checked: Sequence[Checked], unclaimed: Sequence[Path]) -> str:
    """Return a table for a terminal, with the losses by reason and the files without a reader."""
    head = ("files", "sessions", "messages", "compared", "lost", *_FAULTS)
    lines = [f"{'source':<14}" + "".join(f"{name:>{_WIDTH + 1}}" for name in head)]
    for each in checked:
        counts = each.counts
        figures = (each.files, each.sessions, each.messages, counts.compared, counts.lost)
        faults = [getattr(counts, name) for name in _FAULTS]
        row = "".join(f"{figure:>{_WIDTH + 1},}" for figure in (*figures, *faults))
        lines.append(f"{each.name:<14}{row}")
    for each in checked:
        for reason, count in each.counts.losses.items():
            lines.append(f"{each.name}: {count:,} not imported: {reason}")
        lines += [f"{each.name}: {path}: {why}" for path, why in each.errors.items()]
    lines += [f"no reader: {path}" for path in unclaimed]
    return "\n".join(lines)


def as_markdown(checked: Sequence[Checked]) -> str:
    """Return the table of `docs/sources.md`."""
    head = ("format", "files", "sessions", "messages", "texts compared", "lost", "not imported")
    lines = [f"| {' | '.join((*head, 'versions'))} |", f"|{'---|' * (len(head) + 1)}"]
    for each in sorted(checked, key=lambda each: each.name):
        counts = each.counts
        figures = (each.files, each.sessions, each.messages, counts.compared, counts.lost)
        reasons = "; ".join(f"{why}: {count:,}" for why, count in counts.losses.items())
        cells = [f"`{each.name}`", *(f"{figure:,}" for figure in figures), reasons, versions(each)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def versions(checked: Checked) -> str:
    """Return the lowest and the highest version that the raw files name."""
    found = sorted(checked.versions, key=_by_number)
    return found[0] if len(found) == 1 else f"{found[0]} to {found[-1]}" if found else ""


def as_json(checked: Sequence[Checked], unclaimed: Sequence[Path]) -> str:
    """Return everything, with examples of each fault, as one JSON object."""
    sources: list[dict[str, Any]] = [
        {**asdict(each), "versions": sorted(each.versions, key=_by_number)} for each in checked
    ]
    found = {"sources": sources, "no_reader": [str(path) for path in unclaimed]}
    return json.dumps(found, ensure_ascii=False, indent=2)


def _by_number(version: str) -> list[tuple[int, str]]:
    parts = version.replace("-", ".").split(".")
    return [(int(part) if part.isdigit() else -1, part) for part in parts]
