"""The options that commands filter by, and what they print for values that nothing has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import click

from journal.cli.kit.clean import one_line
from journal.cli.kit.exits import DONE, NOT_FOUND
from journal.cli.kit.names import Name
from journal.cli.kit.output import print_line
from journal.cli.kit.times import Moment
from journal.process.fork import no_fork
from projector.arguments import Has

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from projector.projection import Projection
    from projector.views.nearest import UnknownValue

_OPTIONS = (
    click.option(
        "--project", type=Name(), metavar="P", help="Only this working directory, or its last part."
    ),
    click.option("--source", type=Name(), metavar="SRC", help="Only from this source."),
    click.option("--model", type=Name(), metavar="M", help="Only of this model."),
    click.option("--branch", type=Name(), metavar="B", help="Only on this git branch."),
    click.option(
        "--tool", type=Name(), metavar="NAME", help="Only calls of this tool, and their results."
    ),
    click.option(
        "--file",
        type=Name(),
        metavar="PATH",
        help="Only calls that name this file; its end is enough.",
    ),
    click.option("--has", type=click.Choice(get_args(Has)), help="Only what reports an error."),
    click.option("--machine", type=Name(), metavar="NAME", help="Only what this machine wrote."),
    click.option("--no-subagents", is_flag=True, help="Without sub-agents."),
    click.option("--since", type=Moment(), metavar="T", help="Only messages of T or later."),
    click.option("--until", type=Moment(), metavar="T", help="Only messages before T."),
)


def filter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that `about` takes to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def about(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options as arguments of `search`, `sessions` and `facets`."""
    return {name: value for name, value in options.items() if name != "no_subagents"} | {
        "subagents": not options["no_subagents"]
    }


def session_options(projection: Projection, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return what `about` returned as arguments of `session_filters`."""
    with no_fork.turn:
        from projector.reading.searching import origin  # noqa: PLC0415 - a search needs it anyway

    return arguments | {"machine": origin(projection, arguments["machine"])}


def print_unknown(projection: Projection, options: dict[str, Any]) -> int:
    """Print the values that no message and no session has, and those that are most like them.

    Returns:
        The exit code of a command that found nothing: `NOT_FOUND` if there is such a value.
    """
    with no_fork.turn:
        from projector.reading.unknown import unknown_filters  # noqa: PLC0415 - most searches find something

    return _print(unknown_filters(projection, options), "nothing")


def print_unused(projection: Projection, options: dict[str, str | None]) -> int:
    """Do the same for values that no usage has.

    Args:
        projection: the projection.
        options: arguments of `Projection.usage` that are groups of it, too.
    """
    with no_fork.turn:
        from projector.views.nearest import unknown  # noqa: PLC0415 - as above

    found = []
    for kind, name in options.items():
        given: dict[str, Any] = {kind: name}
        if name is None or projection.usage(**given).rows:
            continue
        by: Any = kind
        existing = [row.name for row in projection.usage(by=by).rows if row.name is not None]
        found.append(unknown(kind, name, existing))
    return _print(found, "no usage")


def _print(unknown: Sequence[UnknownValue], what: str) -> int:
    for value in unknown:
        known = ", ".join(map(one_line, value.nearest))
        rest = f"nearest: {known}" if value.is_like else f"there are: {known or 'none'}"
        print_line(f"{what} has the {value.kind} {one_line(value.name)!r}; {rest}", err=True)
    return NOT_FOUND if unknown else DONE
