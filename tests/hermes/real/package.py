"""The real `hermes_state`, from HERMES_SOURCES or an installed package."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

MODULE = "hermes_state"


def source() -> Path:
    """Return the module's file; skip the test if there is none."""
    folder = os.environ.get("HERMES_SOURCES")
    if folder:
        path = Path(folder) / f"{MODULE}.py"
        if path.exists():
            return path
        pytest.fail(f"HERMES_SOURCES has no {MODULE}.py: {folder}")
    spec = importlib.util.find_spec(MODULE)
    if spec is None or spec.origin is None:
        pytest.skip(
            "no hermes-agent: install it, or unpack its wheel and name the folder in HERMES_SOURCES"
        )
    return Path(spec.origin)


def schema_version() -> int:
    """Return the schema version of the real module's database: 11 is that of 0.13."""
    for node in ast.parse(source().read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if "SCHEMA_VERSION" in names:
                return int(str(node.value.value))
    raise AssertionError(f"{source()} names no SCHEMA_VERSION")


@contextmanager
def loaded(home: Path) -> Iterator[ModuleType]:
    """Load the real module and its imports; unload all of them at the end."""
    folder = str(source().parent)
    modules, path, environment = dict(sys.modules), sys.path[:], dict(os.environ)
    for name in [n for n in sys.modules if n.split(".")[0] in {"agent", "tools", MODULE}]:
        del sys.modules[name]
    os.environ["HERMES_HOME"] = str(home)
    sys.path.insert(0, folder)
    try:
        yield importlib.import_module(MODULE)
    finally:
        sys.path[:] = path
        os.environ.clear()
        os.environ.update(environment)
        for name in sys.modules.keys() - modules.keys():
            del sys.modules[name]
        sys.modules.update(modules)
