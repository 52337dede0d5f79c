"""The table of docs/hermes.md, our class and the real class agree, method by method."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import dataclass
from functools import lru_cache
from inspect import Parameter
from pathlib import Path
from typing import Any

import pytest

from projector.adapters.hermes import SessionDB
from tests.hermes.real import package as real

DOCUMENT = Path(__file__).parents[3] / "docs" / "hermes.md"
ROW = re.compile(
    r"^\| `(\w+)` \| (0\.13|0\.19) \| (same|differs|not there)\b(.*) \|$", re.MULTILINE
)
V13 = 11
"""The schema of Hermes 0.13."""


@dataclass(frozen=True)
class Described:
    """A row of the table."""

    since: str
    kind: str
    why: str


def table() -> dict[str, Described]:
    """Read the table of methods."""
    rows = ROW.findall(DOCUMENT.read_text())
    found = {name: Described(since, kind, why) for name, since, kind, why in rows}
    assert len(found) == len(rows), "a method is in the table twice"
    return found


@dataclass(frozen=True)
class Argument:
    """An argument of a method: `default` is the source of one, or None."""

    name: str
    kind: int
    default: str | None


@lru_cache
def real_methods() -> dict[str, tuple[bool, list[Argument]]]:
    """Read the real class: whether each public method is static, and its arguments."""
    tree = ast.parse(real.source().read_text())
    [found] = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "SessionDB"]
    methods = [n for n in found.body if isinstance(n, ast.FunctionDef)]
    return {
        method.name: (is_static(method), arguments(method.args, is_static=is_static(method)))
        for method in methods
        if not method.name.startswith("_") or method.name == "__init__"
    }


def is_static(method: ast.FunctionDef) -> bool:
    """Return whether a method is called without an object."""
    names = [node.id for node in method.decorator_list if isinstance(node, ast.Name)]
    return "staticmethod" in names


def arguments(given: ast.arguments, *, is_static: bool) -> list[Argument]:
    """Return the arguments of a method without `self`."""
    placed = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(placed) - len(given.defaults)) + [*given.defaults]
    found = [
        Argument(arg.arg, Parameter.POSITIONAL_OR_KEYWORD, written(default))
        for arg, default in zip(placed, defaults, strict=True)
    ]
    found = found if is_static else found[1:]
    if given.vararg is not None:
        found.append(Argument(given.vararg.arg, Parameter.VAR_POSITIONAL, None))
    found += [
        Argument(arg.arg, Parameter.KEYWORD_ONLY, written(default))
        for arg, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    if given.kwarg is not None:
        found.append(Argument(given.kwarg.arg, Parameter.VAR_KEYWORD, None))
    return found


def written(default: ast.expr | None) -> str | None:
    """Return a default as it is written in the source; None if there is none."""
    return None if default is None else ast.unparse(default)


def our_arguments(name: str) -> list[Argument]:
    """Return the arguments of our method."""
    method: Any = getattr(SessionDB, name)
    parameters = list(inspect.signature(method).parameters.values())
    if not isinstance(inspect.getattr_static(SessionDB, name), staticmethod):
        parameters = parameters[1:]
    return [
        Argument(p.name, p.kind, None if p.default is p.empty else repr(p.default))
        for p in parameters
    ]


def our_methods() -> set[str]:
    """Return the names of our public methods, except those that a fork calls."""
    return {
        name
        for name in dir(SessionDB)
        if not name.startswith("_") and callable(getattr(SessionDB, name))
    } - {"after_fork_in_child"}


def is_early() -> bool:
    """Return whether the real class is that of Hermes 0.13."""
    return real.schema_version() == V13


def test_the_table_has_our_methods() -> None:
    """The table says `not there` for exactly the methods that our class lacks."""
    rows = table()
    ours = {name for name, row in rows.items() if row.kind != "not there"}
    assert ours == our_methods()


def test_each_difference_has_a_reason() -> None:
    """Each method that differs or is missing has a reason in the table."""
    for name, row in table().items():
        assert row.kind == "same" or len(row.why) > len(": it"), name


def test_no_method_of_0_13_is_missing() -> None:
    """Our class has every public method of Hermes 0.13."""
    rows = table().items()
    early = {name: row for name, row in rows if row.since == "0.13"}
    assert len(early) == 51
    assert [name for name, row in early.items() if row.kind == "not there"] == []


def test_the_table_has_the_methods_of_the_real_one() -> None:
    """The table lists every public method of the real class, and no other of its version."""
    versions = {"0.13"} if is_early() else {"0.13", "0.19"}
    listed = {name for name, row in table().items() if row.since in versions}
    assert listed == real_methods().keys() - {"__init__"}


@pytest.mark.parametrize("name", sorted(["__init__", *our_methods()]))
def test_arguments_are_those_of_the_real_one(name: str) -> None:
    """Names, kinds and defaults are equal; in methods of 0.13, arguments of 0.19 are at the end."""
    methods = real_methods()
    if name not in methods:
        assert is_early(), "0.19 has no such method"
        pytest.skip("0.13 has no such method")
    is_static, theirs = methods[name]
    ours = our_arguments(name)
    assert isinstance(inspect.getattr_static(SessionDB, name), staticmethod) == is_static
    if is_early():
        # later arguments may be given by name
        assert [argument for argument in ours if argument in theirs] == theirs
        others = [argument for argument in ours if argument not in theirs]
        assert all(a.default is not None or a.kind == Parameter.VAR_KEYWORD for a in others)
        named = [a for a in ours if a.kind == Parameter.POSITIONAL_OR_KEYWORD]
        assert named[: len(theirs)] == [
            a for a in theirs if a.kind == Parameter.POSITIONAL_OR_KEYWORD
        ]
    elif name in table() and table()[name].since == "0.19":
        assert ours == theirs
    else:
        assert {a.name: a for a in ours} == {a.name: a for a in theirs}


def test_sessions_have_the_columns_of_the_real_one(db: SessionDB) -> None:
    """A session's keys are the columns of the real table, in the order of 0.13."""
    db.create_session("s", "cli")
    row = db.get_session("s")
    assert row is not None
    theirs = columns("sessions")
    assert [name for name in row if name in theirs] == theirs or not is_early()
    assert not set(theirs) - set(row)


def columns(table: str) -> list[str]:
    """Read the columns of a table from the source of the real module."""
    found = re.search(
        rf"CREATE TABLE IF NOT EXISTS {table} \((.*?)\n\);", real.source().read_text(), re.DOTALL
    )
    assert found is not None
    lines = [line.strip() for line in found[1].splitlines() if line.strip()]
    return [line.split()[0] for line in lines if not line.startswith("FOREIGN")]
