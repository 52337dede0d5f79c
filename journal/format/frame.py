r"""The frame of a record: the checksum in front of it, which detects damage of its bytes.

``{"crc":"xxxxxxxx",REST}\n`` where REST is the inside of a JSON object. The checksum is the
CRC-32 of ISO 3309 (zlib's), eight lower-case hexadecimal digits, over the raw bytes of ``REST}``:
everything from byte 18 up to the newline. `docs/format.md` specifies every byte.
"""

from __future__ import annotations

from zlib import crc32

MAX_RECORD = 16 * 1024 * 1024
"""Bytes of a record, its newline included."""

START = b'{"crc":"'
_NESTED = b'{"\\u0063rc":"'
"""`START` inside a record is written so: the same JSON, but not the beginning of a record."""
BODY = 18
"""Offset of the checked bytes: behind the checksum, its quote and its comma."""


class DamagedRecord(ValueError):  # noqa: N818 - named after what was found; its callers continue
    """Bytes that are no valid record; the message is the reason."""


def frame(body: bytes) -> bytes:
    """Return a JSON object as a line: its checksum in front, a newline at its end."""
    rest = nested(body[1:])
    return b'{"crc":"%08x",%b\n' % (crc32(rest), rest)


def nested(part: bytes) -> bytes:
    """Return a part of a record in which no record begins, with the same meaning."""
    # else a torn line could turn a part of a message into an event
    return part.replace(START, _NESTED) if START in part else part


def frame_parts(first: bytes, second: bytes) -> bytes:
    """Return the inside of a JSON object, in two parts as `nested` returns them, as a line."""
    return b'{"crc":"%08x",%b%b\n' % (crc32(second, crc32(first)), first, second)


def check(line: bytes) -> None:
    """Check a line's frame and checksum, without its newline.

    Raises:
        DamagedRecord: the line is no valid record; the message is the reason.
    """
    if not line.startswith(START) or line[16:BODY] != b'",':
        raise DamagedRecord("no record: " + ("NUL bytes" if not line.strip(b"\0") else "bad start"))
    found = b"%08x" % crc32(memoryview(line)[BODY:])
    if line[8:16] != found:
        says = line[8:16].decode("ascii", "backslashreplace")
        raise DamagedRecord(f"checksum mismatch: says {says}, bytes give {found.decode()}")


def record_end(block: bytes, start: int, reach: int) -> int | None:
    """Return where a record that begins at `start` ends, if a checksum holds up to there.

    Every record ends with a brace; it is the first one up to which the checksum holds.

    Args:
        block: bytes that hold the record among others.
        start: offset of its first byte.
        reach: offset up to which its end is searched for.
    """
    checksum = block[start + len(START) : start + BODY - 2]
    if not block.startswith(START, start) or block[start + BODY - 2 : start + BODY] != b'",':
        return None
    try:
        wanted = int(checksum, 16)
    except ValueError:
        return None
    view = memoryview(block)
    found, at = 0, start + BODY
    while (brace := block.find(b"}", at, reach)) >= 0:
        found = crc32(view[at : brace + 1], found)
        at = brace + 1
        if found == wanted:
            return at
    return None
