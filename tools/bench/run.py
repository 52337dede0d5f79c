"""`make bench`: our program and others on the same work, compared with the targets.

::

    .venv-bench/bin/python -m tools.bench.run                  all of it, about 45 minutes
    .venv-bench/bin/python -m tools.bench.run --quick          about two minutes, the table only
    .venv-bench/bin/python -m tools.bench.run --only search    one part, at full size
    .venv-bench/bin/python -m tools.bench.run --only search --update    and into docs/

A full run writes docs/performance.md, its plots and results.json; the other forms write these files
to build/bench. With `--update`, a part replaces its older row in docs/.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from tools.bench.parts import (
    appends,
    erasing,
    found,
    growth,
    idle,
    importing,
    jam,
    loop,
    memory,
    opening,
    projecting,
    redacting,
    searching,
    size,
)
from tools.bench.parts.frameworks import stress
from tools.bench.parts.search import asking, filtering
from tools.bench.parts.sharing import relay, sink
from tools.bench.parts.viewing import pages
from tools.bench.parts.workers import board
from tools.bench.plan import full, quick
from tools.bench.processes import BenchError
from tools.bench.report import plots, results
from tools.bench.report.machine import commit, machine, measured_on, packages
from tools.bench.report.table import Row, missing, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tools.bench.plan import Plan
    from tools.bench.report.figure import Figure

ROOT = Path(__file__).parents[2]


class Part(Protocol):
    """A module that measures one row."""

    __name__: str
    ROW: str
    FLOOR: str

    def measure(self, plan: Plan) -> list[Figure]:
        """Measure the row's figures."""


PARTS: dict[str, Part] = {
    "appends": appends,
    "jam": jam,
    "loop": loop,
    "projecting": projecting,
    "found": found,
    "search": searching,
    "asking": asking,
    "filtering": filtering,
    "size": size,
    "memory": memory,
    "opening": opening,
    "redacting": redacting,
    "erasing": erasing,
    "importing": importing,
    "idle": idle,
    "viewing": pages,
    "board": board,
    "relay": relay,
    "sink": sink,
    "frameworks": stress,
    "growth": growth,
}
"""By name, in the order of the table; `growth` is last, because it appends to measured journals."""


def measured(plan: Plan, names: Sequence[str]) -> Iterator[Row]:
    """Measure parts; yield their rows.

    Raises:
        BenchError, OSError, ValueError: a measurement could not be made.
    """
    where = (measured_on(machine(), packages()), commit(ROOT))
    for name in names:
        part = PARTS[name]
        plan.say(f"== {name}: {part.ROW}")
        began = perf_counter()
        figures = tuple(part.measure(plan))
        yield Row(name, part.ROW, part.FLOOR, figures, perf_counter() - began, *where)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; return the exit code."""
    given = _parser().parse_args(arguments)
    names = [name for name in PARTS if not given.only or name in given.only]
    whole = not given.quick and not given.only
    out = given.out or (ROOT / "docs" if whole or given.update else ROOT / "build" / "bench")
    began = perf_counter()

    def say(what: str) -> None:
        print(f"[{perf_counter() - began:6.0f} s] {what}", file=sys.stderr, flush=True)

    rows: list[Row] = []
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=given.temp))
    try:
        plan = quick(folder, say) if given.quick else full(folder, say)
        rows += measured(plan, names)
    except BenchError as error:
        # half an hour of results is worth a look, although no file is written
        print(plain(rows))
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder)
    print(plain(rows), flush=True)  # before what may fail, such as a plot
    all_rows = _updated(results.read(out), rows) if given.update else rows
    results.write(all_rows, out, plots.draw(all_rows, out))
    unreached = missing(rows)
    print(f"\n{len(unreached)} figures are not reached; written to {out / 'performance.md'}")
    return 0


def _updated(older: Sequence[Row], rows: Sequence[Row]) -> list[Row]:
    """Return all rows in the order of the table; measured rows replace older ones."""
    by_part = {row.part: row for row in (*older, *rows)}
    return [by_part[part] for part in PARTS if part in by_part]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench", description="Measure ours and theirs on the same work, and write it down."
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--quick", action="store_true", help="about two minutes, nothing in docs/")
    how.add_argument(
        "--update", action="store_true", help="replace the measured parts in docs/, keep the others"
    )
    parser.add_argument(
        "--only", action="append", choices=list(PARTS), help="one part; may be given again"
    )
    parser.add_argument(
        "--out", type=Path, help="where to write [default: docs, or build/bench if not all of it]"
    )
    parser.add_argument(
        "--temp", type=Path, help="where journals are made and deleted again [default: TMPDIR]"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
