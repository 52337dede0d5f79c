"""Text in lines that fit the terminal, with an indent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.cli.kit.clean import one_line
from journal.cli.kit.output import Styled, print_line
from journal.cli.kit.terminal.width import cells, head, terminal_width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Piece = str | Styled

_LEAST = 20
"""Columns below which text is not wrapped."""


def print_wrapped(indent: str, pieces: Sequence[Piece]) -> None:
    """Write a text after an indent; on a terminal in several lines, each after the indent.

    Args:
        indent: of each line.
        pieces: the text, without line breaks.

    Raises:
        OSError: standard output cannot be written.
    """
    width = terminal_width()
    if width is None or width < len(indent) + _LEAST:
        print_line(indent, *pieces)
        return
    for line in wrap(pieces, width - len(indent)):
        print_line(indent, *line)


def wrap(pieces: Sequence[Piece], width: int) -> Iterator[list[Piece]]:
    """Yield lines of at most `width` columns: they end between words, or at a wide character.

    A word that is wider than a line is divided.
    """
    clean = [_with_text(piece, one_line(_text(piece))) for piece in pieces]
    for start, end in _spans("".join(map(_text, clean)), width):
        line: list[Piece] = []
        at = 0
        for piece in clean:
            text = _text(piece)
            shown = text[max(start - at, 0) : max(end - at, 0)]
            at += len(text)
            if shown:
                line.append(_with_text(piece, shown))
        yield line


def _text(piece: Piece) -> str:
    return piece if isinstance(piece, str) else piece.text


def _with_text(piece: Piece, text: str) -> Piece:
    return text if isinstance(piece, str) else piece._replace(text=text)


def _spans(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Yield where each line begins and ends, without the blanks at its end."""
    start = _next_word(text, 0)
    while start < len(text):
        end = max(start + len(head(text[start : start + width], width)), start + 1)
        if end < len(text) and text[end] != " ":
            end = _word_end(text, start, end)
        yield start, start + len(text[start:end].rstrip(" "))
        start = _next_word(text, end)


def _next_word(text: str, at: int) -> int:
    while at < len(text) and text[at] == " ":
        at += 1
    return at


def _word_end(text: str, start: int, end: int) -> int:
    """Return the last place up to `end` where a line may end; `end` if there is none."""
    # a word of Chinese has no blanks after it: a line may end at any of its characters
    for at in range(end, start, -1):
        if text[at - 1] == " " or cells(text[at - 1]) > 1 or cells(text[at]) > 1:
            return at
    return end
