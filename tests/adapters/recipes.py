"""The recipes of docs/frameworks.md, as functions, and its examples."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

_TEXT = (Path(__file__).parents[2] / "docs" / "frameworks.md").read_text(encoding="utf-8")


def recipe(heading: str) -> Any:  # noqa: ANN401 - each has arguments of its own
    """Return the function `answer` of the recipe below a heading."""
    pattern = rf"^### {re.escape(heading)}\n+```python\n(.*?)^```"
    found = re.search(pattern, _TEXT, re.DOTALL | re.MULTILINE)
    assert found is not None, f"there is no recipe {heading!r}"
    names: dict[str, Any] = {}
    exec(compile(found[1], f"the recipe {heading!r}", "exec"), names)  # noqa: S102 - our own document
    return names["answer"]


def run_example(heading: str, monkeypatch: pytest.MonkeyPatch, home: Path, **names: Any) -> None:  # noqa: ANN401
    """Run the first example below a heading as it is written, with the home folder `home`.

    Args:
        heading: the heading.
        monkeypatch: of the test.
        home: the home folder, which `~` names.
        names: what the example does not define itself.
    """
    found = re.search(
        rf"^###? {re.escape(heading)}\n.*?^```python\n(.*?)^```", _TEXT, re.DOTALL | re.MULTILINE
    )
    assert found is not None, f"there is no example below {heading!r}"
    monkeypatch.setenv("HOME", str(home))
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(found[1], f"the example {heading!r}", "exec", flags=flags)
    coroutine = eval(code, names)  # noqa: S307 - our own document
    if inspect.iscoroutine(coroutine):
        asyncio.run(coroutine)
