"""Bounds of the source: short modules, small folders, no circular imports."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import grimp
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PRODUCT = ("journal", "projector")
MOST_LINES = 320
MOST_MODULES = 14


def modules(*packages: str) -> Iterator[Path]:
    """Yield the modules of packages, with their path from the repository's root."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT)


def length(module: Path) -> int:
    """Return the number of lines of a module."""
    return len((ROOT / module).read_text("utf-8").splitlines())


def folders(*packages: str) -> dict[Path, int]:
    """Return the number of modules of each folder; a package's own `__init__` does not count."""
    counts: dict[Path, int] = {}
    for module in modules(*packages):
        counts.setdefault(module.parent, 0)
        counts[module.parent] += module.name != "__init__.py"
    return counts


def cycle(imports: dict[str, set[str]]) -> list[str]:
    """Return modules of which each imports the next, and the last the first; empty if none do."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def test_no_module_is_too_long() -> None:
    """No module of the product is longer than the bound."""
    long = {str(path): length(path) for path in modules(*PRODUCT) if length(path) > MOST_LINES}
    assert long == {}


def test_no_folder_has_too_many_modules() -> None:
    """If one more would be too many, put related modules into a folder of their own."""
    full = {
        str(folder): count
        for folder, count in folders(*PRODUCT, "tests", "tools").items()
        if count > MOST_MODULES
    }
    assert full == {}


@pytest.mark.parametrize("package", [*PRODUCT, "tools"])
def test_imports_make_no_cycle(package: str) -> None:
    """Imports for types count, too: concepts that need each other belong together."""
    graph = grimp.build_graph(package, cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert len(imports) > MOST_MODULES
    assert cycle(imports) == []


def test_a_cycle_is_found() -> None:
    """The check can fail: it names the modules in the order in which they import each other."""
    imports = {"a": {"b"}, "b": {"c"}, "c": {"d", "b"}, "d": set()}
    found = cycle(imports)
    assert found[0] == found[-1]
    assert set(found) == {"b", "c"}
    assert all(after in imports[before] for before, after in pairwise(found))
