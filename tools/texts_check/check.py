"""Checks sources: reads their raw files, imports them, and compares both."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tools.texts_check.compare import Counts, Found, compare
from tools.texts_check.imported import imported
from tools.texts_check.raw_files import RawFile
from tools.texts_check.readers import READERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tools.texts_check.pieces import Piece
    from tools.texts_check.readers.reader import Reader

    Numbered = list[tuple[int, Piece]]
    Claimed = tuple[RawFile, Reader]


@dataclass(slots=True)
class Checked:
    """The result for one source.

    Attributes:
        name: name of the source's format.
        files: raw files that its reader knows.
        versions: versions of the program or of the format that the raw files name.
        sessions: sessions of the raw files.
        messages: messages of the journal.
        conflicts: conflicts of the import.
        errors: files that the import could not read, or does not know, and why.
        counts: the counts of the comparison.
    """

    name: str
    files: int
    versions: set[str] = field(default_factory=set)
    sessions: int = 0
    messages: int = 0
    conflicts: int = 0
    errors: dict[str, str] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)


def find_files(paths: Iterable[Path], folder: Path) -> Iterator[RawFile]:
    """Yield the files of folders; a dump of a database (`*.sql`) is loaded into one in `folder`."""
    for path in paths:
        for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if each.suffix == ".sql":
                yield RawFile(_load(each, folder))
            elif each.is_file():
                yield RawFile(each)


def assign(files: Iterable[RawFile]) -> tuple[dict[str, list[Claimed]], list[Path]]:
    """Return the files of each source with their readers, and the files that no reader claims."""
    claimed: dict[str, list[Claimed]] = defaultdict(list)
    unclaimed = []
    for file in files:
        reader = next((each for each in READERS if each.claims(file)), None)
        if reader is None:
            unclaimed.append(file.path)
        else:
            claimed[reader.name].append((file, reader))
    return claimed, unclaimed


def check(name: str, files: Sequence[Claimed]) -> Checked:
    """Read the raw files of one source, import them, and compare both."""
    checked = Checked(name, len(files))
    raw, places = _sessions(files, checked)
    found = imported([file.path for file, _ in files])
    checked.sessions, checked.messages = len(raw), found.messages
    checked.conflicts = found.report.conflicts
    checked.errors = dict(found.report.errors)
    checked.errors |= dict.fromkeys(found.report.unknown, "is of no known format")
    grouped: dict[str, Numbered] = defaultdict(list)
    for session, own in _resolve(raw, found.sessions).items():
        grouped[own] += raw[session]
    for session, pieces in grouped.items():
        numbers = {number for number, _ in pieces}
        inside = [each for each in places if not numbers.isdisjoint(each)]
        compare(session, pieces, found.sessions.get(session, Found()), checked.counts, inside)
    for session in found.sessions.keys() - grouped.keys():
        compare(session, [], found.sessions[session], checked.counts)
    return checked


def _load(path: Path, folder: Path) -> Path:
    database = folder / f"{path.stem}-{len(list(folder.iterdir()))}" / f"{path.stem}.db"
    database.parent.mkdir(mode=0o700)
    connection = sqlite3.connect(database)
    connection.executescript(path.read_text(encoding="utf-8"))
    connection.close()
    return database


def _sessions(
    files: Sequence[Claimed], checked: Checked
) -> tuple[dict[str, Numbered], list[dict[int, int]]]:
    """Return the pieces of each session, and the place of each item in each file.

    An item that several files have counts once.
    """
    items: dict[tuple[str, str, tuple[Piece, ...]], int] = {}
    sessions: dict[str, Numbered] = defaultdict(list)
    places: list[dict[int, int]] = []
    for file, reader in files:
        of_file: dict[int, int] = {}
        places.append(of_file)
        for item in reader.read(file):
            key = (item.session, item.key, item.pieces)
            if (number := items.get(key)) is None:
                number = items[key] = len(items)
                pieces = sessions[item.session]
                pieces += [(number, piece) for piece in item.pieces if piece.text.strip()]
            of_file.setdefault(number, len(of_file))
            if any(char.isdigit() for char in item.version):  # fixtures have others
                checked.versions.add(item.version)
    return sessions, places


def _resolve(raw: dict[str, Numbered], found: dict[str, Found]) -> dict[str, str]:
    """Return the journal's ids of the sessions of raw files.

    An importer may lengthen an id that is unique in one file only, and must make one where the raw
    file has none. Of several candidates the one with the most texts in common is it.
    """
    resolved = {session: session for session in raw if session in found}
    texts = {name: {each.text.strip() for _, each in one.pieces} for name, one in found.items()}
    for session, pieces in raw.items():
        if session in resolved:
            continue
        left = texts.keys() - set(resolved.values())
        named = [name for name in left if session in name]
        wanted = {piece.text.strip() for _, piece in pieces}
        shared = {name: len(wanted & texts[name]) for name in named or left}
        best = max(shared, key=lambda name: (shared[name], name), default=session)
        resolved[session] = best if named or 2 * shared.get(best, 0) >= len(wanted) else session
    return resolved
