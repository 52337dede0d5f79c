"""Options that the commands share which forget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable


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
