"""What may be left of a file that was not synced. Pure; `crash/model.py` says why."""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from random import Random

BLOCK = 512
"""Bytes that a disk writes whole."""
EVERY_BYTE = 1024
"""Unsynced bytes up to which a file is cut at every one of them."""

_SOME = 48
_ALL_SUBSETS = 5
_NEWLINE = 0x0A


def forms(content: bytes, durable: int, ends: Iterable[int], random: Random) -> Iterator[bytes]:
    """Yield what a file may hold after a power loss: as it is, then as it was synced.

    Args:
        content: its bytes as programs see them.
        durable: how many of them were synced.
        ends: how many there were after each write.
        random: chooses where there is too much for all.
    """
    size = len(content)
    writes = [end for end in ends if durable < end]
    lines = [durable + n + 1 for n, byte in enumerate(content[durable:]) if byte == _NEWLINE]
    blocks = range(-(-(durable + 1) // BLOCK) * BLOCK, size, BLOCK)
    cuts = sorted({durable, size, *writes, *lines, *blocks})
    yield content
    yield content[:durable]
    # torn: any prefix
    if size - durable <= EVERY_BYTE:
        yield from (content[:end] for end in range(durable + 1, size))
    else:
        near = {cut + step for cut in cuts for step in (-1, 0, 1)}
        some = {random.randrange(durable, size) for _ in range(_SOME)}
        yield from (content[:end] for end in sorted(near | some) if durable < end < size)
    # the size came before the bytes
    spans = [(start, end) for start in cuts for end in cuts if start < end]
    for start, end in random.sample(spans, min(_SOME, len(spans))):
        yield content[:start].ljust(end, b"\0")
    # later bytes came before earlier ones
    for after in ([*blocks, size], writes, lines):
        pieces = list(pairwise([durable, *after]))
        for lost in _subsets(pieces, random):
            yield _without(content, lost)
            yield _without(content, lost)[: random.choice(cuts[1:])]
    # whatever stood on the disk before
    start, end = random.choice(spans)
    yield content[:start] + random.randbytes(end - start)
    yield content[:start] + random.randbytes(end - start) + content[end:]


def _subsets(pieces: list[tuple[int, int]], random: Random) -> Iterator[list[tuple[int, int]]]:
    if len(pieces) <= _ALL_SUBSETS:
        for chosen in product((False, True), repeat=len(pieces)):
            yield [piece for piece, lost in zip(pieces, chosen, strict=True) if lost]
        return
    for _ in range(_SOME):
        yield [piece for piece in pieces if random.random() < random.random()]


def _without(content: bytes, lost: list[tuple[int, int]]) -> bytes:
    left = bytearray(content)
    for start, end in lost:
        left[start:end] = bytes(end - start)
    return bytes(left)
