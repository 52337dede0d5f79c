"""Other processes that do what is measured: made ready first, then let go at one instant.

Every measurement runs in a process of its own, `tools.bench.role`, so that neither side pays for
what the other has left in memory.
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
_ROLE = (sys.executable, "-m", "tools.bench.role")
_TAIL = 2_000


class BenchError(Exception):
    """A measurement could not be made. It is an error, never a missing row."""


class Actor:
    """A process that plays a role: a function of a module, called with arguments."""

    def __init__(self, plan: Plan, module: str, name: str, **arguments: object) -> None:
        self._what = f"{module}.{name}"
        self._err = tempfile.TemporaryFile(dir=plan.folder)  # noqa: SIM115 - `__exit__` closes it
        # what others keep in a home folder goes where it is thrown away
        home = {"HOME": str(plan.folder), "HERMES_HOME": str(plan.folder / "hermes-home")}
        self._process = subprocess.Popen(
            [*_ROLE, module, name, orjson.dumps(arguments).decode()],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._err,
            env=os.environ | home,
        )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def _line(self) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            code = self._process.wait()
            self._err.seek(0)
            said = self._err.read().decode(errors="replace")[-_TAIL:]
            raise BenchError(f"{self._what} ended with {code}:\n{said}")
        return line

    def wait_ready(self) -> None:
        """Return when it has prepared everything.

        Raises:
            BenchError: it ended instead.
        """
        self._line()

    def go(self) -> None:
        """Let it begin."""
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        try:
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._line()  # says why it ended

    def result(self) -> Any:  # noqa: ANN401 - JSON
        """Return what it measured.

        Raises:
            BenchError: it ended without.
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
    """Let processes play their roles at the same time; return what each measured.

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
    """Let one process play a role; return what it measured.

    Raises:
        BenchError: it failed.
    """
    return together(plan, [(module, name, arguments)])[0]
