"""Plots of the figures, drawn with matplotlib: one file for each part that has a plot."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tools.bench.report.figure import Figure
    from tools.bench.report.table import Row

_OURS, _THEIRS, _OTHER = "#1f77b4", "#d62728", "#7f7f7f"
_SETTINGS = {"svg.hashsalt": "agent-journal", "svg.fonttype": "none", "font.size": 9}
"""The same figures give the same file."""


def draw(rows: Sequence[Row], folder: Path) -> dict[str, str]:
    """Draw all plots in `performance/`; return their paths, relative to the folder, by part."""
    (folder / "performance").mkdir(parents=True, exist_ok=True)
    matplotlib = import_module("matplotlib")
    matplotlib.use("svg")
    pyplot = import_module("matplotlib.pyplot")
    drawn = {}
    with matplotlib.rc_context(_SETTINGS):
        for row in rows:
            painter = _PAINTERS.get(row.part)
            made = None if painter is None else painter(pyplot, row.figures)
            if made is not None:
                name = f"performance/{row.part}.svg"
                made.savefig(folder / name, metadata={"Date": None}, bbox_inches="tight")
                pyplot.close(made)
                drawn[row.part] = name
    return drawn


def _growth(pyplot: Any, figures: Sequence[Figure]) -> Any:  # noqa: ANN401 - no types
    """Draw each measure over the number of messages, relative to the smallest journal."""
    made, axes = pyplot.subplots(figsize=(7, 4))
    sizes: list[int] = []
    for figure in figures:
        sizes = [size for size, _ in figure.points]
        first = figure.points[0][1]
        label = figure.name.removeprefix("growth of ").partition(":")[0]
        axes.plot(sizes, [value / first for _, value in figure.points], marker="o", label=label)
    lowest, highest = min(sizes), max(sizes)
    # a line that is proportional to the number of messages, for comparison
    axes.plot([lowest, highest], [1, highest / lowest], ":", color=_OTHER, label="linear")
    axes.set(xscale="log", yscale="log", xlabel="messages in the journal")
    axes.set_ylabel(f"cost, {lowest:,} messages = 1")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    return made


def _pairs(pick: Callable[[Figure], bool], label: str) -> Callable[..., Any]:
    """Return a function that draws ours and theirs of each figure on a logarithmic scale."""

    def paint(pyplot: Any, figures: Sequence[Figure]) -> Any:  # noqa: ANN401 - no types
        chosen = [figure for figure in figures if figure.theirs_rounds and pick(figure)]
        if not chosen:
            return None
        made, axes = pyplot.subplots(figsize=(7, 0.6 + 0.5 * len(chosen)))
        for at, figure in enumerate(reversed(chosen)):
            for shift, middle, values, colour in (
                (0.15, figure.ours, figure.ours_rounds, _OURS),
                (-0.15, figure.theirs, figure.theirs_rounds, _THEIRS),
            ):
                # the rounds beside the dot, which is their median
                axes.plot([middle], [at + shift], "o", color=colour)
                axes.plot(values, [at + shift] * len(values), "|", color=colour, markersize=8)
        axes.set_yticks(range(len(chosen)), [_label(figure) for figure in reversed(chosen)])
        axes.set_xlabel(f"{label} (blue ours, red theirs)")
        axes.set_xscale("log")
        axes.grid(visible=True, alpha=0.3)
        return made

    return paint


def _label(figure: Figure) -> str:
    name = figure.name.removeprefix("search, ").removesuffix(": median")
    return name if "against" in name else f"{name}, against {figure.against}"


def _any(_: Figure) -> bool:
    return True


_PAINTERS: dict[str, Callable[..., Any]] = {
    "appends": _pairs(_any, "appends a second"),
    "jam": _pairs(_any, "milliseconds of an append"),
    "projecting": _pairs(_any, "messages a second"),
    "search": _pairs(lambda figure: figure.name.endswith("median"), "milliseconds"),
    "growth": _growth,
}
