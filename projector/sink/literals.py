"""Values as ClickHouse's SQL spells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def literal(value: str) -> str:
    """Return a text as a literal."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0")
    return f"'{escaped}'"


def one_of(column: str, values: Iterable[str]) -> str:
    """Return the condition that a column has one of these texts; nothing has one of none."""
    texts = ", ".join(map(literal, values))
    return f"{column} IN ({texts})" if texts else "0"
