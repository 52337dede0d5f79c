"""docs/api.md equals the docstrings, and the docstrings are true."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
from importlib import import_module
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

import journal
import projector
from journal import Journal
from projector import AsyncBoard, AsyncSessionStore, Board, Projection, SessionStore
from tools.api_reference import PACKAGES, TARGET, docstring, public_methods, reference

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_EXAMPLE = re.compile(r"^[^\n]*::\n\n((?:(?:    [^\n]*)?\n)+)", re.MULTILINE)
_RAISES = re.compile(r"^Raises:\n((?:    [^\n]*\n?|\n)+)", re.MULTILINE)
_NAMES = re.compile(r"^    (\w+(?:, \w+)*):", re.MULTILINE)


def _public() -> Iterator[tuple[str, str, Any]]:
    """Yield package, name and value of every public name, and of the members of public classes."""
    for package in PACKAGES:
        module = import_module(package)
        for name in module.__all__:
            value = getattr(module, name)
            yield package, f"{package}.{name}", value
            if inspect.isclass(value):
                for member, method in public_methods(value).items():
                    yield package, f"{package}.{name}.{member}", method


def _examples() -> Iterator[tuple[str, str]]:
    seen = set()
    for package in PACKAGES:
        module = import_module(package)
        values = [module, *(getattr(module, name) for name in module.__all__)]
        bases = [base for value in values if inspect.isclass(value) for base in value.__mro__]
        for value in [*values, *bases]:
            for number, found in enumerate(_EXAMPLE.finditer(docstring(value) + "\n")):
                name = f"{getattr(value, '__name__', value)} {number}"
                if found[1] not in seen and _is_ours(value):
                    seen.add(found[1])
                    yield name, dedent(found[1]).strip()


def _is_ours(value: object) -> bool:
    home = getattr(value, "__module__", getattr(value, "__name__", ""))
    return str(home).split(".")[0] in PACKAGES


EXAMPLES = dict(_examples())


def test_the_reference_is_up_to_date() -> None:
    """docs/api.md is made from the docstrings; `make docs` writes it."""
    assert TARGET.read_text(encoding="utf-8") == reference(), "run `make docs`"


def test_every_error_that_is_named_can_be_imported() -> None:
    """Every error under `Raises` is exported by the package that raises it."""
    missing = []
    checked = 0
    for package, name, value in _public():
        for section in _RAISES.findall(docstring(value) + "\n"):
            for names in _NAMES.findall(section):
                for error in names.split(", "):
                    checked += 1
                    found = getattr(builtins, error, None)
                    if found is None and error in import_module(package).__all__:
                        found = getattr(import_module(package), error)
                    if not (inspect.isclass(found) and issubclass(found, Exception)):
                        missing.append(f"{name}: {error}")
    assert checked > 150
    assert missing == []


def test_every_public_name_is_documented() -> None:
    """Each name, method and property has a docstring."""
    missing = [
        name
        for _, name, value in _public()
        if not docstring(value) and name.rpartition(".")[2] != "__version__"
    ]
    assert missing == []


def test_every_method_of_a_handle_is_in_an_example() -> None:
    """An example calls each method."""
    called = {
        node.attr
        for code in EXAMPLES.values()
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Attribute)
    }
    handles = [Journal, Projection, SessionStore, projector.Keys, projector.Claims]
    missing = [
        f"{kind.__name__}.{name}"
        for kind in handles
        for name in public_methods(kind)
        if name not in called
    ]
    assert missing == []


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every example of a docstring can be run."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with SessionStore.open(tmp_path / "agents") as store:
        store.append("s1", "user", "Where is docker compose?", id="m0")
        names: dict[str, Any] = {
            **{
                name: getattr(module, name)
                for module in (journal, projector)
                for name in module.__all__
            },
            "journal": journal,
            "store": store,
        }
        code = EXAMPLES[name]
        if "await " in code:
            body = "\n".join(f"    {line}" for line in code.split("\n"))
            code = f"import asyncio\nasync def main():\n{body}\nasyncio.run(main())"
        exec(compile(code, f"the example of {name}", "exec"), names)  # noqa: S102 - our own docstring


def test_awaited_classes_have_no_methods_of_their_own() -> None:
    """The reference lists the methods once; the asynchronous classes have the same."""
    assert public_methods(AsyncSessionStore).keys() <= public_methods(SessionStore).keys()
    assert public_methods(AsyncBoard).keys() == public_methods(Board).keys()
