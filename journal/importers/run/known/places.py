"""The names of conversations that are named by their paths, also where their files were moved.

Such a conversation has the name that its file had at its first import. A file at a new place is
compared with what earlier imports read of others, by content: if it is equal to one, it is a copy
of it, or the same file at a new place, and has its name. If it only begins so, it has that name if
the other is not among the files of this import: it was moved, and has grown. A copy that grows
beside the first file is a conversation of its own.

If its sessions were forgotten, the name is gone with them. A file that is equal to what was read
then, or begins so, is left out.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from journal.importers.files.lines import read_between
from journal.importers.files.location import location_of
from journal.importers.parsing.values import fingerprint
from journal.importers.run.ledger import is_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from journal.importers.files.walk import Source
    from journal.importers.formats import SourceFormat
    from journal.importers.run.ledger import Entry, Ledger

_HEAD = 4096
"""Bytes at the beginning of a file by which those that may be equal are found."""
_LEAST = 2
"""Messages that two files have in common if one continues the other: more begin with one prompt."""
_CLOSING = b"]} \t\r\n"
"""What is at the end of a JSON document, and stands behind more messages when it has grown."""
_CHUNK = 1 << 20


class Start(NamedTuple):
    """What an earlier import read of a file that names its conversation.

    Attributes:
        size: bytes from the beginning of the file; of a document, without the closing brackets.
        digest: 32 hex digits: blake2b of these.
        head: the same of the first `_HEAD` of them.
        messages: messages in them.
    """

    size: int
    digest: str
    head: str
    messages: int

    def packed(self) -> str:
        """Return it as the text in an entry."""
        return f"{self.size} {self.digest} {self.head} {self.messages}"

    @classmethod
    def unpack(cls, text: str) -> Start | None:
        """Parse the result of `packed`; anything else is None."""
        words = text.split(" ")
        try:
            return cls(int(words[0]), words[1], words[2], int(words[3]))
        except (IndexError, ValueError):
            return None  # an unreadable hint is ignored


class Place(NamedTuple):
    """Where the ids of a file come from.

    Attributes:
        name: the name of its conversations; empty if its own path gives it.
        entry: the entry of the source with these ids; None if it is read as a new one.
        is_equal: whether that source was at another place, and has no byte more or less.
        is_left_out: whether its sessions were forgotten: the entry is that of what was read then.
    """

    name: str = ""
    entry: Entry | None = None
    is_equal: bool = False
    is_left_out: bool = False


@dataclass(slots=True)
class Places:
    """The names that files gave their conversations.

    Attributes:
        ledger: how far each source was imported.
    """

    ledger: Ledger
    _heads: dict[tuple[str, str], list[tuple[Start, Entry]]] = field(
        default_factory=lambda: defaultdict(list)
    )  # by format and head
    _sizes: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))  # below _HEAD
    _there: set[str] = field(default_factory=set)
    _loaded: bool = False

    def begin(self, sources: Iterable[Source]) -> None:
        """Note the files of an import."""
        self._there.update(location_of(source.path).name for source in sources)

    def place(self, path: Path, format: SourceFormat, stream: BinaryIO) -> Place:
        """Return where the ids of a file come from.

        Args:
            path: the file.
            format: its format.
            stream: its bytes.
        """
        entry, own = self.ledger.read(path), location_of(path).name
        self._there.add(own)
        if entry is None or entry.format != format.name:
            found = self._like(format, stream)
            if found is None:
                return Place()
            return Place(found.place, found, _ends_at(stream, found), found.is_forgotten)
        if entry.place in {"", own}:
            # else another conversation took the place of the forgotten one
            return Place("", entry, is_left_out=entry.is_forgotten and _begins_as(stream, entry))
        is_same = _begins_as(stream, entry) and _ends_at(stream, entry)
        if entry.place in self._there and not is_same:
            return Place()  # a copy that has grown beside the first file
        return Place(entry.place, entry)

    def noted(
        self, entry: Entry, name: str, sessions: Iterable[str], messages: int, stream: BinaryIO
    ) -> Entry:
        """Return an entry with the name of its conversations, if these are named by the path.

        Args:
            entry: how far the file was imported.
            name: the name that its place gives.
            sessions: ids of the sessions in it.
            messages: messages in it.
            stream: its bytes.
        """
        if not any(is_of(id, name) for id in sessions):
            return entry
        if entry.digest:
            head = fingerprint(b"".join(read_between(stream, 0, min(entry.offset, _HEAD))))
            start = Start(entry.offset, entry.digest, head, messages)
        else:
            start = _start_of(stream, messages)
        entry = replace(entry, place=name, start=start.packed())
        if self._loaded:
            self._add(entry)
        return entry

    def _like(self, format: SourceFormat, stream: BinaryIO) -> Entry | None:
        """Return the entry of the longest beginning of a file that another one had."""
        if not self._loaded:
            self._loaded = True
            for name in self.ledger.names():
                entry = self.ledger.entry(name)
                if entry is not None:
                    self._add(entry)
        stream.seek(0)
        head = stream.read(_HEAD)
        sizes = [size for size in self._sizes.get(format.name, ()) if size <= len(head)]
        marks = {fingerprint(head[:size]) for size in sizes} | {fingerprint(head)}
        found = [it for mark in marks for it in self._heads.get((format.name, mark), ())]
        digests = _digests(stream, {start.size for start, _ in found}) if found else {}
        for start, entry in sorted(found, key=_size_of, reverse=True):
            if digests.get(start.size) != start.digest:
                continue
            has_moved = entry.place not in self._there and start.messages >= _LEAST
            if has_moved or _ends_at(stream, entry):
                return entry
        return None

    def _add(self, entry: Entry) -> None:
        start = Start.unpack(entry.start)
        if start is None or not (entry.place or entry.is_forgotten):
            return
        self._heads[entry.format, start.head].append((start, entry))
        if start.size < _HEAD:
            self._sizes[entry.format].add(start.size)


def _size_of(found: tuple[Start, Entry]) -> int:
    return found[0].size


def _begins_as(stream: BinaryIO, entry: Entry) -> bool:
    """Return whether a file begins with what an import has read of one that had a place."""
    start = Start.unpack(entry.start)
    return start is not None and _digests(stream, [start.size]) == {start.size: start.digest}


def _ends_at(stream: BinaryIO, entry: Entry) -> bool:
    """Return whether a file has no more bytes than an import has read of another one."""
    stream.seek(entry.offset)
    return not stream.read(1)


def _digests(stream: BinaryIO, sizes: Iterable[int]) -> dict[int, str]:
    """Return the checksums of the first bytes of a file, of as many as it has."""
    found: dict[int, str] = {}
    digest, at = hashlib.blake2b(digest_size=16), 0
    for size in sorted(sizes):
        for chunk in read_between(stream, at, size):
            digest.update(chunk)
            at += len(chunk)
        if at == size:
            found[size] = digest.hexdigest()
    return found


def _start_of(stream: BinaryIO, messages: int) -> Start:
    """Return what was read of a document."""
    digest, size, head, waiting = hashlib.blake2b(digest_size=16), 0, b"", b""
    stream.seek(0)
    while chunk := stream.read(_CHUNK):
        chunk = waiting + chunk
        kept = chunk.rstrip(_CLOSING)
        waiting = chunk[len(kept) :]
        head += kept[: _HEAD - len(head)]
        digest.update(kept)
        size += len(kept)
    return Start(size, digest.hexdigest(), fingerprint(head), messages)
