"""How far each source was imported: a hint that saves appending the same events again.

`<journal>/imports/<32 hex digits>.json`, one small file a source, named by the source's path. It is
written only when the imported events are durable, and is used only while the source still begins
with the same bytes. Losing it causes duplicates, which change nothing. So entries wait for a
moment, and one sync of the journal serves those of many sources.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from dataclasses import asdict, dataclass, field, fields, replace
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO

import orjson

from journal.errors import ImportFailed
from journal.fs import disk
from journal.fs.files import make_folder, swap_file, swap_hint, sweep_drafts, sync_folder
from journal.fs.ownership import read_own
from journal.importers.files.lines import read_between
from journal.importers.files.walk import COMPRESSED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from journal.importers.files.walk import Source
    from journal.importers.formats import SourceFormat

_NOTED = 256
_WAIT = 1.0
"""Entries that wait for a sync at most, and seconds for which the first of them waits."""
_MOST = 256 * 1024 * 1024
"""Maximum bytes of an entry: it has the marks of a whole database."""
ENTRY = re.compile(r"[0-9a-f]{32}\.json")  # the name of an entry


@dataclass(frozen=True, slots=True)
class Entry:
    """How far one source was imported.

    It does not name the source, because a user may want to forget the name of a file. It names the
    sessions in it until they are forgotten, so that an import can mark those whose source vanished.

    Attributes:
        format: the format of the import.
        parser: the version of the format, `SourceFormat.version`.
        lines: finished lines (of a document: pieces, of a database: rows) whose events are in
            the journal.
        offset: bytes of these lines, or of the document; 0 for a database.
        digest: 32 hex digits: blake2b of these bytes; empty for a document or a database.
        marks: of lines, what is still missing of them; of a document, `Fingerprints.packed` of its
            events that are in the journal; of a database, `KnownState.packed`.
        state: of the file when it was read, as `watched.settled_state`: while it is the same,
            nothing is new; empty if another import must read the file.
        folders: `folder_mark` of each folder above the source, the innermost first.
        sessions: ids of the sessions that the source has, sorted, each ended by a newline.
        place: the name that the source's place, or an earlier one, gave its sessions; empty if they
            have ids of their own.
        start: with a place, or one that was forgotten, `places.Start.packed` of what was read.
        is_forgotten: whether the sessions that a place named were forgotten, with its name.
    """

    format: str
    parser: int
    lines: int
    offset: int
    digest: str
    marks: str = ""
    state: str = ""
    folders: str = ""
    sessions: str = ""
    place: str = ""
    start: str = ""
    is_forgotten: bool = False

    @property
    def session_ids(self) -> frozenset[str]:
        """The ids of the sessions that the source has."""
        return frozenset(self.sessions.split("\n")[:-1])

    @property
    def messages(self) -> int:
        """The messages in a source that has a place, or had one; 0 for another one."""
        return int(self.start.rpartition(" ")[2] or 0)

    def having(self, source: Path, sessions: Iterable[str]) -> Entry:
        """Return the entry with the folders of its source, and the sessions in that.

        Args:
            source: its resolved path.
            sessions: their ids.
        """
        folders = " ".join(folder_mark(os.fspath(folder)) for folder in source.parents)
        ids = "".join(f"{id}\n" for id in sorted(sessions))
        return replace(self, folders=folders, sessions=ids)

    def without(self, is_forgotten: Callable[[str], bool]) -> Entry:
        """Return the entry without the ids of forgotten sessions."""
        left = [id for id in sorted(self.session_ids) if not is_forgotten(id)]
        entry = replace(self, sessions="".join(f"{id}\n" for id in left))
        is_same = not self.place or len(left) == len(self.session_ids)
        if is_same or any(is_of(id, self.place) for id in left):
            return entry
        # without the hash in `start` the file would be a new conversation where it is moved
        return replace(entry, place="", is_forgotten=True)


def is_of(session: str, place: str) -> bool:
    """Return whether the name that a place gives is in the id of a session."""
    return session == place or session.startswith((f"{place}-", f"{place}:"))


@dataclass(slots=True)
class Ledger:
    """The entries of one journal.

    Attributes:
        folder: the folder of their files.
        sync: makes the events that were appended durable.
    """

    folder: Path
    sync: Callable[[], None] = lambda: None
    _noted: dict[Path, Entry] = field(default_factory=dict)  # by file
    _due: float = 0.0  # by time.monotonic: when they are written

    def read(self, source: Path) -> Entry | None:
        """Return the entry of a source; None if there is none that can be read."""
        file = self._file(source)
        return self._noted.get(file) or _decode(_content(file))

    def known(self, source: Path, format: SourceFormat, stream: BinaryIO) -> Entry | None:
        """Return the entry of a source if the source still begins with the imported bytes."""
        return self.matching(self.read(source), format, stream)

    def matching(self, entry: Entry | None, format: SourceFormat, stream: BinaryIO) -> Entry | None:
        """Return an entry if a source begins with the bytes that were imported with it."""
        if entry is None or (entry.format, entry.parser) != (format.name, format.version):
            return None
        return entry if digest_of(stream, entry.offset) == entry.digest else None

    def check_format(self, source: Path, format: str, stream: BinaryIO) -> None:
        """Refuse to import a source, the beginning of which was imported as another format.

        Its entry would be replaced, and the next import as the right format would append everything
        again.

        Raises:
            ImportFailed: it was.
        """
        entry = self.read(source)
        if entry is None or not entry.offset or entry.format == format:
            return
        if digest_of(stream, entry.offset) == entry.digest:
            raise ImportFailed(
                f"was imported as {entry.format} before, and does not look like {format}; import it"
                f" as {entry.format}, or with auto"
            )

    def note(self, source: Path, entry: Entry) -> None:
        """Replace the entry of a source: now, or with those of the next sources.

        Raises:
            JournalError: as `write`.
        """
        if not self._noted:
            self._due = monotonic() + _WAIT
        self._noted[self._file(source)] = entry
        if len(self._noted) >= _NOTED or monotonic() >= self._due:
            self.write()

    def write(self) -> None:
        """Write the entries that wait, each in one step, when their events are durable.

        Raises:
            ImportFailed: the file system refused; the next import reads their sources again.
            JournalError: the events could not be made durable, and no entry was written.
        """
        noted, self._noted = self._noted, {}
        if not noted:
            return
        self.sync()
        try:
            make_folder(self.folder)
            for file, entry in noted.items():
                swap_hint(file, _encode(entry))
        except OSError as error:
            why = error.strerror or str(error)
            raise ImportFailed(
                f"the messages are imported, but {self.folder} cannot be written: {why}"
            ) from error

    def prune(self, formats: Iterable[SourceFormat], is_forgotten: Callable[[str], bool]) -> None:
        """Remove names of sources and of forgotten sessions; keep the offsets of sources.

        An entry that this program cannot read is removed: its source is imported again.

        Args:
            formats: the formats that are installed.
            is_forgotten: returns whether a session was forgotten, given its id.

        Raises:
            OSError: the file system refused.
        """
        prunes = {format.name: format.prune for format in formats if format.database is not None}
        for file in self._entries():
            content = _content(file)
            entry = _decode(content)
            if entry is None:
                with contextlib.suppress(FileNotFoundError):  # another process does the same
                    disk.in_use.unlink(file)
                continue
            if entry.format in prunes:
                prune = prunes[entry.format]
                marks = "" if prune is None else prune(entry.marks, is_forgotten)
                entry = replace(entry, marks=marks)
            entry = entry.without(is_forgotten)
            if (pruned := _encode(entry)) != content:  # there can be thousands of files
                swap_file(file, pruned)
        with contextlib.suppress(FileNotFoundError):
            sync_folder(self.folder)

    def _entries(self) -> list[Path]:
        try:
            names = sorted(os.listdir(self.folder))
        except FileNotFoundError:  # nothing was imported
            return []
        return [self.folder / name for name in names if ENTRY.fullmatch(name)]

    def names(self) -> set[str]:
        """Return the names of all entries; see `name_of`."""
        return {file.name for file in self._entries()}

    def unknown(self, sources: Iterable[Source]) -> list[Source]:
        """Return the sources that have no entry."""
        names = self.names()
        return [it for it in sources if self.name_of(os.fspath(it.real)) not in names]

    def entry(self, name: str) -> Entry | None:
        """Return the entry of a name; None if there is none that can be read."""
        return _decode(_content(self.folder / name))

    def remove(self, names: Iterable[str]) -> None:
        """Remove entries: their sources are not there any more.

        Raises:
            OSError: the file system refused.
        """
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # another process does the same
                disk.in_use.unlink(self.folder / name)

    def name_of(self, path: str) -> str:
        """Return the name of the entry of a source, given its resolved path."""
        # a rollout is compressed after some days, and has the same lines then
        raw = os.fsencode(path).removesuffix(COMPRESSED.encode())
        return f"{hashlib.blake2b(raw, digest_size=16).hexdigest()}.json"

    def sweep(self) -> None:
        """Remove the temporary files of an import that was killed."""
        with contextlib.suppress(FileNotFoundError):
            sweep_drafts(self.folder)

    def _file(self, source: Path) -> Path:
        return self.folder / self.name_of(os.fspath(source.resolve()))


def folder_mark(path: str) -> str:
    """Return the hash by which an entry knows a folder, given its resolved path."""
    return hashlib.blake2b(os.fsencode(path), digest_size=8).hexdigest()


def _content(file: Path) -> bytes:
    try:
        return read_own(file, _MOST)
    except OSError:
        return b""  # an unreadable hint is ignored


def _decode(content: bytes) -> Entry | None:
    """Return an entry; None if it is torn, or another program wrote it."""
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    if isinstance(found, dict):
        found.setdefault("state", "")
        if "sessions" not in found:  # of an earlier version: the next import reads the source
            found |= {"state": "", "folders": "", "sessions": ""}
            found.pop("path", None)  # the first versions stored the name of the source
        if "place" not in found:  # likewise: then its name is known
            found |= {"state": "", "place": "", "start": ""}
        found.setdefault("is_forgotten", False)
    kinds = {field.name: field.type for field in fields(Entry)}
    if not isinstance(found, dict) or found.keys() != kinds.keys():
        return None
    if any(type(found[name]).__name__ != kind for name, kind in kinds.items()):
        return None
    return Entry(**found)


def _encode(entry: Entry) -> bytes:
    found = asdict(entry)
    if not entry.is_forgotten:  # an entry of an earlier version stays as it is
        del found["is_forgotten"]
    return orjson.dumps(found) + b"\n"


def digest_of(stream: BinaryIO, size: int) -> str:
    """Return the checksum of a file's first bytes."""
    digest = hashlib.blake2b(digest_size=16)
    for chunk in read_between(stream, 0, size):
        digest.update(chunk)
    return digest.hexdigest()
