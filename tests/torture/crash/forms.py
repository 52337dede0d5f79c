"""The contents that an unsynced file may have after a power loss. Pure; see `crash/model.py`.

**The bound.** For a file with up to `EVERY_BYTE` unsynced bytes every form below is enumerated:
each prefix; each stretch between two cuts whose size was stored without its bytes; each set of its
blocks, of its writes and of its lines that is lost, with the file cut at each of its cuts. A cut is
an end of a write, a line or a block. Of a longer file (a database that SQLite wrote, in one write)
and of more than `ALL_SUBSETS` pieces some forms are drawn at random, and so are the bytes of noise;
each form says whether it was drawn.
"""

from __future__ import annotations

from itertools import combinations, pairwise, product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from random import Random

BLOCK = 512
"""Bytes that a disk writes in one step."""
EVERY_BYTE = 4096
"""Unsynced bytes up to which a file is cut at every one of them."""
ALL_SUBSETS = 7
"""Number of pieces up to which every set of them is lost."""

_SOME = 48
_NEWLINE = 0x0A


def forms(
    content: bytes, durable: int, ends: Iterable[int], random: Random
) -> Iterator[tuple[bytes, bool]]:
    """Yield the possible contents of a file: first as it is, then as it was synced.

    Each is yielded with whether it was drawn at random.

    Args:
        content: its bytes as programs see them.
        durable: how many of them were synced.
        ends: how many there were after each write.
        random: chooses if there are too many to enumerate.
    """
    size = len(content)
    writes = [end for end in ends if durable < end]
    lines = [durable + n + 1 for n, byte in enumerate(content[durable:]) if byte == _NEWLINE]
    blocks = range(-(-(durable + 1) // BLOCK) * BLOCK, size, BLOCK)
    cuts = sorted({durable, size, *writes, *lines, *blocks})
    short = size - durable <= EVERY_BYTE
    yield content, False
    yield content[:durable], False
    # torn: any prefix
    if short:
        yield from ((content[:end], False) for end in range(durable + 1, size))
    else:
        near = {cut + step for cut in cuts for step in (-1, 0, 1)}
        yield from ((content[:end], False) for end in sorted(near) if durable < end < size)
        some = {random.randrange(durable, size) for _ in range(_SOME)} - near
        yield from ((content[:end], True) for end in sorted(some))
    # the size is stored, and the bytes are not
    spans = list(combinations(cuts, 2))
    for start, end in spans if short else random.sample(spans, min(_SOME, len(spans))):
        yield content[:start].ljust(end, b"\0"), not short
    # later bytes are stored, and earlier ones are not
    for after in ([*blocks, size], writes, lines):
        pieces = list(pairwise([durable, *after]))
        for lost, drawn in _subsets(pieces, random):
            left = _without(content, lost)
            yield left, drawn
            if short and not drawn:
                yield from ((left[:end], False) for end in cuts[1:])
            else:
                yield left[: random.choice(cuts[1:])], True
    # old bytes of the disk
    start, end = random.choice(spans)
    yield content[:start] + random.randbytes(end - start), True
    yield content[:start] + random.randbytes(end - start) + content[end:], True


def _subsets(
    pieces: list[tuple[int, int]], random: Random
) -> Iterator[tuple[list[tuple[int, int]], bool]]:
    """Yield sets of pieces, each with whether it was drawn at random."""
    if len(pieces) <= ALL_SUBSETS:
        for chosen in product((False, True), repeat=len(pieces)):
            yield [piece for piece, lost in zip(pieces, chosen, strict=True) if lost], False
        return
    for _ in range(_SOME):
        yield [piece for piece in pieces if random.random() < random.random()], True


def _without(content: bytes, lost: list[tuple[int, int]]) -> bytes:
    left = bytearray(content)
    for start, end in lost:
        left[start:end] = bytes(end - start)
    return bytes(left)
