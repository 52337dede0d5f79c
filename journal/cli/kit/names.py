"""Ids and other names on a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from typing import Any


class Name(click.ParamType[str]):
    """A text that is not empty: an empty one would be the beginning of every id."""

    name = "text"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's own
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """Refuse an empty text, which a shell variable that is not set gives."""
        text = str(value)
        if not text.strip():
            self.fail("it is empty; is a variable of the shell not set?", param, ctx)
        return text
