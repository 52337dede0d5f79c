"""Chunks arrive in any order, twice, cut or not at all: the mirrors have the same bytes.

Each round makes segments of a machine, some of which replace others, sends them in chunks of any
size, lets a carrier lose, repeat, cut and mix them, and reads what is missing from a peer. Then all
mirrors are compared with the segments, byte for byte.
"""

from __future__ import annotations

import asyncio
import sys
import time
from random import Random
from typing import TYPE_CHECKING
from zlib import crc32

from journal.format.event import Event
from journal.format.record import Header, encode_event, encode_header
from journal.process.ids import uuid7
from projector.relay.chunk import Chunk, Place, Whole
from projector.relay.files.mirror import Mirrors
from projector.relay.files.ours import Ours
from projector.relay.files.own import Names
from projector.relay.inbound import Inbound
from tests.support.disks.in_memory import in_memory
from tests.support.relay.fake import Fake
from tests.torture.arguments import Amount, again, step_parser

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_AMOUNT = Amount(whole=10_000, sample=200, unit="rounds")


def run_round(seed: int, folder: Path) -> int:
    """Check one round, in a folder that is empty; return how many chunks were sent.

    Raises:
        AssertionError: a mirror has other bytes than the segment.
    """
    random = Random(seed)
    machine = uuid7()
    lanes, incoming = folder / "lanes", folder / "relay" / "incoming"
    lanes.mkdir(parents=True, mode=0o700)
    expected: dict[Place, bytes] = {}
    sent: dict[Place, list[Chunk]] = {}
    for place, data, supersedes, is_final in _segments(random, machine):
        for uuid in supersedes:
            expected = {p: d for p, d in expected.items() if p.segment != uuid}
        expected[place] = data
        sent[place] = list(_chunks(random, place, data, supersedes, is_final=is_final))
    fake = Fake(random, sent)
    fake.sent = [chunk for each in sent.values() for chunk in each]

    async def receive() -> None:
        mirrors = Mirrors(lanes, incoming)
        inbound = Inbound(uuid7(), (), Ours(lanes, Names()), mirrors)
        stop = random.randrange(len(fake.sent) + 1)
        async for arrived in fake.follow(0):
            inbound.take(arrived)
            if arrived.cursor == stop:  # the relay is killed: only the files remain
                mirrors = Mirrors(lanes, incoming)
                holes = inbound.holes
                inbound = Inbound(uuid7(), (), Ours(lanes, Names()), mirrors)
                inbound.holes |= holes  # as state.db has them
        # what was lost altogether is in the inventory of a peer
        for place, chunks in sent.items():
            inbound.add(Chunk(place, chunks[-1].end, chunks[-1].after, b"", chunks[-1].whole))
        while inbound.holes:
            before = sum(each.size for each in mirrors.held())
            came = await inbound.fill(fake)
            assert came or sum(e.size for e in mirrors.held()) > before, f"seed {seed}: stuck"
        mirrors.sync()
        assert not inbound.problems, f"seed {seed}: {inbound.problems}"

    asyncio.run(receive())
    for place, data in expected.items():
        path = lanes / place.folder / f"{place.number:06d}.jsonl"
        assert path.read_bytes() == data, f"seed {seed}: {path} differs"
    files = set(lanes.glob("*/*.jsonl"))
    assert len(files) == len(expected), f"seed {seed}: {files}"
    loaded = Mirrors(lanes, incoming)
    found = {held.place: (held.size, held.crc) for held in loaded.held()}
    assert found == {p: (len(d), crc32(d)) for p, d in expected.items()}, f"seed {seed}"
    return len(fake.sent)


def _segments(random: Random, machine: str) -> Iterator[tuple[Place, bytes, tuple[str, ...], bool]]:
    """Yield segments of some lanes, and what replaces them."""
    for lane in range(1, random.randint(2, 3)):
        last = random.randint(1, 3)
        seq = 1
        for number in range(1, last + 1):
            uuid = uuid7()
            replaced: tuple[str, ...] = ()
            count = random.randint(0, 4)
            body = _records(random, seq, count)
            seq += count
            place = Place(machine, lane, number, uuid)
            is_final = number < last
            yield place, _header(uuid, lane, seq) + body, replaced, is_final
            for _ in range(random.choice([0, 0, 1, 2]) if is_final else 0):
                replaced = (*replaced, uuid)
                uuid = uuid7()
                body = body[: body.rfind(b"\n", 0, -1) + 1] if body else body
                place = Place(machine, lane, number, uuid)
                yield place, _header(uuid, lane, seq, replaced) + body, replaced, True


def _records(random: Random, seq: int, count: int) -> bytes:
    """Make some records of any length."""
    return b"".join(
        encode_event(
            seq + n,
            Event(
                id=f"m{seq + n}",
                type="message.appended",
                session="s",
                time=seq + n,
                order=seq + n,
                data={"role": "user", "content": "x" * random.randint(0, 300)},
            ),
        )
        for n in range(count)
    )


def _header(uuid: str, lane: int, seq: int, supersedes: tuple[str, ...] = ()) -> bytes:
    lane_uuid = f"0199c0de-0000-7000-8000-{lane:012d}"
    return encode_header(Header(2, uuid, lane_uuid, lane, seq, "h", "", 1, 1, supersedes))


def _chunks(
    random: Random, place: Place, data: bytes, supersedes: tuple[str, ...], *, is_final: bool
) -> Iterator[Chunk]:
    """Cut a segment into chunks; the end of a final one may come behind its bytes."""
    offset = crc = 0
    apart = random.random() < 0.3
    while offset < len(data):
        part = data[offset : offset + random.choice([60, 200, 400, 10_000])]
        end = offset + len(part)
        whole = Whole(len(data), crc32(data)) if is_final and end == len(data) else None
        named = supersedes if offset == 0 else ()
        yield Chunk(place, offset, crc, part, None if apart else whole, named)
        offset, crc = end, crc32(part, crc)
    if is_final and apart:
        yield Chunk(place, offset, crc, b"", Whole(len(data), crc32(data)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds of the command line; return the exit code."""
    parser = step_parser(__doc__, seed=1)
    _AMOUNT.add_to(parser)
    given = parser.parse_args(arguments)
    began = time.monotonic()
    rounds = sent = 0
    for seed in _AMOUNT.budget(given).seeds():
        rounds += 1
        with in_memory() as folder:
            try:
                sent += run_round(seed, folder)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this seed's failure
                print(f"FAILED seed {seed}: {type(error).__name__}: {error}")
                print(f"again: {again('relay.chunks', seed, 'rounds')}", flush=True)
                return 1
    print(
        f"relay_chunks: {rounds:,} rounds, {sent:,} chunks in {time.monotonic() - began:.0f} s:"
        " every mirror has the bytes of its segment"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
