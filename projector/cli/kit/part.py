"""`--part`: which part of the projection a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from projector.fold.part import Part

if TYPE_CHECKING:
    from collections.abc import Callable


class _Part(click.ParamType[Part]):
    """A part, such as 3/16."""

    name = "part"

    def convert(
        self, value: str | Part, param: click.Parameter | None, ctx: click.Context | None
    ) -> Part:
        """Return the part, or refuse the argument."""
        if isinstance(value, Part):
            return value
        try:
            return Part.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def part_option(help: str = "Only part K of N, such as 3/16.") -> Callable[[Any], Any]:
    """Return the decorator that adds `--part` to a command."""
    return click.option("--part", type=_Part(), metavar="K/N", help=help)


def parts_option() -> Callable[[Any], Any]:
    """Return the decorator that adds `--part`, which can be repeated, to a command."""
    return click.option(
        "--part",
        "parts",
        type=_Part(),
        metavar="K/N",
        multiple=True,
        help="Only this part of the projection; can be repeated.",
    )
