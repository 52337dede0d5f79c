"""No fork begins in a late import of code that the threads of a program call."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
_CALLED = ("board", "db", "fold", "reading", "run", "search", "sink", "store", "text", "views")
"""Packages of the projector that a program calls from its threads; the others are commands,
adapters, whose frameworks import what they like, and servers, which fork nothing."""
_ALONE = {
    "projector/db/checksums.py",  # its caller has the turn
    "projector/db/fork_safety.py",  # in a forked child that has one thread
    "projector/sink/engines.py",  # in a process that drains
}


def _late(tree: ast.AST, *, in_function: bool = False) -> Iterator[int]:
    """Yield the lines of the imports in functions during which a fork may begin."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.With) and "no_fork.turn" in ast.unparse(node.items[0]):
            continue
        if in_function and isinstance(node, ast.Import | ast.ImportFrom):
            yield node.lineno
        if in_function and isinstance(node, ast.Call) and ast.unparse(node.func) == "import_module":
            yield node.lineno
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from _late(node, in_function=in_function or is_function)


def _modules() -> list[Path]:
    packages = [path for name in _CALLED for path in (ROOT / "projector" / name).rglob("*.py")]
    return sorted([*packages, *(ROOT / "projector").glob("*.py")])


def test_no_fork_begins_in_a_late_import() -> None:
    """A child that is forked meanwhile would have the lock of the import for ever."""
    found = [
        f"{name}:{line}"
        for path in _modules()
        if (name := path.relative_to(ROOT).as_posix()) not in _ALONE
        for line in _late(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("import a", []),
        ("def f():\n    import a", [2]),
        ("def f():\n    with no_fork.turn:\n        import a", []),
        ("async def f():\n    return import_module('a')", [2]),
        ("def f():\n    if x:\n        from a import b", [3]),
    ],
)
def test_the_check_finds_them(source: str, lines: list[int]) -> None:
    """In any function, however deep."""
    assert list(_late(ast.parse(source))) == lines
