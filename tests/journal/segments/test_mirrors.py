"""Lanes of other machines beside the own ones: read by all, written by none."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING
from zlib import crc32

import pytest

from journal import Journal, compact
from journal.erasure.eraser import erase
from journal.erasure.requests import read_requests
from journal.format.frame import BODY
from journal.fs.directory import open_directory
from journal.segments.listing import own_lanes
from journal.segments.mirrors import parse_mirror
from journal.verify import verify
from projector import Projection
from projector.forgetting.files.check import check_erased
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from tests.support.journals import segments
from tools.bench.parts.opening import make_segments

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = "0190a2f0-1234-7000-8000-00000000abcd"
NAME = f"m-{MACHINE}-1"


def mirror(source: Path, target: Path) -> Path:
    """Put a journal's lane 1 into another journal, as a relay does; return the mirror."""
    folder = target / "lanes" / NAME
    shutil.copytree(source / "lanes/1", folder, ignore=shutil.ignore_patterns("lock"))
    folder.chmod(0o700)
    return folder


def said(path: Path, *ids: str) -> None:
    """Append messages with these ids, which begin with a word of their own."""
    with Journal.open(path) as journal:
        for id in ids:
            journal.append_message("s", "user", f"word{id} was said", id=id)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (NAME, (MACHINE, 1)),
        (f"m-{MACHINE}-120", (MACHINE, 120)),
        (f"m-{MACHINE}-0", None),
        (f"m-{MACHINE}-01", None),
        (f"m-{MACHINE}", None),
        (f"m-{MACHINE.upper()}-1", None),
        (f"m-{MACHINE}-1\n", None),
        (f"x-{MACHINE}-1", None),
        ("1", None),
    ],
)
def test_the_name_of_a_mirror_is_exact(name: str, found: tuple[str, int] | None) -> None:
    """A machine's uuid and a number without zeros in front; nothing else is a mirror."""
    assert parse_mirror(name) == found


def test_a_mirror_is_read_and_never_written_to(journal_dir: Path, tmp_path: Path) -> None:
    """Search finds what another machine wrote; a writer leases a lane of its own."""
    said(tmp_path / "other", "a")
    folder = mirror(tmp_path / "other", journal_dir_of(journal_dir))
    said(journal_dir, "b")
    with Projection.open(journal_dir) as projection:
        assert [hit.id for hit in projection.search("worda").hits] == ["a"]
        assert [m.id for m in projection.messages("s")] == ["a", "b"]
    assert own_lanes(journal_dir / "lanes") == ["1"]
    assert os.listdir(folder) == ["000001.jsonl"]


def journal_dir_of(path: Path) -> Path:
    """Return the folder, with a journal in it."""
    Journal.open(path).close()
    return path


def test_the_end_of_a_mirror_may_be_yet_to_arrive(journal_dir: Path, tmp_path: Path) -> None:
    """A line of which a part arrived is behind, and no torn one; the rest of it completes it."""
    said(tmp_path / "other", "a", "b")
    path = mirror(tmp_path / "other", journal_dir_of(journal_dir)) / "000001.jsonl"
    whole = path.read_bytes()
    for size in (len(whole) - 5, len(whole) - 1, 40, 0):
        path.write_bytes(whole[:size])
        report = verify(journal_dir / "lanes")
        assert report.problems == ()
        assert [(note.kind, note.lane) for note in report.notes] == [("behind", NAME)]
    path.write_bytes(whole)
    assert verify(journal_dir / "lanes").notes == ()


def test_damage_of_a_mirror_is_damage(tmp_path: Path) -> None:
    """A byte of a mirror that changed is found, also at its end."""
    said(tmp_path / "other", "a", "b")
    here = journal_dir_of(tmp_path / "here")
    path = mirror(tmp_path / "other", here) / "000001.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10] + b"X" + whole[-9:])
    assert [(each.kind, each.lane) for each in verify(here / "lanes").problems] == [
        ("damage", NAME)
    ]


def test_a_clone_has_copies_and_forks_and_no_damage(tmp_path: Path) -> None:
    """A machine that was cloned gets its own past as a mirror, which is longer or another one."""
    one, two = tmp_path / "one", tmp_path / "two"
    said(one, "a")
    shutil.copytree(one, two)
    mirror(one, two)
    report = verify(two / "lanes")
    assert report.problems == ()
    assert [note.kind for note in report.notes] == ["copy"]
    shutil.rmtree(two / "lanes" / NAME)
    # both went on in the same file, as after a snapshot of a running machine
    said(one, "b")
    began = (two / "lanes/1/000001.jsonl").read_bytes()
    last = (one / "lanes/1/000001.jsonl").read_bytes()[len(began) :]
    other = with_checksum(last.replace(b"wordb", b"wordx"))
    (two / "lanes/1/000001.jsonl").write_bytes(began + other)
    mirror(one, two)
    report = verify(two / "lanes")
    assert report.problems == ()
    (note,) = report.notes
    assert note.kind == "fork"
    assert note.offset is not None
    assert 0 <= note.offset - len(began) < BODY  # the checksums differ


def with_checksum(line: bytes) -> bytes:
    """Return a record's line with the checksum of its bytes."""
    return b'{"crc":"%08x",' % crc32(line[BODY:-1]) + line[BODY:]


def test_no_eraser_changes_a_mirror(tmp_path: Path) -> None:
    """What is forgotten is hidden in mirrors too; their bytes stay until their origin erases."""
    here, there = tmp_path / "here", tmp_path / "there"
    said(here, "a")
    said(there, "b")
    path = mirror(there, here) / "000001.jsonl"
    before, inode = path.read_bytes(), path.stat().st_ino
    forget(here, Selection(sessions=("s",)))
    assert (path.read_bytes(), path.stat().st_ino) == (before, inode)
    assert os.listdir(path.parent) == ["000001.jsonl"]
    with Projection.open(here) as projection:
        assert projection.search("wordb").hits == ()
    journal = open_directory(here)
    report = erase(journal, read_requests(journal), patience=0)
    assert (report.segments, [each.lane_folder for each in report.pending]) == (0, [NAME])
    assert [each.where for each in check_erased(journal).found] == [f"lanes/{NAME}/000001.jsonl"]
    assert all(b"worda" not in each.read_bytes() for each in segments(here) if each != path)


def test_compaction_leaves_mirrors_alone(tmp_path: Path) -> None:
    """Small segments of a mirror stay as their origin has them."""
    here = journal_dir_of(tmp_path / "here")
    make_segments(tmp_path / "there", 3)
    folder = mirror(tmp_path / "there", here)
    names = sorted(os.listdir(folder))
    assert compact(here).joined == 0
    assert sorted(os.listdir(folder)) == names


def test_a_lock_in_a_mirror_is_foreign(tmp_path: Path) -> None:
    """No writer leases a mirror, so that one holds no lock file; it may be retired."""
    said(tmp_path / "other", "a")
    here = journal_dir_of(tmp_path / "here")
    folder = mirror(tmp_path / "other", here)
    (folder / "retired").touch()
    assert verify(here / "lanes").problems == ()
    (folder / "lock").touch()
    assert [each.kind for each in verify(here / "lanes").problems] == ["foreign"]
