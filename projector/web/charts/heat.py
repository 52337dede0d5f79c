"""A heat map of the hours of a week as SVG."""

from __future__ import annotations

from math import ceil, log
from typing import TYPE_CHECKING

from projector.web.templating import fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CELL = 14
_LEVELS = 4
"""Shades of hours in which there was anything."""


def heat_map(name: str, counts: Sequence[Sequence[int]]) -> Markup:
    """Return a map with a row for each day of the week, and a column for each hour.

    Args:
        name: of the map, for readers that do not see it.
        counts: of each hour, by day; Monday first.
    """
    most = max(map(max, counts)) or 1
    cells = [
        {
            "x": hour * _CELL,
            "y": day * _CELL,
            # by powers: one very busy hour, as of an import without dates, leaves the others apart
            "level": ceil(log(1 + count) * _LEVELS / log(1 + most)),
            "title": f"{DAYS[day]} {hour:02}:00: {count:,}",
        }
        for day, row in enumerate(counts)
        for hour, count in enumerate(row)
    ]
    size = {"width": 24 * _CELL, "height": 7 * _CELL, "side": _CELL - 2}
    return fill("heat.svg", {"name": name, "cells": cells, **size})
