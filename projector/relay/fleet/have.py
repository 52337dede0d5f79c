"""What a machine reports that it has: the same hash on two machines means the same bytes."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

import orjson

from projector.relay.chunk import MACHINE, NAME
from projector.relay.errors import ChunkError

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST = 256 * 1024
"""Bytes of a report."""


@dataclass(frozen=True, slots=True)
class Have:
    """The report of a machine.

    Attributes:
        machine: its uuid.
        former: the uuids that it had before.
        name: its name.
        version: of the program.
        clock: its wall clock, microseconds since 1970.
        cursor: its place in the stream.
        hash: over uuid, size and checksum of all segments that it has, own and mirrored.
        held: how many bytes of each machine it has; of its own only what is sent.
        unsent: bytes of its own lanes that are not sent.
        rewritten: uuids of the segments that it has which replace others, such as after an erasure.
        receives: whether it mirrors the others.
        age: microseconds since it was made, if a keeper left it for a machine that is away.
    """

    machine: str
    former: list[str]
    name: str
    version: str
    clock: int
    cursor: int
    hash: str
    held: dict[str, int]
    unsent: int
    rewritten: list[str]
    receives: bool
    age: int = 0

    def encode(self) -> bytes:
        """Return it as JSON."""
        return orjson.dumps(asdict(self))


def parse_have(data: bytes) -> Have:
    """Return the report that another machine sent.

    Raises:
        ChunkError: it is none.
    """
    if len(data) > MOST:
        raise ChunkError(f"a report has {len(data):,} bytes, and {MOST:,} are allowed")
    try:
        values = {"receives": True, "age": 0} | orjson.loads(data)  # older programs do not say it
        found = Have(**{field.name: values[field.name] for field in fields(Have)})
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ChunkError(f"a report cannot be read: {error}") from error
    texts = (
        found.machine,
        found.name,
        found.version,
        found.hash,
        *found.former,
        *found.held,
        *found.rewritten,
    )
    numbers = (found.clock, found.cursor, found.unsent, found.age, *found.held.values())
    are_numbers = all(type(n) is int for n in numbers) and type(found.receives) is bool
    if not all(isinstance(t, str) for t in texts) or not are_numbers:
        raise ChunkError("a report has values of another kind")
    uuids = (found.machine, *found.former)
    if not NAME.fullmatch(found.name) or not all(map(MACHINE.fullmatch, uuids)):
        raise ChunkError(f"a report is of a machine that cannot be: {found.name!r:.80}")
    return found


def hash_of(segments: Iterable[tuple[str, int, int]]) -> str:
    """Return the hash over a set of segments: uuid, size, checksum."""
    lines = sorted(f"{name} {size} {crc:08x}\n" for name, size, crc in set(segments))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
