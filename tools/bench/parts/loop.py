"""One append, and a hundred at once, compared with a bare loop of orjson and write(2).

The bare loop does only what every journal must do: it encodes the same fields as one line of JSON,
and writes it. It has no lock and no sequence number, checks nothing, and syncs nothing.
"""

from __future__ import annotations

import os
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any

import orjson

from journal import Journal
from tools.bench.parts.appends import contents
from tools.bench.processes import alone
from tools.bench.report.figure import Figure, at_most, figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.bench.plan import Plan

ROW = "one append against a bare loop of orjson and write(2)"
FLOOR = (
    "The bare loop itself: the kernel's write(2) and orjson's encoding. What is over it: the"
    " checks of the fields, decoding and comparing what was encoded (the round-trip check), the"
    " checksum, the lock, the clock, and the position returned."
)
_MANY = 100
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT


def measure(plan: Plan) -> list[Figure]:
    """Measure microseconds per event of four loops, which alternate in one process."""
    found = alone(
        plan,
        "parts.loop",
        "run",
        folder=str(plan.folder / "loop"),
        count=plan.loop,
        rounds=plan.rounds,
    )
    return [
        figure(
            "one `append`, microseconds",
            "µs",
            found["append"],
            found["bare"],
            against="bare loop",
            target=at_most(2.5, "ours / theirs"),
        ),
        figure(
            "`append_many` of 100, microseconds an event",
            "µs",
            found["append_many"],
            found["bare"],
            against="bare loop",
            target=at_most(1.5, "ours / theirs"),
        ),
        figure(
            "the same, against a loop that joins 100 lines for one write(2)",
            "µs",
            found["append_many"],
            found["bare_many"],
            against="bare loop, joined",
            note="decoding and comparing what was encoded alone takes longer than this loop",
        ),
    ]


def run(folder: str, count: int, rounds: int) -> Callable[[], dict[str, list[float]]]:
    """Measure each loop in turn, `rounds` times."""
    Path(folder).mkdir()
    pool = contents()
    events = [
        {
            "session": "s1",
            "id": f"m{number}",
            "type": "message.appended",
            "data": {"role": "user", "content": text},
        }
        for number, text in enumerate(islice(cycle(pool), count))
    ]
    journal = Journal.open(Path(folder, "journal"))
    fd = os.open(Path(folder, "bare"), _FLAGS, 0o600)
    ways: dict[str, Callable[[], None]] = {
        "bare": lambda: _bare(fd, events),
        "append": lambda: _append(journal, events),
        "bare_many": lambda: _bare_many(fd, events),
        "append_many": lambda: _append_many(journal, events),
    }

    def measure_all() -> dict[str, list[float]]:
        found: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                began = perf_counter()
                way()
                found[name].append((perf_counter() - began) / count * 1e6)
                journal.sync()  # the unwritten pages of one loop must not slow down the next one
                os.fdatasync(fd)
        journal.close()
        return found

    return measure_all


def _line(seq: int, event: dict[str, Any]) -> bytes:
    """Encode the fields of a record."""
    fields = {
        "seq": seq,
        "id": event["id"],
        "type": event["type"],
        "session": event["session"],
        "time": time_ns() // 1000,
        "data": event["data"],
    }
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def _bare(fd: int, events: list[dict[str, Any]]) -> None:
    for seq, event in enumerate(events):
        os.write(fd, _line(seq, event))


def _bare_many(fd: int, events: list[dict[str, Any]]) -> None:
    for start in range(0, len(events), _MANY):
        lines = [_line(seq, event) for seq, event in enumerate(events[start : start + _MANY])]
        os.write(fd, b"".join(lines))


def _append(journal: Journal, events: list[dict[str, Any]]) -> None:
    for event in events:
        journal.append(**event)


def _append_many(journal: Journal, events: list[dict[str, Any]]) -> None:
    for start in range(0, len(events), _MANY):
        journal.append_many(events[start : start + _MANY])
