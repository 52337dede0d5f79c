"""No fork begins in a late import of code that the threads of a program call."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
_OTHERS = {
    *("adapters", "agents", "cli", "importers", "mcp", "process", "redact", "relay", "web"),
}
"""Folders with commands, imports and servers, which fork nothing; with adapters, whose frameworks
import what they like; and with what itself loads modules late, in its callers' turn."""
_ALONE = {
    "projector/db/checksums.py",  # its caller has the turn
    "projector/db/fork_safety.py",  # in a forked child that has one thread
    "projector/sink/engines.py",  # in a process that drains
}


def _late(tree: ast.AST, *, in_function: bool = False) -> Iterator[int]:
    """Yield the lines of the imports in functions during which a fork may begin."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.With) and any("no_fork.turn" in ast.unparse(i) for i in node.items):
            continue
        if in_function and isinstance(node, ast.Import | ast.ImportFrom):
            yield node.lineno
        if in_function and isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name == "__import__" or name.endswith("import_module"):
                yield node.lineno
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _late(node, in_function=in_function or is_function)


def _modules() -> list[Path]:
    found = [*(ROOT / "projector").rglob("*.py"), *(ROOT / "journal").rglob("*.py")]
    return sorted(p for p in found if _OTHERS.isdisjoint(p.relative_to(ROOT).parts))


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
        ("f = lambda: importlib.import_module('a')", [1]),
        ("def f():\n    with a, no_fork.turn:\n        import a", []),
        ("def f():\n    if x:\n        from a import b", [3]),
    ],
)
def test_the_check_finds_them(source: str, lines: list[int]) -> None:
    """In any function, however deep."""
    assert list(_late(ast.parse(source))) == lines
