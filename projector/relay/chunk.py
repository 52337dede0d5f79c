"""A chunk: a byte range of one segment, with the names and headers that it travels under. Pure.

A subject is ``aj.<fleet>.seg.<user>.<machine>.<lane>.<number>.<segment>``. Whatever arrives is
checked by a strict grammar before a part of it becomes a path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from zlib import crc32

from journal.errors import counted
from journal.format.frame import BODY, DamagedRecord
from journal.format.record import HEADER_KEY, Header, decode
from journal.process.ids import UUID
from journal.segments.mirrors import mirror_name
from projector.relay.errors import ChunkError, NewerChunk

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = "1"
MAX_CHUNK = 512 * 1024
"""Bytes of a chunk, at most."""
MAX_SEGMENT = 1 << 30
"""Bytes of a segment, at most: a writer makes one of 32 MiB and one write."""
ANONYMOUS = 256
"""Bytes whose checksum names a segment without a sound header."""

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""A fleet, or a user of the server."""
MACHINE = re.compile(UUID)
"""The uuid of a machine."""
_LANE = re.compile(r"[1-9][0-9]{0,8}")
_NUMBER = re.compile(r"[1-9][0-9]{0,11}")
_CRC_NAME = "crc-"
_SEGMENT = re.compile(rf"{UUID}|{_CRC_NAME}[0-9a-f]{{8}}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,11}")
_CRC = re.compile(r"[0-9a-f]{8}")
_MOST_SUPERSEDED = 2_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a segment belongs, and which one it is.

    Attributes:
        machine: uuid of the machine that writes the lane.
        lane: number of the lane's folder on that machine.
        number: the segment's number in the folder.
        segment: uuid of the segment; `crc-` and a checksum if it has no sound header.
    """

    machine: str
    lane: int
    number: int
    segment: str

    @property
    def folder(self) -> str:
        """Name of the folder of the mirror."""
        return mirror_name(self.machine, self.lane)


@dataclass(frozen=True, slots=True)
class Whole:
    """Size and checksum of all bytes of a final segment."""

    size: int
    crc: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A byte range of one segment.

    Attributes:
        place: the segment.
        offset: of the first byte in the segment.
        before: CRC-32 of all bytes in front of it.
        data: the bytes; none if it only names the end of the segment.
        whole: what the segment has in all, if this ends it for ever.
        supersedes: uuids of the segments that this one replaces, with its first bytes.
    """

    place: Place
    offset: int
    before: int
    data: bytes
    whole: Whole | None = None
    supersedes: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        """Offset behind the last byte."""
        return self.offset + len(self.data)

    @property
    def after(self) -> int:
        """CRC-32 of all bytes up to the end."""
        return crc32(self.data, self.before)


def name_in_folder(place: Place) -> str:
    """Return the name of a file that has bytes of a segment, in a folder of many segments."""
    return f"{place.machine}.{place.lane}.{place.number}.{place.segment}"


def parse_name(name: str) -> Place | None:
    """Return the place that a name of `name_in_folder` names; None if it does not."""
    try:
        return parse_subject(f"aj.f.seg.u.{name}")[2]
    except ChunkError:
        return None


def subject(fleet: str, user: str, place: Place) -> str:
    """Return the subject that a segment's chunks have."""
    return f"aj.{fleet}.seg.{user}.{place.machine}.{place.lane}.{place.number}.{place.segment}"


@lru_cache(maxsize=4096)  # each chunk of a segment has the same
def parse_subject(text: str) -> tuple[str, str, Place]:
    """Return fleet, user and place that a subject names.

    Raises:
        ChunkError: it is none of a segment.
    """
    match text.split("."):
        case ["aj", fleet, "seg", user, machine, lane, number, segment]:
            pass
        case _:
            raise ChunkError(f"{text!r:.200} is no subject of a segment")
    grammar = [
        (fleet, NAME),
        (user, NAME),
        (machine, MACHINE),
        (lane, _LANE),
        (number, _NUMBER),
        (segment, _SEGMENT),
    ]
    for part, pattern in grammar:
        if pattern.fullmatch(part) is None:
            raise ChunkError(f"{text!r:.200} is no subject of a segment: {part!r:.80} in it")
    return fleet, user, Place(machine, int(lane), int(number), segment)


