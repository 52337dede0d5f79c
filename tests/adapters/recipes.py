"""The recipes of docs/frameworks.md, as functions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_TEXT = (Path(__file__).parents[2] / "docs" / "frameworks.md").read_text(encoding="utf-8")


def recipe(heading: str) -> Any:  # noqa: ANN401 - each has arguments of its own
    """Return the function `answer` of the recipe below a heading."""
    pattern = rf"^### {re.escape(heading)}\n+```python\n(.*?)^```"
    found = re.search(pattern, _TEXT, re.DOTALL | re.MULTILINE)
    assert found is not None, f"there is no recipe {heading!r}"
    names: dict[str, Any] = {}
    exec(compile(found[1], f"the recipe {heading!r}", "exec"), names)  # noqa: S102 - our own document
    return names["answer"]
