"""The files of a benchmark: `performance.md`, and `results.json` with each round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from tools.bench.report import stores
from tools.bench.report.figure import Figure
from tools.bench.report.table import Row, document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def write(rows: Sequence[Row], folder: Path, drawn: Mapping[str, str]) -> None:
    """Write `performance.md`, `results.json` to `performance/` beside it, and `frameworks.md`.

    Args:
        rows: all rows, in their order.
        folder: an existing folder.
        drawn: the path of each part's plot, relative to `folder`.

    Raises:
        OSError: a file cannot be written.
        ValueError: `frameworks.md` has no place for its table.
    """
    for row in rows:
        if row.part == stores.PART:
            stores.write(row, folder)
    (folder / "performance.md").write_text(document(rows, drawn), encoding="utf-8")
    results = [
        {
            "part": row.part,
            "title": row.title,
            "floor": row.floor,
            "seconds": round(row.seconds, 1),
            "measured_on": row.measured_on,
            "commit": row.commit,
            "figures": [figure.as_json() for figure in row.figures],
        }
        for row in rows
    ]
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    _results(folder).parent.mkdir(exist_ok=True)
    _results(folder).write_bytes(orjson.dumps({"rows": results}, option=options))


def read(folder: Path) -> list[Row]:
    """Return the rows that `write` wrote to a folder.

    Raises:
        OSError: the file cannot be read.
    """
    return [
        Row(
            row["part"],
            row["title"],
            row["floor"],
            tuple(Figure.from_json(figure) for figure in row["figures"]),
            row["seconds"],
            row["measured_on"],
            row["commit"],
        )
        for row in orjson.loads(_results(folder).read_bytes())["rows"]
    ]


def _results(folder: Path) -> Path:
    return folder / "performance" / "results.json"
