"""The lines that a decision splits by itself are the records that a reader finds."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any
from zlib import crc32

import orjson
import pytest

from journal.format.event import Event
from journal.format.event_types import KEY_DELETED, KEY_SET, MESSAGE_APPENDED
from journal.format.frame import frame
from journal.format.record import Erased, Record, encode_erased, encode_event
from journal.format.scan import Found, scan
from journal.segments.listing import SegmentRef
from projector.store.deciding.lines import Line, Unclear, lines_of

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = "a", "@board/b", "é 北", 'quote " and \\', "line\nbreak", "\x00", "@board/b/beats"


@pytest.fixture
def ref(tmp_path: Path) -> SegmentRef:
    """A segment; its file is not read."""
    return SegmentRef(tmp_path, "1", 1, 0, final=True)


def record(rng: random.Random, seq: int) -> bytes:
    """Return a line, of our own writer or of another one."""
    key = rng.choice(TEXTS)
    type = rng.choice((KEY_SET, KEY_DELETED, MESSAGE_APPENDED, "tool.used"))
    data: dict[str, Any] = {"key": key, "value": {"key": rng.choice(TEXTS)}}
    if type == MESSAGE_APPENDED:
        data = {"role": "user", "content": key}
    elif rng.random() < 0.2:
        data = {"value": 1, "key": key}
    time = rng.choice((0, 10**15, 2**52))
    event = Event(rng.choice(TEXTS), rng.choice(TEXTS), type, time, time + rng.choice((0, 1)), data)
    line = encode_event(seq, event)
    if rng.random() < 0.2:
        # another program escapes what need not be escaped, and has another order of the fields
        fields = orjson.loads(line)
        del fields["crc"]
        fields = dict(sorted(fields.items(), reverse=rng.random() < 0.5))
        line = frame(orjson.dumps(fields).replace(b"@board/", b"@board\\/"))
    return line


def read(ref: SegmentRef, block: bytes) -> list[Line]:
    """Read lines that have no header."""
    return list(lines_of(ref, block, 100, lambda *_: None))


@pytest.mark.parametrize("seed", range(5))
def test_they_are_what_a_reader_finds_whatever_is_damaged(ref: SegmentRef, seed: int) -> None:
    """Any writer's records, in any order, with damage in them and an unfinished end."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    block = bytearray(b"".join(record(rng, seq) for seq in range(200)))
    for _ in range(20):
        at = rng.randrange(len(block))
        block[at : at + rng.randrange(3)] = bytes(rng.choice((b"\n", b"\x00\x00", b"", b'"x')))
    del block[len(block) - rng.randrange(40) :]
    found = [at for at in scan(bytes(block), 100) if isinstance(at, Found)]
    records = [(at.end, at.record) for at in found if isinstance(at.record, Record)]
    lines = read(ref, bytes(block))
    assert [(at.end, at.seq, at.order, at.session, at.id, at.type, at.data()) for at in lines] == [
        (end, r.seq, r.event.order, r.event.session, r.event.id, r.event.type, r.event.data)
        for end, r in records
    ]
    assert [at.key for at in lines] == [r.event.data.get("key") for _, r in records]
    assert sum(isinstance(at.record, bytes) for at in lines) > 5


def test_what_no_reader_takes_for_an_event_is_not_clear(ref: SegmentRef) -> None:
    """A key that is there twice, a number that is too high, events that were erased."""
    event = Event("@board/b", "1", KEY_SET, 1, 1, {"key": "a", "value": 1})
    body = encode_event(1, event)[18:-1].replace(b'"value":1', b'"key":"b"')
    [line] = read(ref, b'{"crc":"%08x",%b\n' % (crc32(body), body))
    assert line.key == "a"
    with pytest.raises(Unclear):
        line.data()
    body = encode_event(1, event)[18:-1].replace(b'"time":1', b'"time":9999999999999999')
    assert read(ref, b'{"crc":"%08x",%b\n' % (crc32(body), body)) == []
    with pytest.raises(Unclear):
        read(ref, encode_erased(Erased(1, 1, 1, "x")))
