"""Options that the commands share which forget."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from journal.cli.kit.times import Moment
from journal.format.timestamps import to_microseconds

if TYPE_CHECKING:
    from collections.abc import Callable


_NO_AGE = re.compile(r"0{1,9}\s{0,9}[smhdw]")


class Age(Moment):
    """An age or a moment, in microseconds since 1970, that does not select everything."""

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Convert what was typed; refuse a moment that everything is older than."""
        if isinstance(value, str) and _NO_AGE.fullmatch(value.strip()):
            self.fail(
                f"{value!r} is no age: everything would be older. Give at least 1s, or leave the"
                " option out where something else is selected",
                param,
                ctx,
            )
        now = datetime.now(UTC)
        moment = super().convert(value, param, ctx)
        if moment > to_microseconds(now):
            self.fail(
                f"{value!r} is in the future: everything would be older. Give an age such as 90d,"
                " or a time in the past",
                param,
                ctx,
            )
        return moment


def mode_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --dry-run, --yes and --json to a command."""
    options = (
        click.option("--dry-run", is_flag=True, help="Only show what would be forgotten."),
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
    )
    for option in reversed(options):
        command = option(command)
    return command
