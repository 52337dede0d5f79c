"""The calls of processes and their answers, written so that they survive a kill."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A call, and its answer. Two calls are never equal.

    Attributes:
        thing: its object; calls about different objects are independent.
        what: the name of the call.
        given: the arguments.
        got: the answer; None if `lost`.
        began, ended: nanoseconds of CLOCK_MONOTONIC between which it took effect. A process that
            was killed has no effect after its end.
        lost: whether its process was killed during the call: it may have had no effect.
        behind: a call that takes effect before it.
    """

    thing: str
    what: str
    given: tuple[Any, ...]
    got: Any
    began: int
    ended: int
    lost: bool = False
    behind: Call | None = None


class NotAnswered(Exception):  # noqa: N818 - says what happened
    """A call ended without an answer, and certainly without an effect."""


class Scribe:
    """Records the calls of one process."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)

    def call(self, thing: str, what: str, given: tuple[Any, ...], act: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it answers
        """Call, and record the call and the times before and after it.

        Returns:
            The answer; None if there was none (NotAnswered).
        """
        self._write([thing, what, given, time.monotonic_ns()])
        try:
            got = act()
        except NotAnswered:
            self._write([])
            return None
        self._write([got, time.monotonic_ns()])
        return got

    def _write(self, line: list[Any]) -> None:
        os.write(self._fd, orjson.dumps(line) + b"\n")


def calls_of(path: Path, died: int) -> list[Call]:
    """Read the records of a process that ended at a time (nanoseconds, CLOCK_MONOTONIC)."""
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    calls = []
    for (thing, what, given, began), answer in zip(lines[::2], lines[1::2], strict=False):
        if answer:
            calls.append(Call(thing, what, tuple(given), answer[0], began, answer[1]))
    if len(lines) % 2:
        thing, what, given, began = lines[-1]
        calls.append(Call(thing, what, tuple(given), None, began, died, lost=True))
    return calls
