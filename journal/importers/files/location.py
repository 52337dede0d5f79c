"""The location of a source, from which ids are made."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from journal.importers.files.walk import shown, stem_of
from journal.importers.parsing.parser import Location

if TYPE_CHECKING:
    from pathlib import Path


def location_of(path: Path) -> Location:
    """Return the parts of a path from which ids are made if the source has none."""
    resolved = path.resolve()
    mark = hashlib.blake2b(os.fsencode(resolved), digest_size=4).hexdigest()
    folders = tuple(shown(folder.name) for folder in resolved.parents[:2])
    return Location(shown(stem_of(resolved)), folders, mark)
