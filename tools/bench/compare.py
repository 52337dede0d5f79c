"""`make bench AGAINST=FOLDER`: this checkout and another one, measured in turn in one run.

::

    .venv/bin/python -m tools.bench.compare FOLDER                all parts, about 25 minutes
    .venv/bin/python -m tools.bench.compare FOLDER --only loop    one part

FOLDER is a checkout of another commit with its own environment in `.venv`. Each checkout measures
itself, without the other programs, with smaller sizes than in `make bench`. A row has the median
over the rounds of here / there, both of one round. `--out` writes every value as JSON.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self

import orjson

from tools.bench.processes import BenchError
from tools.bench.run import PARTS, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MODULES = {name: part.__name__.removeprefix("tools.bench.parts.") for name, part in PARTS.items()}
"""The module of each part, in the order of measurement."""
SIZES: Mapping[str, object] = {
    "rivals": False,
    "rounds": 2,
    "heavy_rounds": 1,
    "append_seconds": 3.0,
    "jammed_seconds": 8.0,
    "backlog": 200_000,
    "rival_searched": 0,
    "found": 100,
    "spawns": 20,
    "opens": 40,
    "segments": 300,
    "imported": 200_000_000,
    "idle_seconds": 10.0,
    "growth": (10_000, 100_000),
    "viewed": 200_000,
    "viewed_session": 100_000,
    "requests": 40,
}
"""The differences from the plan of `make bench`."""
_SIDE = """
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
import orjson
folder, sizes, plan, parts = Path(sys.argv[1]), orjson.loads(sys.argv[2]), *sys.argv[3:]
plan = import_module(plan).full(folder)
sizes = {name: size for name, size in sizes.items() if hasattr(plan, name)}
plan = replace(plan, **sizes | {"growth": tuple(sizes["growth"])})
for line in sys.stdin:
    figures = import_module(parts + line.strip()).measure(plan)
    # what a part prints must not be read as its answer
    print("\\nfigures " + orjson.dumps([f.as_json() for f in figures]).decode(), flush=True)
"""
"""The program of a side: it runs in the other commit, too, so it uses what both commits have."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of the benchmark in a checkout.

    Attributes:
        start: the import folder, below the checkout.
        plan: name of the module that has the plan.
        parts: the prefix of the name of a part's module.
    """

    start: str
    plan: str
    parts: str

    def has(self, checkout: Path, part: str) -> bool:
        """Return whether a checkout can measure a part."""
        module = (self.parts + MODULES[part]).replace(".", "/")
        return (checkout / self.start / f"{module}.py").exists()


PACKAGE = Layout(".", "tools.bench.plan", "tools.bench.parts.")
FLAT = Layout("tools", "bench.plan", "bench.")
"""Until `tools` became a package, its folder was on the path and `bench` had no folders."""


def layout_of(checkout: Path) -> Layout:
    """Return the layout of a checkout's benchmark.

    Raises:
        BenchError: the folder has no benchmark.
    """
    for layout in (PACKAGE, FLAT):
        if any(layout.has(checkout, part) for part in MODULES):
            return layout
    raise BenchError(f"{checkout}: no benchmark in tools/bench; name a checkout of this project")


class Side:
    """A process that measures the commit of one checkout, one part after the other."""

    def __init__(
        self, checkout: Path, folder: Path, *, python: Path, sizes: Mapping[str, object] = SIZES
    ) -> None:
        layout = layout_of(checkout)
        if not python.exists():
            raise BenchError(f"{python} does not exist: make the environment of {checkout} first")
        folder.mkdir(parents=True)
        self._process = subprocess.Popen(
            [python, "-c", _SIDE, folder, orjson.dumps(sizes), layout.plan, layout.parts],
            cwd=checkout / layout.start,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def measure(self, part: str) -> dict[str, float]:
        """Measure a part; return its values by name and unit of the figures.

        Raises:
            BenchError: the process ended without an answer.
        """
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        with suppress(BrokenPipeError):  # it has already ended: then there are no figures either
            self._process.stdin.write(MODULES[part] + "\n")
            self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("figures "):
                figures = orjson.loads(line.removeprefix("figures "))
                return {
                    f"{figure['name']} ({figure['unit']})": figure["ours"] for figure in figures
                }
        raise BenchError(f"{part}: the process ended without figures; its error is above")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


Pairs = dict[str, list[tuple[float, float]]]
"""For each figure the values there and here, a pair for each round."""


def compare(checkout: Path, parts: Sequence[str], rounds: int) -> Pairs:
    """Measure parts of both checkouts, so many rounds.

    Raises:
        BenchError: a measurement could not be made.
    """
    pairs: Pairs = {}
    began = perf_counter()
    pythons = {"there": checkout / ".venv/bin/python", "here": Path(sys.executable)}
    roots = {"there": checkout, "here": ROOT}
    for turn in range(rounds):
        with tempfile.TemporaryDirectory(prefix="compare-") as folder, ExitStack() as stack:
            sides = {
                name: stack.enter_context(Side(root, Path(folder, name), python=pythons[name]))
                for name, root in roots.items()
            }
            for number, part in enumerate(parts):
                # each is first equally often, because the first one runs on a colder machine
                order = ("there", "here") if (turn + number) % 2 else ("here", "there")
                values = {name: sides[name].measure(part) for name in order}
                for figure, there in values["there"].items():
                    if figure in values["here"]:
                        pairs.setdefault(figure, []).append((there, values["here"][figure]))
                spent = perf_counter() - began
                print(f"[{spent:6.0f} s] round {turn + 1}: {part}", file=sys.stderr, flush=True)
    return pairs


def table(pairs: Pairs) -> str:
    """Return the figures as a table of Markdown."""
    lines = ["| what | there | here | here / there |", "|---|---|---|---|"]
    for figure, values in pairs.items():
        there = statistics.median(value for value, _ in values)
        here = statistics.median(value for _, value in values)
        ratio = statistics.median(b / a if a else float("inf") for a, b in values)
        lines.append(f"| {figure} | {there:.4g} | {here:.4g} | {ratio:.3f} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="compare", description="Measure this checkout and another one, in turn."
    )
    parser.add_argument("checkout", type=Path, help="of the other commit, with .venv in it")
    parser.add_argument("--only", action="append", choices=list(MODULES), help="one part")
    parser.add_argument("--rounds", type=int, default=3, help="of each part [default: 3]")
    parser.add_argument("--out", type=Path, help="a file for every round's values, as JSON")
    given = parser.parse_args(arguments)
    checkout = given.checkout.resolve()
    try:
        layout = layout_of(checkout)
        parts = given.only or [part for part in MODULES if layout.has(checkout, part)]
        pairs = compare(checkout, parts, given.rounds)
    except BenchError as error:
        print(f"compare: {error}", file=sys.stderr)
        return 1
    if given.out:
        rows: dict[str, Any] = {name: list(values) for name, values in pairs.items()}
        given.out.write_bytes(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    print(table(pairs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
