"""The adapter reads the views of docs/sql.md, and no internal table of a projection."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from projector.adapters import hermes

if TYPE_CHECKING:
    import apsw

    from projector.adapters.hermes import SessionDB

FOLDER = Path(hermes.__file__).parent
FROM = re.compile(r"\b(?:FROM|JOIN|IN|INTO|UPDATE)\s+\(?(_\w+)")
"""Finds the name of an internal table in a statement."""


def texts(path: Path) -> list[str]:
    """Return the texts in a module, with the parts of f-strings."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.stem)
def test_no_statement_names_an_internal_table(path: Path) -> None:
    """Internal tables, whose names begin with an underscore, change with any version."""
    assert [found for text in texts(path) for found in FROM.findall(text)] == []


def test_internal_tables_are_those_with_an_underscore(db: SessionDB) -> None:
    """All tables but those of the full-text index have such a name, so the rule finds them."""

    def query(read: apsw.Connection) -> list[str]:
        tables = read.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        names = [str(name) for (name,) in tables]
        return [name for name in names if not name.startswith(("_", "fts", "sqlite_"))]

    assert db._read(query) == []
    assert FROM.findall("SELECT 1 FROM _events e JOIN _sessions s") == ["_events", "_sessions"]