def headers(chunk: Chunk) -> dict[str, str]:
    """Return the headers of a chunk."""
    fields = {
        "Aj-V": VERSION,
        "Aj-Offset": str(chunk.offset),
        "Aj-Before": f"{chunk.before:08x}",
    }
    if chunk.whole is not None:
        fields["Aj-Final"] = f"{chunk.whole.size} {chunk.whole.crc:08x}"
    if chunk.supersedes:
        fields["Aj-Supersedes"] = " ".join(chunk.supersedes)
    return fields


def parse(place: Place, fields: Mapping[str, str], data: bytes) -> Chunk:
    """Return the chunk of its headers and bytes.

    Raises:
        NewerChunk: it is of a newer version.
        ChunkError: a header is missing or wrong, or the chunk is too large.
    """
    version = fields.get("Aj-V")
    if version != VERSION:
        if version is not None and version.isascii() and version.isdigit():
            raise NewerChunk(
                f"a chunk of segment {place.segment} has version {version} of the protocol, and"
                f" this program knows {VERSION}: install a newer agent-journal"
            )
        raise ChunkError(f"a chunk of segment {place.segment} names no version")
    offset = int(_field(place, fields, "Aj-Offset", _SIZE))
    before = int(_field(place, fields, "Aj-Before", _CRC), 16)
    whole = None
    if "Aj-Final" in fields:
        size, _, crc = fields["Aj-Final"].partition(" ")
        if _SIZE.fullmatch(size) is None or _CRC.fullmatch(crc) is None:
            raise ChunkError(f"Aj-Final of segment {place.segment} is {fields['Aj-Final']!r:.80}")
        whole = Whole(int(size), int(crc, 16))
    superseded = tuple(fields.get("Aj-Supersedes", "").split())
    if len(superseded) > _MOST_SUPERSEDED or not all(map(_SEGMENT.fullmatch, superseded)):
        raise ChunkError(f"Aj-Supersedes of segment {place.segment} is no list of uuids")
    if len(data) > MAX_CHUNK or offset + len(data) > MAX_SEGMENT:
        raise ChunkError(
            f"a chunk of segment {place.segment} has {counted(len(data), 'byte')} at {offset:,}:"
            f" at most {MAX_CHUNK:,} are allowed, and {MAX_SEGMENT:,} in a segment"
        )
    if whole is not None and whole.size < offset + len(data):
        raise ChunkError(f"segment {place.segment} ends in front of its last chunk")
    return Chunk(place, offset, before, data, whole, superseded)


def header_of(first: bytes) -> Header | None:
    """Return the header that a segment begins with; None if it is not whole or not sound."""
    line, newline, _ = first.partition(b"\n")
    if not newline or not line.startswith(HEADER_KEY, BODY):
        return None
    try:
        found = decode(line)
    except DamagedRecord:
        return None
    return found if isinstance(found, Header) else None


def name_of(first: bytes) -> str:
    """Return the name of a segment: the uuid of its header, else a checksum of its beginning.

    Args:
        first: its first bytes, with the whole header where there is one.
    """
    header = header_of(first)
    if header is not None and _SEGMENT.fullmatch(header.segment):
        return header.segment
    return f"{_CRC_NAME}{crc32(first[:ANONYMOUS]):08x}"


def is_anonymous(name: str) -> bool:
    """Return whether the name of a segment is a checksum: it has no sound header."""
    return name.startswith(_CRC_NAME)


def _field(place: Place, fields: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    value = fields.get(name, "")
    if pattern.fullmatch(value) is None:
        raise ChunkError(f"{name} of a chunk of segment {place.segment} is {value!r:.80}")
    return value
