"""The location of a source, from which ids are made, and the small files beside it."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from contextlib import suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from journal.importers.files.decode import BadLine, decode
from journal.importers.files.walk import shown, stem_of
from journal.importers.parsing.parser import Location

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from journal.importers.parsing.values import Json

_FOLDERS = 4
"""Folders above a file that a location names."""
_TEXT = 64 * 1024
"""Bytes of a text beside a source that are read."""
_BESIDE = 64 * 1024 * 1024
"""Maximum bytes of a file beside a source."""


def location_of(path: Path, first_name: str = "") -> Location:
    """Return the parts of a path from which ids are made if the source has none.

    Args:
        path: the path.
        first_name: the name that an earlier place of the file gave; empty if there is none.
    """
    resolved = path.resolve()
    mark = hashlib.blake2b(os.fsencode(resolved), digest_size=4).hexdigest()
    folders = tuple(shown(folder.name) for folder in resolved.parents[:_FOLDERS])
    try:
        modified = resolved.stat().st_mtime_ns // 1000
    except OSError:
        modified = None  # it was deleted: opening it reports that
    beside = partial(_read_beside, resolved.parent)
    listed = partial(_list_beside, resolved.parent)
    grouped = partial(_group_beside, resolved.parent)
    index = partial(_index_beside, resolved.parent)
    text = partial(_text_beside, resolved.parent)
    stem = shown(stem_of(resolved))
    places = (stem, folders, mark, modified)
    return Location(*places, beside, listed, grouped, index, first_name, text)


def _read_beside(folder: Path, name: str) -> Json:
    try:
        with (folder / name).open("rb") as file:
            raw = file.read(_BESIDE + 1)
        return decode(raw)[0] if len(raw) <= _BESIDE else None
    except (OSError, BadLine):
        return None  # it is written later, or at the moment: the source is read without it


def _text_beside(folder: Path, name: str) -> str:
    try:
        with (folder / name).open("rb") as file:
            return file.read(_TEXT).decode("utf-8", "replace")
    except OSError:
        return ""  # as above


def _list_beside(folder: Path, name: str) -> list[str]:
    try:
        return sorted(os.listdir(folder / name))
    except OSError:
        return []  # it is written later: the source is read without it


def _group_beside(folder: Path, name: str, field: str) -> Mapping[str, list[str]]:
    try:
        changed = (folder / name).stat().st_mtime_ns
    except OSError:
        return {}
    return _grouped(folder / name, field, changed)


@lru_cache(maxsize=1)
def _grouped(folder: Path, field: str, _changed: int) -> Mapping[str, list[str]]:
    """Return the names of the files in a folder by a field; each file is read once for them all."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in _list_beside(folder, "."):
        value = _read_beside(folder, name) if name.endswith(".json") else None
        text = value.get(field) if isinstance(value, dict) else None
        if isinstance(text, str):
            found[text].append(name)
    return found


def _index_beside(folder: Path, name: str, field: str) -> Mapping[str, dict[str, Json]]:
    try:
        found = (folder / name).stat()
    except OSError:
        return {}
    return _index(folder, name, field, (found.st_mtime_ns, found.st_size))


@lru_cache(maxsize=4)
def _index(
    folder: Path, name: str, field: str, _changed: tuple[int, int]
) -> Mapping[str, dict[str, Json]]:
    """Return the entries of an index by a field; it is read once for all sessions in it."""
    entries = _lines_beside(folder, name) if name.endswith(".jsonl") else _read_beside(folder, name)
    if isinstance(entries, dict):
        entries = entries.get("entries", list(entries.values()))
    found: dict[str, dict[str, Json]] = {}
    for entry in entries if isinstance(entries, list) else ():
        text = entry.get(field) if isinstance(entry, dict) else None
        if isinstance(text, str):
            found[text] = entry
    return found


def _lines_beside(folder: Path, name: str) -> list[Json]:
    try:
        with (folder / name).open("rb") as file:
            raw = file.read(_BESIDE)
    except OSError:
        return []
    found: list[Json] = []
    for line in raw.splitlines():
        with suppress(BadLine):  # one that its program writes at the moment
            found.append(decode(line)[0])
    return found
