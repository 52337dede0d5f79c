"""Paths on a command line."""

from __future__ import annotations

import os

import click


class NonEmptyPath(click.Path):
    """A path that is not empty: an empty one would mean the current folder."""

    empty = "the path is empty; for the current folder give ."
    """What is wrong with an empty one, and what to do."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Refuse an empty path, which a shell variable that is not set gives."""
        if not os.fspath(value):
            self.fail(self.empty, param, ctx)
        return super().convert(value, param, ctx)
