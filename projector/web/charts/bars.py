"""Bar charts as SVG: no style and no script in them; classes are coloured by the style sheet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from projector.web.templating import fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

_WIDTH, _HEIGHT = 720, 64
_LEAST = 2
"""Height of the lowest bar that is not of 0."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a chart.

    Attributes:
        label: what it is of, such as a date.
        value: its height, from 0.
        title: what a pointer shows.
        href: where it leads to; None for nowhere.
    """

    label: str
    value: float
    title: str
    href: str | None = None


def columns(name: str, bars: Sequence[Bar]) -> Markup:
    """Return a chart of upright bars, which are as high as their values.

    Args:
        name: of the chart, for readers that do not see it.
        bars: from left to right.
    """
    most = max((bar.value for bar in bars), default=0) or 1
    width = _WIDTH / max(len(bars), 1)
    placed = [
        {
            "x": round(number * width, 2),
            "width": round(max(min(width - min(2, width / 4), 28), 1), 2),
            "height": round(max(bar.value / most * _HEIGHT, _LEAST if bar.value else 0), 2),
            "bar": bar,
        }
        for number, bar in enumerate(bars)
    ]
    values = {"name": name, "bars": placed, "width": _WIDTH, "height": _HEIGHT}
    return fill("columns.svg", values)


def share(part: float, most: float) -> Markup:
    """Return one lying bar, as long as its share of the longest one."""
    width = round(100 * part / most, 2) if most else 0
    return fill("share.svg", {"width": max(width, 0.5 if part else 0)})
