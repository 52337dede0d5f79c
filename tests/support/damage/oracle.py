"""The records in damaged segments, found by an independent search and parser.

It does not use the journal's reading code, because that code is checked against it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zlib import crc32

import orjson

from journal.format.event import Event
from tests.support.projections import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.damage.damages import Files, Place


_KNOWN = (1, 2)
"""Versions of the format that this program reads."""
_START = re.compile(r'\{"crc":"[0-9a-f]{8}","')


@dataclass(frozen=True, slots=True)
class IntactRecord:
    """A record in a segment: its offset and its content."""

    begin: int
    end: int
    fields: dict[str, Any]

    @property
    def fact(self) -> Fact:
        """The record, in no particular lane, with its own time."""
        fields = self.fields
        event = Event(
            fields["session"],
            fields["id"],
            fields["type"],
            fields["time"],
            fields.get("order", fields["time"]),
            fields["data"],
        )
        return Fact("L", fields["seq"], event)


def intact_records(content: bytes) -> list[IntactRecord]:
    """Find the records of a segment, but not its headers, without the journal's own code."""
    found: list[IntactRecord] = []
    # in Latin-1 each byte is one character, so offsets in the text are offsets in the bytes
    text, decoder = content.decode("latin-1"), json.JSONDecoder()
    at = 0
    while (start := _START.search(text, at)) is not None:
        at = start.start()
        try:
            _, end = decoder.raw_decode(text, at)
            record = content[at:end]
            fields = orjson.loads(record)
        except (ValueError, RecursionError):
            at += 1
            continue
        nested = text[at - 1 : at] in (":", "[", ",") and text[end : end + 1] in (",", "}", "]")
        if fields["crc"] != f"{crc32(record[18:]):08x}" or nested:
            at += 1
            continue
        if _is_event(fields):
            found.append(IntactRecord(at, end, fields))
        at = end
    return found


def _is_event(fields: dict[str, Any]) -> bool:
    kinds = {"id": str, "type": str, "session": str, "seq": int, "time": int, "data": dict}
    right = all(type(fields.get(name)) is kind for name, kind in kinds.items())
    return right and bool(fields["id"] and fields["session"]) and fields["time"] >= 0


@dataclass(slots=True)
class Expected:
    """The records that a projection must have, and those that a writer may still complete."""

    must: list[Fact] = field(default_factory=list)
    may: list[Fact] = field(default_factory=list)


def is_future(content: bytes) -> bool:
    """Return whether a segment's header has a newer format."""
    header = _header(content)
    return header is not None and header["format"] not in _KNOWN


def finished(files: Files) -> dict[Place, int]:
    """Return where the complete lines of each segment end; of a final segment, its length."""
    last: dict[str, int] = {}
    for folder, number in files:
        last[folder] = max(number, last.get(folder, 0))
    return {
        (folder, number): len(bytes) if number < last[folder] else bytes.rfind(b"\n") + 1
        for (folder, number), bytes in files.items()
    }


def expected(files: Files, limit: int) -> Expected:
    """Return what a projection of the segments must contain, if no record has `limit` bytes."""
    result = Expected()
    ends = finished(files)
    for place, content in files.items():
        if is_future(content):
            continue
        for record in intact_records(content):
            if record.end - record.begin >= limit:
                continue
            (result.must if record.end <= ends[place] else result.may).append(record.fact)
    return result


def uncovered(content: bytes, spans: list[tuple[int, int]]) -> str | None:
    """Return which bytes are in none of the sorted ranges and in no intact record."""
    at = 0
    for begin, end in [*spans, (len(content), len(content))]:
        if begin < at:
            return f"{begin} is in quarantine twice"
        between = content[at:begin]
        for piece in _records_and_headers(between):
            between = between.replace(piece, b"", 1)
        if between.strip(b"\n"):
            return f"{at} to {begin} are neither records nor in quarantine: {between[:200]!r}"
        at = end
    return None


def _records_and_headers(content: bytes) -> Iterator[bytes]:
    """Yield every line of a stretch, and every record of lines without a newline between."""
    for piece in content.split(b"\n"):
        rest = piece
        while rest:
            try:
                _, end = json.JSONDecoder().raw_decode(rest.decode("latin-1"))
            except ValueError:
                break
            if rest[:8] != b'{"crc":"' or rest[8:16] != b"%08x" % crc32(rest[18:end]):
                break
            yield rest[:end]
            rest = rest[end:]


def gaps(files: Files) -> set[tuple[str, int, int]]:
    """Find the sequence numbers that are missing in a lane: its folder, the first and the last.

    A folder may hold several lanes. A segment whose header is damaged belongs to the lane of the
    one before it, else to the lane that the first intact header continues.
    """
    seen: dict[tuple[str, str], set[int]] = {}
    lanes: dict[str, str] = {}
    for folder, number in sorted(files):
        content = files[folder, number]
        header = _header(content)
        if header is not None and header["format"] in _KNOWN:
            is_first, lane = folder not in lanes, header["lane"]
            lanes[folder] = lane
            if is_first and header["seq"] > 1 and (folder, "") in seen:
                seen[folder, lane] = seen.pop((folder, ""))
        numbers = {record.fields["seq"] for record in intact_records(content)}
        if numbers:
            seen.setdefault((folder, lanes.get(folder, "")), set()).update(numbers)
    found = set()
    for (folder, _), there in seen.items():
        before = 0
        for number in sorted(there):
            if number > before + 1:
                found.add((folder, before + 1, number - 1))
            before = number
    return found


def _header(content: bytes) -> dict[str, Any] | None:
    """Return the header of a segment if it is intact, else None."""
    try:
        _, end = json.JSONDecoder().raw_decode(content.decode("latin-1"))
        fields = orjson.loads(content[:end])
    except (ValueError, RecursionError):
        return None
    kinds = {"crc": str, "format": int, "lane": str, "segment": str, "seq": int}
    is_header = isinstance(fields, dict) and all(
        type(fields.get(name)) is kind for name, kind in kinds.items()
    )
    if not is_header or fields["crc"] != f"{crc32(content[18:end]):08x}":
        return None
    found: dict[str, Any] = fields
    return found
