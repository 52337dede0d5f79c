"""Bytes on disk for the same messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.bench.corpus.stage import database, projected_of, text_bytes
from tools.bench.report.figure import Figure, at_most, figure
from tools.bench.rivals.hermes import searched_of

if TYPE_CHECKING:
    from pathlib import Path

    from tools.bench.plan import Plan

ROW = "database size"
FLOOR = (
    "The text itself, once in a row and once as entries of the full-text index with positions,"
    " which bm25 and phrases need."
)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure(plan: Plan) -> list[Figure]:
    """Measure the size of the projection, of its lanes, and of their database."""
    journal = projected_of(plan, plan.backlog)
    text = float(text_bytes(plan.backlog))
    ours = float(database(journal).stat().st_size)
    theirs = []
    if plan.rivals:
        # a database of another size is scaled by the bytes of its texts
        scale = text / text_bytes(plan.rival_searched)
        theirs = [_bytes(searched_of(plan).parent) * scale]
    lanes = float(_bytes(journal / "lanes"))
    name = f"database of {plan.backlog:,} messages"
    return [
        figure(
            name,
            "bytes",
            [ours],
            theirs,
            against="hermes-agent",
            target=at_most(0.5, "ours / theirs"),
        ),
        figure(
            f"{name}, to the text",
            "bytes",
            [ours],
            [text],
            against="text",
            target=at_most(2.5, "ours / theirs"),
        ),
        figure("lanes, to the text", "bytes", [lanes], [text], against="text"),
    ]
