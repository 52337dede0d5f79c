"""Write the tables of docs/sql.md from the declaration of the public views, or compare them.

python -m tools.sql_reference --write
python -m tools.sql_reference --check
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from projector.db.public_views import VIEWS
from tools.generated import main

if TYPE_CHECKING:
    from projector.db.public_views.view import View

TARGET = Path(__file__).parents[1] / "docs" / "sql.md"
_BEGIN = "<!-- views: made by `make docs`; a test compares them -->\n"
_END = "<!-- end of views -->\n"
_BETWEEN = re.compile(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)


def reference(text: str) -> str:
    """Return the text of docs/sql.md, with its tables made from the declared views.

    Raises:
        ValueError: the marks around the tables are missing.
    """
    tables = "\n".join(_section(view, described=set(VIEWS[:n])) for n, view in enumerate(VIEWS))
    replaced, count = _BETWEEN.subn(lambda _: f"{_BEGIN}\n{tables}\n{_END}", text)
    if count != 1:
        raise ValueError(f"{TARGET} must have one pair of {_BEGIN.strip()} and {_END.strip()}")
    return replaced


def _section(view: View, described: set[View]) -> str:
    if any(view.columns is other.columns for other in described):
        return f"### {view.name}\n\n{view.meaning}\n"
    rows = [f"| `{column.name}` | {column.type} | {column.meaning} |" for column in view.columns]
    table = "\n".join(["| column | type | meaning |", "|---|---|---|", *rows])
    return f"### {view.name}\n\n{view.meaning}\n\n{table}\n"


def _current() -> str:
    return reference(TARGET.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main(__doc__, TARGET, _current, "the declarations of the views"))
