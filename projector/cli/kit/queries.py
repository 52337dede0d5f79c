"""The options that say how a query is read, and which messages it finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, get_args

import click

from journal.cli.kit.names import Name
from projector.search.ordering.order import Sort

if TYPE_CHECKING:
    from collections.abc import Callable

    from projector.search.request import Mode

_OPTIONS = (
    click.option("--literal", is_flag=True, help="QUERY is found as it is typed, signs and all."),
    click.option("--regex", is_flag=True, help="QUERY is a regular expression (RE2)."),
    click.option(
        "--role", type=Name(), metavar="R", help="Only messages of this role; user: by people."
    ),
    click.option("--include-meta", is_flag=True, help="With --role user: by machines, too."),
    click.option("--include-replays", is_flag=True, help="Also where a fork repeats the message."),
    click.option(
        "--sort", type=click.Choice(get_args(Sort)), default="relevance", show_default=True
    ),
)
_NAMES = ("literal", "regex", "role", "include_meta", "include_replays", "sort")


@dataclass(frozen=True, slots=True)
class Asked:
    """How a query is read, and which messages it finds: arguments of `Projection.search`.

    Attributes:
        mode: how it is read.
        role: of the messages; None for all.
        include_meta: whether, with the role `user`, messages by machines are found, too.
        include_replays: whether a message is found also where a fork repeats it.
        sort: the order of the hits.
    """

    mode: Mode = "words"
    role: str | None = None
    include_meta: bool = False
    include_replays: bool = False
    sort: Sort = "relevance"

    def arguments(self) -> dict[str, Any]:
        """Return the arguments by their names."""
        return asdict(self)


def query_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that `take_asked` takes to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_asked(options: dict[str, Any]) -> Asked:
    """Take the options of `query_options` out of all options of a command.

    Raises:
        click.UsageError: two exclude each other.
    """
    given = {name: options.pop(name) for name in _NAMES}
    literal, regex = given.pop("literal"), given.pop("regex")
    if literal and regex:
        raise click.UsageError("--literal and --regex exclude each other")
    return Asked(mode="literal" if literal else "regex" if regex else "words", **given)
