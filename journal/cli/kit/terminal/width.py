"""How wide a text is on a terminal, and texts cut to a width."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Literal

from journal.cli.kit.output import is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

Cut = Literal["end", "middle"]

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def terminal_width() -> int | None:
    """Return the columns of the terminal that standard output is; None if it is none.

    The variable COLUMNS comes before what the terminal itself says.
    """
    return shutil.get_terminal_size().columns if is_terminal() else None


def cells(text: str) -> int:
    """Return the columns that a line needs; a Chinese character needs two."""
    return len(text) if text.isascii() else _cell_len()(text)


def cut(text: str, width: int, where: Cut = "end") -> str:
    """Return a line of at most `width` columns, with an ellipsis for what is left out.

    Args:
        text: a line without control characters.
        width: columns, at least 1.
        where: what is left out.
    """
    if cells(text) <= width:
        return text
    after = (width - 1) // 2 if where == "middle" else 0
    return f"{head(text, width - 1 - after)}{_ELLIPSIS}{head(text[::-1], after)[::-1]}"


def head(text: str, width: int) -> str:
    """Return the longest beginning of a text that needs at most `width` columns."""
    length = min(len(text), width)
    while cells(text[:length]) > width:
        length -= 1
    return text[:length]


def _cell_len() -> Callable[[str], int]:
    from rich.cells import cell_len  # noqa: PLC0415 - most lines are ASCII

    return cell_len
