"""Plug-ins: what installed packages add to a command, as entry points of a group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from journal.process.entry_points import Unloadable, find, find_again, load_object, origin

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
    return _refuse(*find(group))


def installed_again(group: str) -> tuple[dict[str, EntryPoint], list[PluginError]]:
    """Look once more for a name that `installed` did not return.

    Raises:
        click.ClickException: the entry points of this project cannot be read.
    """
    try:
        return _refuse(*find_again(group))
    except Unloadable as error:
        raise click.ClickException(str(error)) from error


def _refuse(
    used: dict[str, EntryPoint], others: list[EntryPoint]
) -> tuple[dict[str, EntryPoint], list[PluginError]]:
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
