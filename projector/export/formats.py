"""The formats that are installed: entry points of the group `projector.formats`.

An entry point names a `Format`. So a format can be in a package that this one must not import, or
in one of another author.
"""

from __future__ import annotations

from journal.cli.kit.plugins import PluginError, installed, load_plugin
from projector.errors import QueryError
from projector.export.conversation import Format

_GROUP = "projector.formats"


def names() -> tuple[str, ...]:
    """Return the names of the formats that are installed."""
    return tuple(installed(_GROUP)[0])


def format_named(name: str) -> Format:
    """Return a format.

    Raises:
        QueryError: none of this name is installed.
        PluginError: it cannot be loaded, or is no `Format`.
    """
    points, _ = installed(_GROUP)
    point = points.get(name)
    if point is None:
        known = ", ".join(points) or "none"
        raise QueryError(f"{name!r} is not an installed format (installed: {known})")
    found = load_plugin(point)
    if not isinstance(found, Format):
        raise PluginError(point, f"its type is {type(found).__name__}, not Format")
    return found
