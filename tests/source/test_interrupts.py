"""An exception out of a signal handler leaves no lock held, wherever it is raised.

From Python 3.12 on, the compiler leaves some jumps back of a loop out of the exception table: those
behind a condition that ends the loop's body, or the loop (python/cpython#108214). Python runs
signal handlers at such jumps. An exception that a handler raises there skips the exit of the `with`
around the loop.
"""

from __future__ import annotations

import dis
import re
import sys
from itertools import pairwise
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
LOCKS = re.compile(r"with .*(lock|turn|busy|syncing|quiet|held)\b")
"""Beginnings of `with` statements whose exit must always run."""
WRONG = """
def empty(queue):
    with lock:
        while queue:
            queue.pop()
"""
RIGHT = """
def empty(queue):
    with lock:
        pop_all(queue)
"""


def functions(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of a module and of everything that is defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from functions(constant)


def unguarded(code: CodeType) -> Iterator[int]:
    """Yield the lines of `with` statements that a jump back within them skips."""
    if not code.co_exceptiontable:
        return
    instructions = list(dis.get_instructions(code))
    at = {instruction.offset: index for index, instruction in enumerate(instructions)}
    table = dis._parse_exception_table(code)  # type: ignore[attr-defined]

    def handlers(offset: int) -> set[int]:
        return {entry.target for entry in table if entry.start <= offset < entry.end}

    for before, jump in pairwise(instructions):
        if jump.opname == "JUMP_BACKWARD":
            around = handlers(before.offset) & handlers(jump.argval)
            for handler in around - handlers(jump.offset):
                leave = instructions[at[handler] + 1]
                if leave.opname == "WITH_EXCEPT_START" and leave.positions is not None:
                    yield leave.positions.lineno or 0


def held_for_ever(source: str, name: str) -> list[str]:
    """Return the `with` statements of a module whose lock an exception may leave held."""
    lines = source.splitlines()
    return [
        f"{name}:{line}: {lines[line - 1].strip()}"
        for code in functions(compile(source, name, "exec"))
        for line in unguarded(code)
        if LOCKS.search(lines[line - 1])
    ]


@pytest.mark.parametrize("package", ["journal", "projector"])
def test_no_loop_within_a_lock_skips_its_exit(package: str) -> None:
    """A loop whose jump back would skip the exit is in a function of its own."""
    sources = {path: path.read_text("utf-8") for path in (ROOT / package).rglob("*.py")}
    locking = {path: source for path, source in sources.items() if LOCKS.search(source)}
    assert len(locking) > 5
    found = [held_for_ever(source, str(path)) for path, source in locking.items()]
    assert [where for module in found for where in module] == []


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.11 leaves no jump back out")
@pytest.mark.skipif(sys.version_info >= (3, 14), reason="the compiler may be corrected by then")
def test_such_a_loop_is_found() -> None:
    """The check can fail: it names the statement."""
    assert held_for_ever(WRONG, "wrong.py") == ["wrong.py:3: with lock:"]
    assert held_for_ever(RIGHT, "right.py") == []
