"""Entry points: what installed packages offer, and how one of them is imported.

The packages are of other authors: an error at the import of one must not affect the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.process.loading import load

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_PACKAGE = "agent-journal"
_FILE = "entry_points.txt"
_OWN = ("journal.", "projector.")
"""The modules of this project begin so."""


class Unloadable(Exception):  # noqa: N818 - reads as a state
    """An entry point cannot be loaded; the message is the reason."""


def find(group: str) -> tuple[dict[str, EntryPoint], list[EntryPoint]]:
    """Return the entry points of a group by name, and those whose name another one has.

    Those of this project come first: no other package can replace one of them.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415 - few commands need it

    used: dict[str, EntryPoint] = {}
    refused = []
    for point in sorted(set(entry_points(group=group)), key=_sort_key):
        if point.name in used:
            refused.append(point)
        else:
            used[point.name] = point
    return used, refused


def find_again(group: str) -> tuple[dict[str, EntryPoint], list[EntryPoint]]:
    """Look once more, because a name was not found: what cannot be read is passed over silently.

    Raises:
        Unloadable: the entry points of this project cannot be read.
    """
    import importlib  # noqa: PLC0415 - same
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415 - same

    importlib.invalidate_caches()  # a folder that could not be listed counts as empty
    try:
        own = distribution(_PACKAGE)
    except PackageNotFoundError:  # it runs from its sources
        return find(group)
    if own.read_text(_FILE) is None:
        raise Unloadable(
            f"{_FILE} of the package {_PACKAGE} cannot be read, so that not all commands are known:"
            f" check the permissions in {own.locate_file('')}"
        )
    return find(group)


def load_object(point: EntryPoint) -> object:
    """Import what an entry point names.

    Raises:
        Unloadable: its value has the wrong form, or its package raised an error at import.
        KeyboardInterrupt: there was a Ctrl-C.
    """
    if point.pattern.match(point.value) is None:
        raise Unloadable("its value must have the form 'module:name'")
    try:
        load(point.module)
        return point.load()
    except KeyboardInterrupt:
        raise
    # a package that calls sys.exit(), or raises any other BaseException, must not end this program
    except BaseException as error:
        raise Unloadable(f"{type(error).__name__}: {error}") from error


def origin(point: EntryPoint) -> str:
    """Return the value of an entry point, and its package."""
    package = f" of the package {point.dist.name} {point.dist.version}" if point.dist else ""
    return f"{point.value}{package}"


def _sort_key(point: EntryPoint) -> tuple[bool, str, str]:
    return (not point.value.startswith(_OWN), point.name, point.value)
