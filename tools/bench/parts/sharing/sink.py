"""A sink: what the outbox costs the projection, and how fast it is drained into ClickHouse."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from journal.fs.directory import open_directory
from projector.run.lock_holder import catch_up_once
from projector.sink.config import Config, read_config, write_config
from projector.sink.drain import Drainer
from projector.sink.verify import compare
from tools.bench.corpus.stage import fill
from tools.bench.processes import BenchError, alone
from tools.bench.report.figure import Figure, at_least, at_most, figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.bench.plan import Plan

ROW = "a sink in ClickHouse"
FLOOR = (
    "A row of the outbox for each message beside some ten that the projection writes for it. For"
    " the drainer: ClickHouse parses each document, cuts its text into words and syncs its files."
)
_FEW = 100
"""Messages that are projected before the outbox is measured: they make the database."""


def measure(plan: Plan) -> list[Figure]:
    """Measure the time that the outbox adds, in percent of the processor's, and documents/s.

    The processor's time for a document says how fast a drain can be at most where other programs
    run beside it.
    """
    added, drained, taken = [], [], []
    for turn in range(plan.heavy_rounds):
        folder = plan.folder / f"sink-{turn}"
        with_sink, without = folder / "with", folder / "without"
        fill(without, _FEW)
        catch_up_once(open_directory(without))
        copytree(without, with_sink)
        journal = open_directory(with_sink)
        # nothing is reached there while the outbox is measured
        write_config(journal, Config(f"chdb://{folder / 'clickhouse'}"))
        catch_up_once(journal)
        for path in (without, with_sink):
            fill(path, plan.shared, seed=2)
        module = "parts.sharing.sink"
        plain = alone(plan, module, "project", journal=str(without))
        noted = alone(plan, module, "project", journal=str(with_sink))
        added.append((noted / plain - 1) * 100)
        rate, each = alone(plan, module, "drain", journal=str(with_sink))
        drained.append(rate)
        taken.append(each)
    return [
        figure("time that the outbox adds to projecting", "%", added, target=at_most(20)),
        figure(
            f"{plan.shared:,} messages sent into ClickHouse within the process (chdb)",
            "documents/s",
            drained,
            target=at_least(30_000, "value"),
        ),
        figure("the same: time of the processors for a message, ClickHouse included", "µs", taken),
    ]


def project(journal: str) -> Callable[[], float]:
    """Return what applies a journal's new events; it returns the seconds of the processor."""
    opened = open_directory(Path(journal))

    def run() -> float:
        began = process_time()
        catch_up_once(opened)
        return process_time() - began

    return run


def drain(journal: str) -> Callable[[], tuple[float, float]]:
    """Return what sends all messages to the sink of a journal.

    It returns documents/s, and the microseconds of the processors for each.

    Raises:
        BenchError: the sink is not equal to the projection then.
    """
    opened = open_directory(Path(journal))
    sink = read_config(opened).connect()
    drainer = Drainer(opened, sink)

    def run() -> tuple[float, float]:
        began, before = perf_counter(), process_time()
        sent = drainer.drain()
        seconds, spent = perf_counter() - began, process_time() - before
        if not compare(opened, sink, None).is_equal:
            raise BenchError("the sink differs from the projection")
        return sent.documents / seconds, spent / sent.documents * 1e6

    return run
