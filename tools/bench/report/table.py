"""Figures as text: a table on the terminal, and `docs/performance.md`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.bench.report.figure import Figure

_HOW = (
    "Written by `make bench`: do not edit. Within a part, ours and theirs were run on the same work"
    " in one run, in turn; every number is the median of the rounds, and"
    " [performance/results.json](performance/results.json) has each round. Exactly-once, checksums"
    " and the round-trip check are on in all of them. Texts are made up"
    " (`tools/bench/corpus/words.py`), the same on every machine. Why some figures are missed, with"
    " profiles: [performance/missed.md](performance/missed.md)."
)
ELSEWHERE = {"frameworks": "[frameworks.md](frameworks.md#the-same-stress-for-ours-and-theirs)"}
"""Parts whose tables other documents have, and where."""
_UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: its figures, and its floor.

    Attributes:
        part: name of the part that measured it.
        title: its title.
        floor: a cost that no implementation of these promises can avoid.
        figures: its figures.
        seconds: the seconds that the measurement took.
        measured_on: the machine and the versions, as a sentence.
        commit: the measured commit and its date.
    """

    part: str
    title: str
    floor: str
    figures: tuple[Figure, ...]
    seconds: float
    measured_on: str
    commit: str


def number(value: float, unit: str) -> str:
    """Return a value with its unit, with three digits."""
    if unit == "bytes":
        for name, size in _UNITS:
            if value >= size:
                return f"{value / size:.3g} {name}"
    shown = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits
    return f"{shown} {unit}"


def wanted(figure: Figure) -> str:
    """Return the target of a figure as text; empty if there is none."""
    target = figure.target
    if target is None:
        return ""
    if target.of == "value":
        return f"{target.bound} {number(target.limit, figure.unit)}"
    if target.of == "theirs / ours":
        lower = f"{target.limit:g} x lower"
        return lower if target.limit != 1 else "never slower"
    return f"{target.bound} {target.limit:g} x"


def verdict(figure: Figure) -> str:
    """Return whether the target is reached, or by what factor not; empty without a target."""
    if figure.target is None:
        return ""
    if figure.judged is None:
        return "not compared"
    if figure.reached:
        return "reached"
    return f"**missed by {figure.target.missed_by(figure.judged):.2f} x**"


def ratio(figure: Figure) -> str:
    """Return the ratio of both sides; empty if there is none."""
    if figure.ratio is None:
        return ""
    of = figure.target.of if figure.target is not None else "ours / theirs"
    return f"{figure.ratio:.3g} x" + (" lower" if of == "theirs / ours" else "")


def cells(figure: Figure) -> tuple[str, ...]:
    """Return a figure as the cells of a line."""
    theirs = "" if figure.theirs is None else number(figure.theirs, figure.unit)
    if figure.against:
        theirs += f" ({figure.against})"
    ours = number(figure.ours, figure.unit)
    return figure.name, ours, theirs, ratio(figure), wanted(figure), verdict(figure)


HEAD = ("what", "ours", "theirs", "ratio", "must reach", "verdict")


def plain(rows: Sequence[Row]) -> str:
    """Return the table for a terminal: columns aligned, a blank line between rows."""
    lines = [cells(figure) for row in rows for figure in row.figures]
    widths = [max(map(len, column)) for column in zip(HEAD, *lines, strict=True)]
    text = [_aligned(HEAD, widths)]
    for row in rows:
        text += ["", f"{row.title} ({row.seconds:.0f} s)"]
        for figure in row.figures:
            text.append(_aligned(cells(figure), widths).replace("**", ""))
            if figure.note:
                text.append(f"    {figure.note}")
    return "\n".join(text)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()


def missing(rows: Sequence[Row]) -> list[Figure]:
    """Return the figures that do not reach their target."""
    return [figure for row in rows for figure in row.figures if figure.reached is False]


def document(rows: Sequence[Row], plots: Mapping[str, str]) -> str:
    """Return `docs/performance.md`.

    Args:
        rows: all rows, in their order.
        plots: the path of each part's plot, relative to the document.
    """
    elsewhere = [row for row in rows if row.part in ELSEWHERE]
    rows = [row for row in rows if row.part not in ELSEWHERE]
    judged = [f for row in rows for f in row.figures if f.reached is not None]
    reached = len(judged) - len(missing(rows))
    lines = [
        "# Performance",
        "",
        _HOW,
        "",
        f"{reached} of {len(judged)} figures reach what they must.",
    ]
    places = {row.measured_on for row in rows}
    if len(places) == 1:
        lines += ["", *places]
    for row in rows:
        lines += ["", f"## {row.title[0].upper()}{row.title[1:]}", ""]
        lines += [_line(HEAD), _line(["---"] * len(HEAD))]
        lines += [_line(cells(figure)) for figure in row.figures]
        notes = [f"- {figure.name}: {figure.note}." for figure in row.figures if figure.note]
        lines += ["", *notes] if notes else []
        lines += ["", f"**The floor.** {row.floor}"]
        if row.part in plots:
            lines += ["", f"![{row.title}]({plots[row.part]})"]
        if len(places) > 1:
            lines += ["", row.measured_on]
        again = f".venv-bench/bin/python -m tools.bench.run --only {row.part}"
        lines += ["", f"Commit {row.commit}. Again: `{again}`"]
    for row in elsewhere:
        lines += ["", f"## {row.title[0].upper()}{row.title[1:]}", ""]
        lines += [f"The table is in {ELSEWHERE[row.part]}."]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
