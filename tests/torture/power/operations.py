"""The operations of a disk, in order: writes and flushes, and their encoding in a log. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = struct.Struct("<cQQI")
"""Kind, nanoseconds, offset and length in bytes; the bytes of a write follow."""


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes that a disk took into its cache.

    Attributes:
        at: nanoseconds of CLOCK_MONOTONIC, just before the disk answered.
        offset: the offset of the first byte on the disk.
        data: the bytes.
    """

    at: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Flush:
    """A request to make durable all writes before it.

    Attributes:
        at: nanoseconds of CLOCK_MONOTONIC, just before the disk answered.
    """

    at: int


Operation = Write | Flush


def encode(operation: Operation) -> bytes:
    """Encode an operation for a log."""
    if isinstance(operation, Flush):
        return _HEAD.pack(b"f", operation.at, 0, 0)
    return _HEAD.pack(b"w", operation.at, operation.offset, len(operation.data)) + operation.data


def decode(log: bytes) -> Iterator[Operation]:
    """Yield the operations of a log.

    Raises:
        ValueError: the log is cut short, or is no log.
    """
    at = 0
    while at < len(log):
        if len(log) - at < _HEAD.size:
            raise ValueError(f"the log of the disk ends within an operation, at byte {at:,}")
        kind, moment, offset, length = _HEAD.unpack_from(log, at)
        start, at = at, at + _HEAD.size + length
        if at > len(log):
            raise ValueError(f"the log of the disk ends within an operation, at byte {start:,}")
        if kind == b"f":
            yield Flush(moment)
        elif kind == b"w":
            yield Write(moment, offset, log[at - length : at])
        else:
            raise ValueError(f"the log of the disk holds no operation at byte {start:,}")
