"""The commands of a program by name; the module of one is imported when the command is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import cast

import click

from journal.cli.kit.output import print_line
from journal.cli.kit.plugins import PluginError, installed, installed_again, load_plugin
from journal.process.loading import load


class Commands(MutableMapping[str, click.Command]):
    """The commands of a click group.

    Args:
        modules: the name of each command, and the module that holds it as `command`.
        plugins: group of entry points that name further commands. They are looked up for a name
            that is not in `modules`, and to list all names. Where several packages have a command
            of one name, a warning names those that are not used.
    """

    def __init__(self, modules: Mapping[str, str], plugins: str | None = None) -> None:
        self._modules = dict(modules)
        self._plugins = plugins
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> click.Command:
        if name in self._modules:
            return cast("click.Command", load(self._modules[name]).command)
        if self._plugins is None:
            raise KeyError(name)
        points, refused = installed(self._plugins)
        if name not in points:
            points, refused = installed_again(self._plugins)
        point = points[name]
        for other in refused:
            if other.point.name == name:
                print_line(f"warning: {other.format_message()}", err=True)
        try:
            command = load_plugin(point)
        except PluginError as error:
            return _Broken(name, error)
        if not isinstance(command, click.Command):
            why = f"its type is {type(command).__name__}, not click.Command"
            return _Broken(name, PluginError(point, why))
        return command

    def __iter__(self) -> Iterator[str]:
        further = () if self._plugins is None else installed(self._plugins)[0]
        return iter(dict.fromkeys((*self._modules, *self._loaded, *further)))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]


class _Broken(click.Command):
    """A plug-in that cannot be loaded: `--help` of the group names it, and to use it fails."""

    def __init__(self, name: str, error: PluginError) -> None:
        super().__init__(name, short_help="(cannot be loaded; run it to see why)")
        self._error = error

    def make_context(self, *_: object, **__: object) -> click.Context:
        """Fail.

        Raises:
            PluginError: always.
        """
        raise self._error
