"""Plug-ins: what installed packages add to a command, as entry points of a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from journal.process.loading import load

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class PluginError(click.ClickException):
    """A plug-in cannot be loaded, or is not what its group needs. The exit code is 1."""

    def __init__(self, point: EntryPoint, why: str) -> None:
        package = f" of the package {point.dist.name} {point.dist.version}" if point.dist else ""
        super().__init__(
            f"the plug-in {point.name!r} ({point.value}{package}) cannot be used: {why};"
            " update or uninstall the package"
        )


def installed(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group by name, sorted.

    Of two with the same name, the first on the import path counts, as for modules.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415 - few commands need it

    points: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        points.setdefault(point.name, point)
    return dict(sorted(points.items()))


def load_plugin(point: EntryPoint) -> Any:  # noqa: ANN401 - whatever the package says
    """Import what an entry point names.

    Raises:
        PluginError: it cannot be imported.
    """
    try:
        load(point.module)
        return point.load()
    except Exception as error:  # a package of somebody else can fail in any way
        raise PluginError(point, f"{type(error).__name__}: {error}") from error
