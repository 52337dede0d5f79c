"""Appends a second, by several processes at the same time."""

from __future__ import annotations

from functools import partial
from itertools import cycle, islice
from pathlib import Path
from time import monotonic_ns, perf_counter
from typing import TYPE_CHECKING, Any, Literal

from journal import Journal
from tools.bench.corpus.words import Texts
from tools.bench.processes import together
from tools.bench.report.figure import Figure, at_least, figure
from tools.bench.rivals.hermes import open_database

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.bench.plan import Plan

ROW = "appends, 8 processes, 700-byte messages"
FLOOR = (
    "A bare loop of orjson and write(2) on files of their own (see the row after next); at"
    " `always`, the disk's own fdatasync, which every acknowledgement waits for."
)
CONTENT = 528
"""Bytes of a content with which a record has 700 bytes."""
_POOL = 200


def contents() -> list[str]:
    """Return contents that all have the same size."""
    texts = (text for text in Texts(2_000, bits=14).take(3 * _POOL) if text.isascii())
    return [text[:CONTENT] for text in islice((t for t in texts if len(t) >= CONTENT), _POOL)]


def measure(plan: Plan) -> list[Figure]:
    """Measure appends a second at both levels, and theirs."""
    ours: dict[str, list[float]] = {"interval": [], "always": []}
    theirs: list[float] = []
    refused = 0
    for turn in range(plan.rounds):
        for fsync, rates in ours.items():
            path = plan.folder / f"appends-{fsync}-{turn}"
            rates.append(_rate(_run(plan, "write_ours", path, fsync=fsync)))
        if plan.rivals:
            found = _run(plan, "write_theirs", plan.folder / f"appends-hermes-{turn}" / "state.db")
            theirs.append(_rate(found))
            refused += sum(each["refused"] for each in found)
    note = f"{refused} of their appends raised `database is locked`" if refused else ""
    name = f"appends a second, {plan.writers} processes"
    make = partial(figure, unit="appends/s", theirs=theirs, against="hermes-agent", note=note)
    return [
        make(f"{name}, `interval`", ours=ours["interval"], target=at_least(60)),
        make(f"{name}, `always`", ours=ours["always"], target=at_least(5)),
    ]


def _run(plan: Plan, role: str, path: Path, **arguments: str) -> list[dict[str, Any]]:
    given = {"path": str(path), "seconds": plan.append_seconds, **arguments}
    parts = [("parts.appends", role, given | {"writer": n}) for n in range(plan.writers)]
    return together(plan, parts)


def _rate(found: list[dict[str, Any]]) -> float:
    """Return the appends a second of all processes together.

    Each process counts by its own time: if one waits beyond the end, the others must not count as
    idle.
    """
    return float(sum(each["count"] / (each["ended"] - each["began"]) * 1e9 for each in found))


def _repeat(append: Callable[[str], None], seconds: float) -> dict[str, int]:
    texts = cycle(contents())
    began, until = monotonic_ns(), perf_counter() + seconds
    count = refused = 0
    while perf_counter() < until:
        try:
            append(next(texts))
            count += 1
        except Exception as error:
            if "locked" not in str(error):
                raise
            refused += 1
    return {"began": began, "ended": monotonic_ns(), "count": count, "refused": refused}


def write_ours(
    path: str, seconds: float, writer: int, fsync: Literal["interval", "always"]
) -> Callable[[], dict[str, int]]:
    """Append to a journal for some seconds; return the count."""
    journal = Journal.open(path, fsync=fsync)
    journal.append(session=f"s{writer}", type="session.created", data={"source": "cli"})
    contents()

    def write() -> dict[str, int]:
        def append(text: str) -> None:
            journal.append_message(f"s{writer}", "user", text)

        found = _repeat(append, seconds)
        journal.close()
        return found

    return write


def write_theirs(path: str, seconds: float, writer: int) -> Callable[[], dict[str, int]]:
    """Append to a `state.db` for some seconds; return the count."""
    db = open_database(Path(path))
    db.create_session(f"s{writer}", "cli")
    contents()

    def write() -> dict[str, int]:
        def append(text: str) -> None:
            db.append_message(f"s{writer}", "user", text)

        return _repeat(append, seconds)

    return write
