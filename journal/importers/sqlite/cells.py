"""JSON in the columns of a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.importers.files.decode import BadLine, decode
from journal.importers.parsing.parser import Repaired, Skipped

if TYPE_CHECKING:
    from collections.abc import Generator

    from journal.importers.parsing.parser import Item
    from journal.importers.parsing.values import Json
    from journal.importers.sqlite.snapshot import Row


def json_of(
    line: int, row: Row, column: str, kind: type[dict[str, Json] | list[Json]]
) -> Generator[Item, None, Json]:
    """Yield what is wrong with a column; return its JSON value, or None if it is of another kind.

    Args:
        line: number of the message.
        row: the row.
        column: the column, a text or a blob of UTF-8.
        kind: dict or list.
    """
    raw = row.values.get(column)
    yield from (Repaired(line, repair) for repair in row.repairs)
    try:
        value, repairs = decode(raw if isinstance(raw, bytes) else str(raw).encode())
    except BadLine as bad:
        yield Skipped(line, f"{column} that is no JSON: {bad}")
        return None
    yield from (Repaired(line, repair) for repair in repairs)
    if not isinstance(value, kind):
        yield Skipped(line, f"{column} of an unknown kind")
        return None
    return value
