"""The keys and contents in a journal: what it has is not appended again, and conflicts are counted.

Each event has two marks of eight bytes: one of its key, one of its key and content. A redacted one
has another, of its key and its content with all marks alike; an imported one has another, of its
key and what imported it. The lanes are read when an import appends its first event; the marks, and
those of sessions that are gone, are kept in `<journal>/imports/keys`, so that the next import reads
only new records. The file is a hint like those of the ledger.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from journal.format.record import Record
from journal.format.scan import Damage
from journal.fs.files import make_folder, swap_file
from journal.fs.key_file import read_keys
from journal.fs.ownership import open_own
from journal.importers.run.gone.known import KnownGone
from journal.importers.run.known.event_marks import (
    PROVISIONAL,
    mark_of,
    marked_key,
    marks_of,
    masked_marks,
    original_content,
    plain_content,
    scope_of,
    written_by,
)
from journal.importers.run.known.marks import MERGED, Marks
from journal.importers.run.known.unsure import sync_segment
from journal.segments.gone import repeat_if_gone
from journal.segments.listing import list_segments
from journal.segments.progress import Progress
from journal.segments.reader import read_segment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from journal.format.keyed_hash import Key
    from journal.format.redacted import Redacted
    from journal.importers.run.known.event_marks import EventMarks
    from journal.importers.run.known.forms import Forms
    from journal.segments.listing import SegmentRef

_VERSION = 6
_NEWER = 32
"""Versions of an importer after this one that are searched for: it must not correct those."""
_SAVED = 16
"""The file is rewritten when it lacks a sixteenth of its marks, or MERGED / 16 marks."""
_WORTH = 16 * 1024 * 1024
"""Bytes of records that were read: then it is rewritten, too, so that they are read once."""


@dataclass(frozen=True, slots=True)
class Origin:
    """An importer.

    Attributes:
        name: the name of its format.
        version: the version of that.
    """

    name: str
    version: int


@dataclass(slots=True)
class KnownKeys:
    """The keys and contents of one journal.

    Attributes:
        lanes: the folder of its lanes.
        file: the file of the marks.
        forms: the forms in which the journal may have an event; None if it is looked for only as
            it is, and by its original.
        gone: the sessions that are marked as gone.
    """

    lanes: Path
    file: Path
    forms: Forms | None = None
    gone: KnownGone = field(default_factory=KnownGone)
    _keys: Marks = field(default_factory=Marks)
    _contents: Marks = field(default_factory=Marks)
    _read: dict[str, list[int]] = field(default_factory=dict)  # segment: inode, bytes read
    _hash_keys: tuple[Key, ...] = ()
    _scopes: set[str] = field(default_factory=set)  # of the masked marks
    _saved: int = 0
    _bytes: int = 0  # that were read since
    _loaded: bool = False

    def load(self) -> None:
        """Read the keys of the journal, once, before this import appends anything.

        Raises:
            ReadError: a lane cannot be read, or the disk refuses to sync it.
        """
        if self._loaded:
            return
        self._loaded = True
        self._load()
        self._saved = len(self._contents)
        repeat_if_gone(self._read_all)

    def _read_all(self) -> None:
        refs = list_segments(self.lanes)
        if not self._has_only(refs):
            self._clear()
        for ref in refs:
            self._read_on(ref)

    def _has_only(self, refs: list[SegmentRef]) -> bool:
        """Return whether all marks are of events in these segments.

        One that was deleted, or replaced as by a backup, may have had events that the journal
        lacks now: their import must not count as done.
        """
        there = {_name(ref): (ref.version[0], ref.size) for ref in refs}
        return all(
            name in there and there[name][0] == inode and there[name][1] >= offset
            for name, (inode, offset) in self._read.items()
        )

    def _clear(self) -> None:
        self._keys, self._contents, self._read, self.gone = Marks(), Marks(), {}, KnownGone()
        self._scopes, self._saved = set(), 0

    def conflicts(
        self,
        event: dict[str, Any],
        redacted: Redacted | None = None,
        written: dict[str, Any] | None = None,
    ) -> bool:
        """Add an event; return whether its key exists with other contents only.

        Args:
            event: the event, as its source has it.
            redacted: what was redacted in it.
            written: its data as it was appended; None if it is that of the event.
        """
        is_other = self.has_other(event)
        data = event["data"] if written is None else written
        session, id, type = event["session"], event["id"], event["type"]
        self._note(marks_of(session, id, type, data, redacted, event.get("importer")), redacted)
        return is_other

    def has_key(self, event: dict[str, Any]) -> bool:
        """Return whether the journal has an event's key."""
        return marked_key(event["session"], event["id"])[1] in self._keys

    def has_any(self, keys: Collection[int]) -> bool:
        """Return whether the journal has a key of one of these marks."""
        return self._keys.has_any(keys)

    def has_other(self, event: dict[str, Any]) -> bool:
        """Return whether the journal has an event's key, and only with other contents.

        Args:
            event: the event, as its source has it.

        Raises:
            TypeError: its data is no JSON.
        """
        key, key_mark = marked_key(event["session"], event["id"])
        if key_mark not in self._keys:
            return False
        return not any(mark in self._contents for mark in self._marks_of_same(key, event))

    def _marks_of_same(self, key: bytes, event: dict[str, Any]) -> Iterator[int]:
        """Yield the marks that an event of this key has in the journal if it is the same."""
        for form in (event,) if self.forms is None else self.forms.clear(event):
            content = [form["type"], form["data"]]
            yield mark_of(key + plain_content(*content))
            if not self._hash_keys:  # the first key may be made at any time
                self._hash_keys = read_keys(self.lanes.parent)
            for own in self._hash_keys:
                original = own.hash("original", content)
                yield mark_of(key + original_content(own.id, original))
        if self.forms is None or not self._scopes:
            return
        for data, redacted in self.forms.redacted(event):
            yield from masked_marks(key, event["type"], data, redacted, self._scopes)

    def differs(self, event: dict[str, Any]) -> bool:
        """Return whether a journal has the key of an event with other contents only.

        Args:
            event: the event, with its data before it was redacted.
        """
        try:
            return self.has_other(event)
        except TypeError:  # it is no JSON: the journal refuses it, with the reason
            return False

    def is_of_older(self, event: dict[str, Any], origin: Origin) -> bool:
        """Return whether only older importers wrote the contents of a message.

        Args:
            event: the message.
            origin: the importer that has it now.
        """
        _, key_mark = marked_key(event["session"], event["id"])
        if written_by(key_mark, PROVISIONAL) in self._contents:
            return True  # one that is provisional, too, is not appended

        def wrote(versions: range) -> bool:
            names = (f"{origin.name} {version}" for version in versions)
            return any(written_by(key_mark, name) in self._contents for name in names)

        if wrote(range(origin.version, origin.version + _NEWER)):
            return False
        return wrote(range(origin.version))

    def has(self, event: dict[str, Any]) -> bool:
        """Return whether the journal has an event, whatever was redacted in it.

        Raises:
            TypeError: its data is no JSON.
        """
        return self.has_key(event) and not self.has_other(event)

    def save(self) -> None:
        """Keep the marks for the next import, if enough of them are new.

        Raises:
            OSError: the file system refused.
        """
        new = len(self._contents) - self._saved
        if new < max(MERGED // _SAVED, self._saved // _SAVED) and self._bytes < _WORTH:
            return
        self._keys.merge()
        self._contents.merge()
        make_folder(self.file.parent)
        head = {"version": _VERSION, "keys": len(self._keys), "read": self._read}
        # no copy: a million events have 20 MB of marks, and an import has little memory
        body = [memoryview(it.sorted).cast("B") for it in (self._keys, self._contents) if it.sorted]
        head |= {"digest": _digest(*body), "gone": self.gone.marks, "scopes": sorted(self._scopes)}
        swap_file(self.file, orjson.dumps(head), b"\n", *body)
        self._saved, self._bytes = len(self._contents), 0

    def add_new(self, events: Sequence[EventMarks]) -> bool:
        """Add events of keys that the journal lacks.

        Returns:
            False if two of them have one key: then none is added.
        """
        keys = {marks.key for marks in events}
        if len(keys) < len(events):
            return False
        self._keys.add(*keys)
        self._contents.add(*[marks.content for marks in events])
        self._contents.add(*[marks.written for marks in events if marks.written is not None])
        return True

    def _note(self, marks: EventMarks, redacted: Redacted | None) -> None:
        """Add the marks of an event, and of what was redacted in it."""
        key, content, written, masked = marks
        if masked is not None:
            self._scopes.add(scope_of(redacted))
        if key not in self._keys:
            self._keys.add(key)
            self._contents.add(content)  # it is new, too
        elif content not in self._contents:
            self._contents.add(content)
        for mark in (written, masked):
            if mark is not None and mark not in self._contents:
                self._contents.add(mark)

    def _read_on(self, ref: SegmentRef) -> None:
        """Add the marks of a segment after the offset up to which it was read before."""
        _, offset = self._read.get(name := _name(ref), [0, 0])
        self._bytes += ref.size - offset
        if offset == ref.size:
            return
        sync_segment(ref)
        for item in read_segment(ref, Progress(offset)):
            if isinstance(item, Damage):
                continue
            offset = item.end
            if isinstance(item.record, Record):
                event = item.record.event
                what = event.session, event.id, event.type, event.data
                self._note(marks_of(*what, event.redacted, event.importer), event.redacted)
                self.gone.take(event)
        self._read[name] = [ref.version[0], offset]

    def _load(self) -> None:
        """Read the file; an unreadable file is ignored."""
        try:
            with open(open_own(self.file), "rb") as file:  # noqa: PTH123 - a descriptor
                head, _, body = file.read().partition(b"\n")
            found = orjson.loads(head)
            if found["version"] != _VERSION or found["digest"] != _digest(body):
                return
            count = found["keys"] * 8
            self._keys.sorted.frombytes(body[:count])
            self._contents.sorted.frombytes(body[count:])
            self.gone = KnownGone.unpack(found["gone"])
            self._scopes = {str(scope) for scope in found["scopes"]}
            self._read = {str(name): [int(n) for n in two] for name, two in found["read"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._clear()


def _name(ref: SegmentRef) -> str:
    return f"{ref.lane}/{ref.number}"


def _digest(*parts: bytes | memoryview) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
