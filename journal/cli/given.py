"""Paths that are given on a command line."""

from __future__ import annotations

import os

import click


class GivenPath(click.Path):
    """A path that says something: an empty one would be the current folder."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Refuse an empty path, such as a variable gives that was not set."""
        if not os.fspath(value):
            self.fail("the path is empty; for the current folder say .", param, ctx)
        return super().convert(value, param, ctx)
