"""Forked processes that start at the same time, and what each of them measured."""

from __future__ import annotations

import os
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from tools.bench.processes import BenchError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Child:
    """A forked process that works.

    Attributes:
        pid: its process id.
        fd: the descriptor from which its answer is read, once.
    """

    pid: int
    fd: int

    def answer(self) -> Any:  # noqa: ANN401 - JSON
        """Wait until it ends; return what its function returned, or `{"failed": ...}`."""
        with os.fdopen(self.fd, "rb") as stream:
            data = stream.read()
        os.waitpid(self.pid, 0)
        return orjson.loads(data) if data else {"failed": "it died"}

    def result(self) -> Any:  # noqa: ANN401 - JSON
        """Wait until it ends; return what its function returned.

        Raises:
            BenchError: it failed.
        """
        value = self.answer()
        if _is_failure(value):
            raise BenchError(f"a process failed:\n{value['failed']}")
        return value


def fork(work: Callable[[], Any]) -> Child:
    """Call a function in a forked process."""
    answer = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(answer[0])
        _become(work, answer[1])
    os.close(answer[1])
    return Child(pid, answer[0])


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Call a function in as many forked processes, all at once; return what each returned.

    A fork has loaded all modules, so they start within a few milliseconds.

    Raises:
        BenchError: one of them failed.
    """
    gate = os.pipe()

    def enter(number: int) -> Any:  # noqa: ANN401 - JSON
        os.close(gate[1])
        os.read(gate[0], 1)  # returns when the parent closes its end
        return work(number)

    children = [fork(lambda number=number: enter(number)) for number in range(count)]  # type: ignore[misc]
    os.close(gate[0])
    os.close(gate[1])
    found = [child.answer() for child in children]
    failures = [value["failed"] for value in found if _is_failure(value)]
    if failures:
        raise BenchError(f"{len(failures)} of {count} processes failed:\n{failures[0]}")
    return found


def _is_failure(value: object) -> bool:
    return isinstance(value, dict) and "failed" in value


def _become(work: Callable[[], Any], answer: int) -> None:
    """Do the work in the child, and end it."""
    code = 1
    try:
        try:
            value = work()
        except BaseException:  # noqa: BLE001 - the parent reports it
            value = {"failed": traceback.format_exc()}
        with os.fdopen(answer, "wb") as stream:
            stream.write(orjson.dumps(value))
        code = 0
    finally:
        os._exit(code)
