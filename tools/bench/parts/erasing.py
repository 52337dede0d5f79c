"""How fast segments are rewritten and joined, and what an append takes beside that."""

from __future__ import annotations

from itertools import cycle, islice
from pathlib import Path
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from journal import Journal, compact
from journal.erasure.eraser import erase
from journal.erasure.files import joining
from journal.fs.directory import open_directory
from journal.lanes import writer as lane_writer
from journal.segments.listing import list_lane
from tools.bench.parts.appends import contents
from tools.bench.processes import alone, together
from tools.bench.report.figure import Figure, at_most, figure
from tools.bench.report.spread import percentile

if TYPE_CHECKING:
    from collections.abc import Callable

    from journal.format.event import Event
    from tools.bench.plan import Plan

ROW = "erasure and compaction, and an append beside them"
FLOOR = (
    "The disk: what stays of a segment is written again and synced, 4 MiB at a time, and an append"
    " sometimes waits for such a sync to be done with the file system's own journal. Each record"
    " is decoded and its checksum compared."
)
_EVERY = 0.005
_SEGMENTS = 100
"""Segments that are rewritten and joined."""
_APPENDED = 16 * 1024
"""Bytes that are appended at once."""
_MANY = 200
"""Of so many messages one is erased."""


def measure(plan: Plan) -> list[Figure]:
    """Measure both alone, then appends of one process with and without each beside it."""
    rates: dict[str, list[float]] = {"erase_some": [], "compact_all": []}
    taken: dict[str, list[list[float]]] = {"": [], "erase_some": [], "compact_all": []}
    for turn in range(plan.heavy_rounds):
        for role, found in rates.items():
            path = str(plan.folder / f"{role}-{turn}")
            found.append(alone(plan, "parts.erasing", role, path=path, size=plan.rewritten)["rate"])
        for role, rounds in taken.items():
            path = str(plan.folder / f"beside-{role}-{turn}")
            rounds.append(_beside(plan, role, path))
    figures = [
        figure("erasure, of the bytes of the segments", "MB/s", rates["erase_some"]),
        figure("compaction, of the bytes of the segments", "MB/s", rates["compact_all"]),
    ]
    for role, what in (("erase_some", "an erasure"), ("compact_all", "a compaction")):
        figures += [
            figure(
                f"append beside {what}: {name}",
                "ms",
                [percentile(each, share) for each in taken[role]],
                [percentile(each, share) for each in taken[""]],
                against="alone",
                target=target,
            )
            for name, share, target in (("p99.9", 99.9, None), ("maximum", 100.0, at_most(50)))
        ]
    return figures


def _beside(plan: Plan, role: str, path: str) -> list[float]:
    """Return the milliseconds of each append of one process, while a role is repeated."""
    seconds = plan.beside_seconds
    parts: list[tuple[str, str, dict[str, Any]]] = [
        ("parts.erasing", "append", {"path": path, "seconds": seconds})
    ]
    if role:
        again = {"path": path, "role": role, "seconds": seconds, "size": plan.rewritten}
        parts.append(("parts.erasing", "repeat", again))
    found: list[float] = together(plan, parts)[0]["taken"]
    return found


def append(path: str, seconds: float) -> Callable[[], dict[str, list[float]]]:
    """Append a message every 5 ms; one that is late is not made up for."""
    journal = Journal.open(path)
    texts = cycle(contents())
    journal.append_message("s", "user", next(texts))

    def act() -> dict[str, list[float]]:
        taken: list[float] = []
        due = perf_counter()
        until = due + seconds
        while due < until:
            sleep(max(0.0, due - perf_counter()))
            text, began = next(texts), perf_counter()
            journal.append_message("s", "user", text)
            taken.append((perf_counter() - began) * 1e3)
            due = max(due + _EVERY, perf_counter())
        return {"taken": taken}

    return act


def erase_some(path: str, size: int) -> Callable[[], dict[str, float]]:
    """Erase one of 200 messages from all segments of a lane; measure megabytes a second."""
    return _measured(path, size, lambda: erase(open_directory(path), _OneOfMany(), patience=0.0))


def compact_all(path: str, size: int) -> Callable[[], dict[str, float]]:
    """Join all segments of a lane; measure megabytes a second."""
    return _measured(path, size, lambda: compact(path))


def repeat(path: str, role: str, size: int, seconds: float) -> Callable[[], dict[str, float]]:
    """Do one of both again and again."""
    act = {"erase_some": erase_some, "compact_all": compact_all}[role](path, size)

    def all_of_it() -> dict[str, float]:
        until = perf_counter() + seconds
        while perf_counter() < until:
            act()
        return {}

    return all_of_it


class _OneOfMany:
    """Forgets every so manieth event."""

    def apply(self, event: Event, _lane: str, seq: int) -> tuple[Event | None, str]:
        return (None, "request") if seq % _MANY == 0 else (event, "")


def _measured(path: str, size: int, work: Callable[[], object]) -> Callable[[], dict[str, float]]:
    """Return what does the work, each time on the same segments, and measures its rate."""
    made, lane = Path(f"{path}-made"), open_directory(path).lanes / "other"
    _fill(made, size)
    # no reader needs the files of joined segments
    joining.GRACE = float("-inf")

    def act() -> dict[str, float]:
        _link(made / "lanes" / "1", lane)
        final = sum(ref.size for ref in list_lane(lane) if ref.final)
        began = perf_counter()
        work()
        return {"rate": final / 1e6 / (perf_counter() - began)}

    return act


def _fill(path: Path, size: int) -> None:
    texts = cycle(contents())
    with patch.object(lane_writer, "ROLL_SIZE", size // _SEGMENTS), Journal.open(path) as journal:
        for _ in range(size // _APPENDED + 1):
            journal.append_many(
                {
                    "session": "s1",
                    "type": "message.appended",
                    "data": {"role": "user", "content": text},
                }
                for text in islice(texts, _APPENDED // 700)
            )


def _link(made: Path, lane: Path) -> None:
    """Give a lane's folder the segments that were made: they are replaced, and never changed."""
    lane.mkdir(mode=0o700, exist_ok=True)
    for file in lane.glob("*.jsonl"):
        file.unlink()
    for file in made.glob("*.jsonl"):
        (lane / file.name).hardlink_to(file)
