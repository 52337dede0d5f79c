"""Files that tools touched, by their paths or the last parts of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projector.db.tags import of_file
from projector.fold.facets import SUFFIXES, parts, reverse, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

ENDING = "kind = 'file' AND reversed >= ? AND reversed < ?"
"""Condition on a row of `_facet_values`: a file whose path ends with parts (`ending`)."""


def ending(path: str) -> tuple[str, str]:
    """Return the bound values of `ENDING` for the last parts of paths."""
    begin = reverse(path)
    return begin, f"{begin}\U0010ffff"


def relative(path: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to divide an absolute path into a working directory and a path in it."""
    names = parts(path)
    for at in range(1, len(names)):
        yield "/" + "/".join(names[:at]), "/".join(names[at:])


def ending_tags(db: apsw.Connection, path: str) -> list[str]:
    """Return the tags of calls that name a file by the last parts of its path."""
    names = parts(path)
    if len(names) <= SUFFIXES:
        return [of_file("/".join(names))] if names else []
    found = db.execute(f"SELECT name FROM _facet_values WHERE {ENDING}", ending(path))
    return list(dict.fromkeys(of_file(whole(str(name))) for (name,) in found))
