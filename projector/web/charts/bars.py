"""Bar charts as SVG: no style and no script in them; classes are coloured by the style sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.web.templating import fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from projector.web.charts.buckets import Bucket

_WIDTH, _HEIGHT = 720, 64


def histogram(dates: Sequence[Bucket], links: Sequence[str]) -> Markup:
    """Return a chart of counts by time, each bar a link; a bar of 0 has none."""
    most = max((bucket.count for bucket in dates), default=0) or 1
    width = _WIDTH / max(len(dates), 1)
    bars = [
        {
            "x": round(number * width, 2),
            "width": round(max(width - min(2, width / 4), 1), 2),
            "height": round(max(bucket.count / most * _HEIGHT, 2 if bucket.count else 0), 2),
            "bucket": bucket,
            "href": link,
        }
        for number, (bucket, link) in enumerate(zip(dates, links, strict=True))
    ]
    return fill("histogram.svg", {"bars": bars, "width": _WIDTH, "height": _HEIGHT})
