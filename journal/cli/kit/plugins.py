"""Plug-ins: what installed packages add to a command, as entry points of a group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from journal.process.entry_points import Unloadable, find, load_object, origin

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class PluginError(click.ClickException):
    """A plug-in cannot be loaded, or is not what its group needs. The exit code is 1.

    Attributes:
        point: the entry point.
    """

    def __init__(self, point: EntryPoint, why: str) -> None:
        super().__init__(
            f"the plug-in {point.name!r} ({origin(point)}) cannot be used: {why};"
            " update or uninstall the package"
        )
        self.point = point


def installed(group: str) -> tuple[dict[str, EntryPoint], list[PluginError]]:
    """Return the entry points of a group by name, sorted, and an error for each that is not used.

    Of two with the same name, that of this project counts, else that with the first value.
    """
    used, others = find(group)
    refused = [
        PluginError(point, f"{used[point.name].value} has the same name and is used")
        for point in others
    ]
    return dict(sorted(used.items())), refused


def load_plugin(point: EntryPoint) -> object:
    """Import what an entry point names.

    Raises:
        PluginError: it cannot be imported.
    """
    try:
        return load_object(point)
    except Unloadable as error:
        raise PluginError(point, str(error)) from error
