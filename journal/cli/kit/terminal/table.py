"""Tables that fit the terminal: cells are cut and columns left out, and no line wraps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from journal.cli.kit.clean import one_line
from journal.cli.kit.output import Styled, print_line
from journal.cli.kit.terminal.width import Cut, cells, cut, terminal_width

if TYPE_CHECKING:
    from collections.abc import Sequence

_GAP = 2
"""Blanks between two columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        right: whether its cells are aligned to the right.
        least: columns of the terminal that a cell may be cut down to; None: it is never cut.
        where: what of a cell is left out.
        rank: where a terminal is too narrow, the column with the highest rank is left out first;
            that of rank 0 never.
    """

    right: bool = False
    least: int | None = None
    where: Cut = "end"
    rank: int = 0


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str | Styled]]) -> None:
    """Write rows to standard output, one a line.

    On a terminal each line fits. Elsewhere every cell is whole. A column without any text is left
    out.

    Args:
        columns: the columns.
        rows: the cells of each row, one a column.

    Raises:
        OSError: standard output cannot be written.
    """
    texts = [[_text(cell) for cell in row] for row in rows]
    widths = [max(map(cells, column)) for column in zip(*texts, strict=True)]
    width = terminal_width()
    fitted = widths if width is None else fit(columns, widths, width)
    shown = [at for at, column in enumerate(fitted) if column]
    for row, line in zip(rows, texts, strict=True):
        end = max((at for at in shown if line[at]), default=0)
        pieces: list[str | Styled] = []
        for at in (at for at in shown if at <= end):
            text = cut(line[at], fitted[at], columns[at].where)
            blanks = " " * (fitted[at] - cells(text))
            before = (" " * _GAP if pieces else "") + (blanks if columns[at].right else "")
            cell = row[at]
            styled = text if isinstance(cell, str) else cell._replace(text=text)
            pieces += [before, styled, "" if at == end or columns[at].right else blanks]
        print_line(*pieces)


def fit(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    """Return the width of each column in a line of `width`; 0 for a column that is left out.

    Args:
        columns: the columns.
        widths: what the widest cell of each needs.
        width: of the line.
    """
    # a cell never gets more than the line: a title of a million characters would need as many steps
    found = [min(needed, width) for needed in widths]
    for at in sorted(range(len(columns)), key=lambda at: -columns[at].rank):
        if _line(list(map(_floor, columns, found))) <= width or not columns[at].rank:
            break
        found[at] = 0
    while _line(found) > width:
        rooms = [now - _floor(column, now) for column, now in zip(columns, found, strict=True)]
        if not any(rooms):  # not even what must not be cut fits
            rooms = [now - 1 for now in found]
        if max(rooms) <= 0:
            break
        found[rooms.index(max(rooms))] -= 1
    return found


def _floor(column: Column, width: int) -> int:
    return width if column.least is None else min(width, column.least)


def _line(widths: Sequence[int]) -> int:
    """Return the length of a line with columns of these widths."""
    shown = [width for width in widths if width]
    return sum(shown) + _GAP * max(0, len(shown) - 1)


def _text(cell: str | Styled) -> str:
    return one_line(cell if isinstance(cell, str) else cell.text)
