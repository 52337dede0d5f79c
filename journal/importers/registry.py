"""Finds the sources that are installed: entry points of the group `journal.importers`."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING

from journal.errors import ImportFailed
from journal.importers.formats import SourceFormat
from journal.process.entry_points import Unloadable, find, load_object, origin

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "journal.importers"
AUTO = "auto"
"""The name in place of a format: the format of each file is detected."""


@dataclass(frozen=True, slots=True)
class Installed:
    """The sources that are installed.

    Attributes:
        formats: those that can be loaded, in the order in which they are tried on a file.
        broken: why the others cannot be loaded, by name.
    """

    formats: tuple[SourceFormat, ...]
    broken: dict[str, str]

    @property
    def names(self) -> list[str]:
        """The names that a user may give, those of broken ones among them."""
        return [AUTO, *sorted({format.name for format in self.formats} | self.broken.keys())]

    def unused(self, name: str) -> list[str]:
        """Return why importers of other packages with this name are not used."""
        return [why for key, why in self.broken.items() if key.startswith(f"{name} (")]

    def databases(self, file: str) -> list[SourceFormat]:
        """Return the formats of databases; those whose files have a name like this one first."""
        found = [format for format in self.formats if format.database is not None]
        return sorted(found, key=lambda found: not _has_name(found, file))

    def find(self, name: str) -> SourceFormat | None:
        """Return the source of a name; None if it is not installed or cannot be loaded."""
        return next((format for format in self.formats if format.name == name), None)

    def named(self, name: str) -> SourceFormat:
        """Return the source of a name.

        Raises:
            ImportFailed: it cannot be loaded, or is not installed.
        """
        format = self.find(name)
        if format is not None:
            return format
        why = self.broken.get(name, f"is not installed; there are {', '.join(self.names)}")
        raise ImportFailed(f"the importer {name!r} {why}")


@cache
def installed() -> Installed:
    """Load the declarations of the installed sources, but none of their parsers.

    Raises:
        ImportFailed: none is installed.
    """
    formats: dict[str, SourceFormat] = {}
    broken: dict[str, str] = {}
    used, refused = find(GROUP)
    if reserved := used.pop(AUTO, None):
        broken[f"{AUTO} ({reserved.value})"] = (
            f"of {origin(reserved)} cannot be used: {AUTO!r} is no name of a format"
        )
    for point in used.values():
        try:
            formats[point.name] = _load(point)
        except Unloadable as error:
            broken[point.name] = (
                f"of {origin(point)} cannot be loaded: {error}; upgrade or uninstall that package"
            )
    for point in refused:
        why = f"is brought by two packages; {origin(point)} is not used"
        broken[f"{point.name} ({point.value})"] = why
    if not formats:
        raise ImportFailed("no importers are installed; install the package agent-journal again")
    ordered = sorted(formats.values(), key=lambda found: (found.generic, found.name))
    return Installed(tuple(ordered), broken)


def _has_name(format: SourceFormat, file: str) -> bool:
    return any(fnmatchcase(file, pattern) for pattern in format.files)


def _load(point: EntryPoint) -> SourceFormat:
    found = load_object(point)
    if not isinstance(found, SourceFormat):
        raise Unloadable(f"{point.value} is a {type(found).__name__}, not a SourceFormat")
    if found.name != point.name:
        raise Unloadable(f"its format is named {found.name!r}")
    return found
