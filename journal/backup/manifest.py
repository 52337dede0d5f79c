"""The manifest of a backup: its files, and how many bytes of each are copied."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

import orjson

from journal.errors import BackupDamaged, BackupFailed, reason
from journal.format.frame import DamagedRecord, check, frame
from journal.format.lossless import is_text
from journal.format.record import FORMAT
from journal.fs.files import replace_file
from journal.fs.ownership import read_own
from journal.process.ids import UUID
from journal.segments.segment import LAST_NUMBER, SUFFIX, segment_name

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "backup.json"
"""Name of the manifest in the folder of a backup."""
VERSION = 1
"""The version of backups that this program makes, and the newest that it reads."""
_LARGEST = 2**64 - 1
_MOST = 256 * 1024 * 1024
"""The largest size of a manifest, in bytes: that of a million segments."""
_NAME = 255
"""Bytes of a folder's name, as in most file systems."""
_KEY_ID = re.compile(r"[0-9a-f]{8}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_UUID = re.compile(UUID)


@dataclass(frozen=True, slots=True)
class Copied:
    """A segment in a backup.

    Attributes:
        folder: name of the lane's folder in the journal.
        number: number of the segment there.
        segment: uuid of the segment; empty if its header cannot be read.
        lane: uuid of its lane; `?` and the folder's name if no header before it can be read.
        size: bytes that were copied, from the beginning of the segment. The file may be longer: a
            later backup that did not finish may have added to it.
        sha256: of these bytes, 64 hexadecimal digits.
        inode: of the segment's file in the journal.
        changed: time of the last change of that file, nanoseconds. If size, inode and this are the
            same, so are the bytes.
    """

    folder: str
    number: int
    segment: str
    lane: str
    size: int
    sha256: str
    inode: int
    changed: int

    @property
    def place(self) -> tuple[str, int, str]:
        """What distinguishes a segment from every other one that this place had."""
        return self.folder, self.number, self.segment

    @property
    def file(self) -> str:
        """Name of the file in the folder of its lane."""
        return copy_name(self.number, self.segment)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a backup.

    Attributes:
        journal: uuid of the journal.
        format: version of the journal's format.
        began: when the backup began, microseconds since 1970. Events that were acknowledged before
            are in it.
        keys: ids of the keys that the file `key` must have; it may have more.
        segments: the segments, by folder and number.
    """

    journal: str
    format: int
    began: int
    keys: tuple[str, ...]
    segments: tuple[Copied, ...]

    def write(self, folder: Path) -> None:
        """Replace the manifest of a backup, durably.

        Raises:
            OSError: the file system refuses; the old manifest is unchanged.
        """
        fields: dict[str, Any] = {
            "backup": VERSION,
            "journal": self.journal,
            "format": self.format,
            "began": self.began,
            "keys": self.keys,
            "segments": [asdict(copied) for copied in self.segments],
        }
        replace_file(folder / MANIFEST, frame(orjson.dumps(fields)))


def copy_name(number: int, segment: str) -> str:
    """Return the name of a segment's file in a backup.

    A rewritten segment has another uuid and so another name: the old copy stays until the manifest
    names the new one.

    Args:
        number: number of the segment in its folder.
        segment: its uuid; empty if its header cannot be read.
    """
    stem = segment_name(number).removesuffix(SUFFIX)
    if segment and not _UUID.fullmatch(segment):  # a header may hold any string, also a path
        segment = hashlib.blake2b(segment.encode(), digest_size=16).hexdigest()
    return f"{stem}.{segment or 'none'}{SUFFIX}"


def is_copy_name(name: str) -> bool:
    """Return whether a file in the folder of a lane is a copy that a backup made."""
    return _COPY.fullmatch(name) is not None


_COPY = re.compile(r"\d{6,12}\.(?:none|[0-9a-f]{32}|[0-9a-f-]{36})\.jsonl")


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a backup.

    Raises:
        BackupDamaged: it is damaged, or has an impossible value.
        BackupFailed: there is none, it cannot be read, or a newer version made it.
    """
    path = folder / MANIFEST
    try:
        content = read_own(path, _MOST)
    except (FileNotFoundError, NotADirectoryError):
        raise BackupFailed(
            f"there is no backup in {folder}: it has no {MANIFEST}, which a backup gets when it is"
            " whole"
        ) from None
    except OSError as error:
        raise BackupFailed(f"cannot read {path}: {reason(error)}") from error
    try:
        line = content.removesuffix(b"\n")
        check(line)
        return _parse(orjson.loads(line))
    except (DamagedRecord, ValueError, KeyError, TypeError) as error:
        why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise BackupDamaged(
            f"{path} is damaged ({why}): take another copy of the backup, or back up to a new"
            " folder, and keep this one until that has ended: its segments may be intact"
        ) from error


def _parse(fields: dict[str, Any]) -> Manifest:
    version = fields["backup"]
    if version != VERSION or fields["format"] not in range(1, FORMAT + 1):
        raise BackupFailed(
            f"the backup has version {version!r} and is of a journal of format"
            f" {fields['format']!r}; this program knows version {VERSION} and formats up to"
            f" {FORMAT}: install a newer agent-journal"
        )
    journal, began, keys = fields["journal"], fields["began"], fields["keys"]
    if not (isinstance(journal, str) and is_text(journal) and journal):
        raise ValueError(f"the journal's uuid is {journal!r:.60}")
    if not (_is_number(began) and isinstance(keys, list)):
        raise ValueError("the time or the keys are of another kind")
    if not all(isinstance(key, str) and _KEY_ID.fullmatch(key) for key in keys):
        raise ValueError("the id of a key is none")
    segments = tuple(map(_copied, fields["segments"]))
    if len({copied.place for copied in segments}) < len(segments):
        raise ValueError("a segment is named twice")
    return Manifest(journal, fields["format"], began, tuple(keys), segments)


def _copied(fields: dict[str, Any]) -> Copied:
    found = Copied(**fields)
    numbers = found.number, found.size, found.inode, found.changed
    texts = found.folder, found.segment, found.lane, found.sha256
    if not (all(map(_is_number, numbers)) and all(map(_is_name, texts))):
        raise ValueError(f"a segment has a field of another kind: {fields!r:.200}")
    if not (_is_folder(found.folder) and 0 < found.number <= LAST_NUMBER):
        raise ValueError(f"{found.folder!r:.60}, {found.number} is no place of a segment")
    if not _SHA256.fullmatch(found.sha256):
        raise ValueError(f"{found.sha256!r:.80} is no checksum")
    return found


def _is_number(value: object) -> TypeGuard[int]:
    return value.__class__ is int and isinstance(value, int) and 0 <= value <= _LARGEST


def _is_name(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and is_text(value)


def _is_folder(name: str) -> bool:
    """Return whether a name is one entry of a folder: a path could lead out of the backup."""
    return (
        name not in {"", ".", ".."} and not set(name) & {"/", "\0"} and len(name.encode()) <= _NAME
    )
