"""Forked processes that start at the same time, and what each of them measured."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING, Any

import orjson

from tools.bench.processes import BenchError

if TYPE_CHECKING:
    from collections.abc import Callable


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Call a function in as many forked processes, all at once; return what each returned.

    A fork has loaded all modules, so they start within a few milliseconds.

    Raises:
        BenchError: one of them failed.
    """
    gate = os.pipe()
    children = []
    for number in range(count):
        answer = os.pipe()
        pid = os.fork()
        if not pid:
            _become(number, work, gate, answer)
        os.close(answer[1])
        children.append((pid, answer[0]))
    os.close(gate[0])
    os.close(gate[1])
    found = []
    failures = []
    for pid, fd in children:
        with os.fdopen(fd, "rb") as stream:
            data = stream.read()
        os.waitpid(pid, 0)
        value = orjson.loads(data) if data else {"failed": "it died"}
        if isinstance(value, dict) and "failed" in value:
            failures.append(value["failed"])
        found.append(value)
    if failures:
        raise BenchError(f"{len(failures)} of {count} processes failed:\n{failures[0]}")
    return found


def _become(
    number: int, work: Callable[[int], Any], gate: tuple[int, int], answer: tuple[int, int]
) -> None:
    """Do the work in the child, and end it."""
    code = 1
    try:
        os.close(gate[1])
        os.read(gate[0], 1)  # returns when the parent closes its end
        try:
            value = work(number)
        except BaseException:  # noqa: BLE001 - the parent reports it
            value = {"failed": traceback.format_exc()}
        with os.fdopen(answer[1], "wb") as stream:
            stream.write(orjson.dumps(value))
        code = 0
    finally:
        os._exit(code)
