"""The measured processes: they prepare first, and then start at the same time.

Every measurement runs in its own process, `tools.bench.role`, so that no side is affected by what
the other has left in memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.bench.plan import Plan

_ROOT = Path(__file__).parents[2]
_TAIL = 2_000


class BenchError(Exception):
    """A measurement could not be made. It is an error, and never a missing row."""


class Actor:
    """A process that plays a role: a function of a module, called with arguments."""

    def __init__(
        self, plan: Plan, module: str, name: str, *, python: Path | None = None, **arguments: object
    ) -> None:
        """Start it.

        Args:
            plan: the plan, whose folder it gets as its home.
            module: a module below `tools.bench`.
            name: a function of it.
            python: the interpreter of another environment; None for this one.
            arguments: of the function.
        """
        self._what = f"{module}.{name}"
        self._err = tempfile.TemporaryFile(dir=plan.folder)  # noqa: SIM115 - `__exit__` closes it
        # files that programs keep in a home folder must be in the temporary folder
        home = {"HOME": str(plan.folder), "HERMES_HOME": str(plan.folder / "hermes-home")}
        if python is not None:
            home["PYTHONPATH"] = str(_ROOT)  # the project is not installed there
        command = [python or sys.executable, "-m", "tools.bench.role", module, name]
        self._process = subprocess.Popen(
            [*command, orjson.dumps(arguments).decode()],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._err,
            env=os.environ | home,
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def _line(self) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            code = self._process.wait()
            self._err.seek(0)
            output = self._err.read().decode(errors="replace")[-_TAIL:]
            raise BenchError(f"{self._what} ended with {code}:\n{output}")
        return line

    def wait_ready(self) -> None:
        """Wait until it has prepared everything.

        Raises:
            BenchError: it has ended.
        """
        self._line()

    def go(self) -> None:
        """Let it start."""
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        try:
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._line()  # result() reports why it ended

    def result(self) -> Any:  # noqa: ANN401 - JSON
        """Return its measurement.

        Raises:
            BenchError: it ended without one.
        """
        return orjson.loads(self._line())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._err.close()


Part = tuple[str, str, dict[str, Any]]
"""Module below `tools.bench`, function and arguments of a role."""


def together(plan: Plan, parts: Sequence[Part]) -> list[Any]:
    """Let processes play their roles at the same time; return the measurement of each.

    Raises:
        BenchError: one of them failed.
    """
    with ExitStack() as stack:
        actors = [stack.enter_context(Actor(plan, m, n, **a)) for m, n, a in parts]
        for actor in actors:
            actor.wait_ready()
        for actor in actors:
            actor.go()
        return [actor.result() for actor in actors]


def alone(plan: Plan, module: str, name: str, **arguments: object) -> Any:  # noqa: ANN401 - JSON
    """Let one process play a role; return its measurement. The arguments are those of `Actor`.

    Raises:
        BenchError: it failed.
    """
    return together(plan, [(module, name, arguments)])[0]
