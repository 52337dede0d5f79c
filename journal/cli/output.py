"""The one way by which text leaves a command: lines, blocks and JSON.

A linter forbids every other (`TID251` in pyproject.toml). What libraries write by themselves, such
as click its errors, goes through the streams of `journal.cli.streams`, which clean it, too.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, NamedTuple, TextIO

import click

from journal.cli.clean import clean, json_line, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console


class Styled(NamedTuple):
    """A piece of a line that a terminal shows in another way."""

    text: str
    fg: str | None = None
    bold: bool | None = None
    dim: bool | None = None


def say(*pieces: str | Styled, err: bool = False) -> None:
    """Write one line, whatever the pieces hold: a newline in them is spelled.

    Raises:
        OSError: the stream cannot be written.
    """
    colours = has_colours(err=err)
    _write("".join(_shown(piece, colours) for piece in pieces) + "\n", err=err)


def say_block(text: str, *, prefix: str = "", err: bool = False) -> None:
    """Write lines, each behind the prefix; nothing for an empty text.

    Raises:
        OSError: the stream cannot be written.
    """
    if text:
        lines = clean(text).split("\n")
        _write("".join(f"{prefix}{line}\n" if line else "\n" for line in lines), err=err)


def say_json(value: object, *, indent: bool = False) -> None:
    """Write a value as one line of JSON, or indented, to standard output.

    Raises:
        OSError: the stream cannot be written.
    """
    sys.stdout.flush()
    sys.stdout.buffer.write(f"{json_line(value, indent=indent)}\n".encode())
    sys.stdout.buffer.flush()


def say_json_lines(values: Iterable[object]) -> None:
    """Write each value as a line of JSON to standard output, which is flushed at the end.

    Raises:
        OSError: the stream cannot be written.
    """
    sys.stdout.flush()
    for value in values:
        sys.stdout.buffer.write(f"{json_line(value)}\n".encode())
    sys.stdout.buffer.flush()


def say_again(text: str) -> None:
    """Write a line over the one that stands on the terminal of standard error.

    Raises:
        OSError: the stream cannot be written.
    """
    _write(f"\r{one_line(text)}", err=True)


def is_terminal(*, err: bool = False) -> bool:
    """Say whether standard output, or standard error, is a terminal."""
    return _stream(err=err).isatty()


def has_colours(*, err: bool = False) -> bool:
    """Say whether styles are shown: on a terminal, unless its user wants none."""
    context = click.get_current_context(silent=True)
    wanted = None if context is None else context.color
    return is_terminal(err=err) if wanted is None else wanted


def console() -> Console:
    """Return what draws on the terminal of standard error; give it cleaned text only."""
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it

    return Console(file=_stream(err=True))


class Warnings(logging.Handler):
    """Writes what a library logs as a line on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            say(f"{record.levelname.capitalize()}: {record.getMessage()}", err=True)
        except OSError:
            self.handleError(record)


def _shown(piece: str | Styled, colours: bool) -> str:  # noqa: FBT001 - of one caller
    if isinstance(piece, str):
        return one_line(piece)
    text = one_line(piece.text)
    return click.style(text, piece.fg, bold=piece.bold, dim=piece.dim) if colours else text


def _stream(*, err: bool) -> TextIO:
    """Return the stream that writes what is clean as it is."""
    stream = sys.stderr if err else sys.stdout
    plain: TextIO = getattr(stream, "plain", stream)
    return plain


def _write(text: str, *, err: bool) -> None:
    stream = _stream(err=err)
    stream.write(text)
    stream.flush()
