"""Chunks: their names and headers, and mirrors that have the same bytes in the end."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING
from zlib import crc32

import pytest

from journal.process.ids import uuid7
from journal.segments.mirrors import parse_mirror
from projector.relay.chunk import (
    MAX_CHUNK,
    Chunk,
    Place,
    Whole,
    headers,
    parse,
    parse_subject,
    subject,
)
from projector.relay.errors import ChunkError, ForkFound, Hole, NewerChunk, TooLarge
from projector.relay.files.mirror import Mirrors
from projector.relay.files.ours import Ours
from projector.relay.files.own import Names
from projector.relay.inbound import Inbound
from tests.support.relay.fake import Fake
from tests.torture.steps.relay import chunks

if TYPE_CHECKING:
    from pathlib import Path

_MACHINE = "0199c0de-0000-7000-8000-000000000001"
_SEGMENT = "0199c0de-0000-7000-8000-000000000002"
_PLACE = Place(_MACHINE, 3, 7, _SEGMENT)


def test_any_order_repetition_loss_and_truncation_ends_with_the_same_bytes() -> None:
    """A few hundred random rounds; `make torture` runs 10,000."""
    assert chunks.main(["--sample"]) == 0


def test_a_subject_names_a_place() -> None:
    """What was made of a place is read back as that place."""
    text = subject("home", "desk", _PLACE)
    assert text == f"aj.home.seg.desk.{_MACHINE}.3.7.{_SEGMENT}"
    assert parse_subject(text) == ("home", "desk", _PLACE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "aj.home.seg.desk",
        f"aj.home.seg.desk.{_MACHINE}.3.7.{_SEGMENT}.x",
        f"aj.home.seg.desk.../../x.3.7.{_SEGMENT}",
        f"aj.home.seg.desk.{_MACHINE.upper()}.3.7.{_SEGMENT}",
        f"aj.home.seg.desk.{_MACHINE}.0.7.{_SEGMENT}",
        f"aj.home.seg.desk.{_MACHINE}.03.7.{_SEGMENT}",
        f"aj.home.seg.desk.{_MACHINE}.3.0.{_SEGMENT}",
        f"aj.home.seg.desk.{_MACHINE}.3.1234567890123.{_SEGMENT}",
        f"aj.home.seg.desk.{_MACHINE}.3.\u0667.{_SEGMENT}",
        f"aj.home.seg.desk.{_MACHINE}.3.7.crc-xyz",
        f"aj.home.seg.desk.{_MACHINE}.3.7.{_SEGMENT}\n",
        f"aj.ho/me.seg.desk.{_MACHINE}.3.7.{_SEGMENT}",
        f"aj.home.seg.d%sk.{_MACHINE}.3.7.{_SEGMENT}",
    ],
)
def test_what_is_no_subject_becomes_no_path(text: str) -> None:
    """A name that the grammar does not have is refused before a path is made of it."""
    with pytest.raises(ChunkError):
        parse_subject(text)


def test_the_headers_of_a_chunk_are_read_back() -> None:
    """Offset, checksum, end and replaced segments arrive as they were sent."""
    chunk = Chunk(_PLACE, 10, 0xAB, b"data\n", Whole(15, 0xCD), (_MACHINE,))
    assert parse(_PLACE, headers(chunk), chunk.data) == chunk


@pytest.mark.parametrize(
    "change",
    [
        {"Aj-V": "x"},
        {"Aj-Offset": "-1"},
        {"Aj-Offset": "01"},
        {"Aj-Offset": "1073741824"},
        {"Aj-Before": "AB"},
        {"Aj-Final": "3"},
        {"Aj-Final": "3 000000cd"},
        {"Aj-Supersedes": "../x"},
    ],
)
def test_headers_that_cannot_be_are_refused(change: dict[str, str]) -> None:
    """A chunk is refused that says something impossible about itself."""
    chunk = Chunk(_PLACE, 10, 0xAB, b"data\n", Whole(15, 0xCD))
    with pytest.raises(ChunkError):
        parse(_PLACE, headers(chunk) | change, chunk.data)


def test_a_chunk_of_a_newer_version_is_told_apart() -> None:
    """A newer program may read it: it is not dropped as nonsense."""
    with pytest.raises(NewerChunk, match="newer agent-journal"):
        parse(_PLACE, {"Aj-V": "2"}, b"")


def test_a_chunk_has_a_bound() -> None:
    """No sender can make a machine keep more in memory than a chunk."""
    with pytest.raises(ChunkError, match="at most"):
        parse(_PLACE, headers(Chunk(_PLACE, 0, 0, b"")), bytes(MAX_CHUNK + 1))


def test_the_name_of_a_mirror() -> None:
    """A folder is a mirror only if its name has the exact form."""
    assert parse_mirror(f"m-{_MACHINE}-12") == (_MACHINE, 12)
    assert parse_mirror("12") is None
    assert parse_mirror(f"m-{_MACHINE}-012") is None


def _mirrors(folder: Path, most: int = 1 << 20) -> Mirrors:
    (folder / "lanes").mkdir(mode=0o700, exist_ok=True)
    return Mirrors(folder / "lanes", folder / "incoming", most=most)


def _anonymous(data: bytes) -> Place:
    return Place(_MACHINE, 1, 1, f"crc-{crc32(data[:256]):08x}")


def test_other_bytes_are_a_fork_and_change_nothing(tmp_path: Path) -> None:
    """A chunk whose running checksum does not fit, or that has other bytes, is kept out."""
    mirrors, first = _mirrors(tmp_path), b"one line\n"
    place = _anonymous(first)
    mirrors.add(Chunk(place, 0, 0, first))
    with pytest.raises(ForkFound):
        mirrors.add(Chunk(place, len(first), 1, b"more\n"))
    with pytest.raises(ForkFound):
        mirrors.add(Chunk(place, 4, crc32(first[:4]), b"LINE\n"))
    with pytest.raises(ForkFound):
        mirrors.add(Chunk(place, 0, 0, first, Whole(len(first), 1)))
    [path] = tmp_path.glob("lanes/*/000001.jsonl")
    assert path.read_bytes() == first


def test_a_name_that_the_bytes_deny_is_refused(tmp_path: Path) -> None:
    """A segment cannot come under the uuid of another."""
    with pytest.raises(ChunkError, match="names"):
        _mirrors(tmp_path).add(Chunk(Place(_MACHINE, 1, 1, uuid7()), 0, 0, b"no header\n"))
    assert not list(tmp_path.glob("lanes/*/*"))


def test_a_hole_is_no_fork(tmp_path: Path) -> None:
    """Bytes behind the end wait for those in front of them."""
    mirrors, first = _mirrors(tmp_path), b"one line\n"
    with pytest.raises(Hole):
        mirrors.add(Chunk(_anonymous(first), 9, 5, b"x\n"))


def test_mirrors_have_a_bound(tmp_path: Path) -> None:
    """They do not fill the disk beyond what is configured."""
    mirrors, first = _mirrors(tmp_path, most=12), b"one line\n"
    place = _anonymous(first)
    mirrors.add(Chunk(place, 0, 0, first))
    with pytest.raises(TooLarge, match="max_mirror_bytes"):
        mirrors.add(Chunk(place, 9, crc32(first), b"more\n"))


def test_a_segment_does_not_begin_before_the_one_in_front_is_complete(tmp_path: Path) -> None:
    """Readers take a segment with a later one behind it as final."""
    mirrors = _mirrors(tmp_path)
    first, later = b"one line\n", b"another\n"
    whole = first + b"more\n"
    second = Chunk(Place(_MACHINE, 1, 2, f"crc-{crc32(later):08x}"), 0, 0, later)
    place = _anonymous(first)
    mirrors.add(Chunk(place, 0, 0, first))
    with pytest.raises(Hole, match="in front of it"):
        mirrors.add(second)
    assert len(list(tmp_path.glob("lanes/*/*"))) == 1
    end = Whole(len(whole), crc32(whole))
    mirrors.add(Chunk(place, len(first), crc32(first), b"more\n", end))
    assert mirrors.add(second)
    assert [path.read_bytes() for path in sorted(tmp_path.glob("lanes/*/*"))] == [whole, later]


def test_what_waits_for_the_segment_in_front_comes_when_that_is_complete(tmp_path: Path) -> None:
    """The missing end is asked for, although nothing behind it has arrived; then the next comes."""
    mirrors = _mirrors(tmp_path)
    inbound = Inbound(uuid7(), (), Ours(tmp_path / "lanes", Names()), mirrors)
    first, rest, later = b"one line\n", b"more\n", b"another\n"
    place, behind = _anonymous(first), Place(_MACHINE, 1, 2, f"crc-{crc32(later):08x}")
    inbound.add(Chunk(place, 0, 0, first))
    chunk = Chunk(behind, 0, 0, later)
    assert not inbound.add(chunk)
    assert set(inbound.holes) == {place, behind}
    whole = Whole(len(first + rest), crc32(first + rest))
    end = Chunk(place, len(first), crc32(first), rest, whole)
    peer = Fake(Random(1), {place: [end], behind: [chunk]})  # noqa: S311 - no secret
    for _ in range(20):
        asyncio.run(inbound.fill(peer))
    assert not inbound.holes
    assert [each.size for each in mirrors.held()] == [len(first + rest), len(later)]
