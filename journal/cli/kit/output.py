"""Write the output of a command: lines, blocks and JSON, without control characters.

A linter forbids every other way (`TID251` in pyproject.toml). What libraries write, such as the
errors of click, goes through the streams of `journal.cli.kit.streams`, which clean it, too.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, NamedTuple, TextIO

import click

from journal.cli.kit.clean import clean, json_line, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console


class Styled(NamedTuple):
    """A piece of a line, with the style in which a terminal shows it."""

    text: str
    fg: str | None = None
    bold: bool | None = None
    dim: bool | None = None


def print_line(*pieces: str | Styled, err: bool = False) -> None:
    r"""Write the pieces as one line; a newline in them is written as `\n`.

    Raises:
        OSError: the stream cannot be written.
    """
    colours = has_colours(err=err)
    _write("".join(_shown(piece, colours) for piece in pieces) + "\n", err=err)


def warn(text: str) -> None:
    """Write a warning to standard error.

    Raises:
        OSError: as `print_line`.
    """
    print_line(f"warning: {text}", err=True)


def print_block(text: str, *, prefix: str = "", err: bool = False) -> None:
    """Write each line of a text after the prefix; an empty text has no line.

    Raises:
        OSError: the stream cannot be written.
    """
    if text:
        lines = clean(text).split("\n")
        _write("".join(f"{prefix}{line}\n" if line else "\n" for line in lines), err=err)


def print_json(value: object, *, indent: bool = False) -> None:
    """Write a value as one line of JSON, or indented, to standard output.

    Raises:
        OSError: the stream cannot be written.
    """
    sys.stdout.flush()
    sys.stdout.buffer.write(f"{json_line(value, indent=indent)}\n".encode())
    sys.stdout.buffer.flush()


def print_json_lines(values: Iterable[object]) -> None:
    """Write each value as one line of JSON to standard output; flush it at the end.

    Raises:
        OSError: the stream cannot be written.
    """
    sys.stdout.flush()
    for value in values:
        sys.stdout.buffer.write(f"{json_line(value)}\n".encode())
    sys.stdout.buffer.flush()


def print_pieces(pieces: Iterable[str]) -> None:
    """Write a text in pieces to standard output, and flush it at the end.

    Args:
        pieces: they are written as they are: what makes them has cleaned them.

    Raises:
        OSError: the stream cannot be written.
    """
    sys.stdout.flush()
    for piece in pieces:
        sys.stdout.buffer.write(piece.encode())
    sys.stdout.buffer.flush()


def overwrite_line(text: str) -> None:
    """Write a text over the current line of the terminal at standard error.

    Raises:
        OSError: the stream cannot be written.
    """
    _write(f"\r{one_line(text)}", err=True)


def print_prompt(text: str) -> None:
    """Write a question to standard error, with no newline behind it.

    Raises:
        OSError: the stream cannot be written.
    """
    _write(one_line(text), err=True)


def is_terminal(*, err: bool = False) -> bool:
    """Return whether standard output, or standard error, is a terminal."""
    return _stream(err=err).isatty()


def has_colours(*, err: bool = False) -> bool:
    """Return whether styles are shown: on a terminal, unless NO_COLOR is set."""
    context = click.get_current_context(silent=True)
    wanted = None if context is None else context.color
    return is_terminal(err=err) if wanted is None else wanted


def console() -> Console:
    """Return rich's console on standard error, which takes cleaned text only."""
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it

    return Console(file=_stream(err=True))


class LogHandler(logging.Handler):
    """Writes each log record of a library as a line on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            print_line(f"{record.levelname.capitalize()}: {record.getMessage()}", err=True)
        except OSError:
            self.handleError(record)


def _shown(piece: str | Styled, colours: bool) -> str:  # noqa: FBT001 - it has one caller
    if isinstance(piece, str):
        return one_line(piece)
    text = one_line(piece.text)
    return click.style(text, piece.fg, bold=piece.bold, dim=piece.dim) if colours else text


def _stream(*, err: bool) -> TextIO:
    """Return the stream that does not clean a text a second time."""
    stream = sys.stderr if err else sys.stdout
    plain: TextIO = getattr(stream, "plain", stream)
    return plain


def _write(text: str, *, err: bool) -> None:
    stream = _stream(err=err)
    stream.write(text)
    stream.flush()
