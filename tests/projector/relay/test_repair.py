"""`journal relay repair`: our own lanes get back what they lack or have damaged."""

from __future__ import annotations

import json
import shutil
import sys
import time
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from journal.cli.kit.exits import DAMAGED
from journal.format.event import Event
from journal.format.record import Header, encode_event, encode_header
from journal.verify import verify
from projector.relay.files.compare import compare
from projector.relay.identity import RELAY
from tests.support.relay.fleet import Machine, assert_same

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.relay.servers import Server

_COPIES = frozenset({"duplicate", "copy"})


def _segment(machine: Machine, number: int = 1) -> Path:
    return machine.path / "lanes" / "1" / f"{number:06d}.jsonl"


def _forget_state(machine: Machine) -> None:
    for path in (machine.path / RELAY).glob("state.db*"):
        path.unlink()


def _repair(machine: Machine, *arguments: object) -> list[tuple[str, int]]:
    """Run the command; return what was done, and how many bytes were only here."""
    done = machine.run("relay", "repair", "--json", *arguments)
    assert done.exit_code == 0, done.output
    return [(each["done"], each["kept"]) for each in json.loads(done.stdout)["repaired"]]


def test_damage_in_our_own_lane_is_told_and_repaired(server: Server, tmp_path: Path) -> None:
    """It is no reason to become another machine; what is only here stays where it is."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1", "a2")
    assert_same(a, b)
    machine = a.status().machine
    a.append("a3")
    path = _segment(a)
    only_here = len(path.read_bytes()) - len(next(b.path.glob("lanes/m-*/*")).read_bytes())
    path.write_bytes(path.read_bytes().replace(b"hello a1", b"HELLO a1"))
    damaged = path.read_bytes()
    _forget_state(a)
    a.relay()
    [problem] = a.status().problems
    assert "damage in our own lane 1 segment 1" in problem
    assert "journal relay repair" in problem
    assert a.run("relay", "status", "--check").exit_code == DAMAGED
    b.relay()
    assert b.found() == {"a1", "a2"}
    assert _repair(a) == [("mended", only_here)]
    [aside] = (a.path / RELAY / "damaged").iterdir()
    assert aside.read_bytes() == damaged
    assert_same(a, b)
    assert (a.status().machine, a.status().problems) == (machine, ())
    assert _repair(a) == []


@pytest.mark.parametrize("header", [False, True])
def test_a_lane_that_is_shorter_is_completed(
    server: Server, tmp_path: Path, *, header: bool
) -> None:
    """What a disk has lost of a file comes back, and the machine stays the same."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1", "a2")
    assert_same(a, b)
    machine = a.status().machine
    whole = _segment(a).read_bytes()
    _segment(a).write_bytes(whole[: 10 if header else -20])
    assert _repair(a) == [("completed", 0)]
    assert _segment(a).read_bytes() == whole
    a.append("a3")
    assert_same(a, b)
    assert a.status().machine == machine


def test_files_that_are_gone_are_fetched(server: Server, tmp_path: Path) -> None:
    """Of a whole lane, too; and a segment whose header is damaged is found by its place."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    for name in ("a1", "a2", "a3"):
        a.append(name)
        a.roll()
    assert_same(a, b)
    before = {path.name: path.read_bytes() for path in _segment(a).parent.glob("*.jsonl")}
    assert len(before) == 3
    shutil.rmtree(_segment(a).parent)
    assert _repair(a) == [("fetched", 0)] * 3
    _segment(a, 2).unlink()
    damaged = before["000003.jsonl"].replace(b'"format":2', b'"format":9')
    _segment(a, 3).write_bytes(damaged)
    assert sorted(_repair(a)) == [("fetched", 0), ("mended", 0)]
    after = {path.name: path.read_bytes() for path in _segment(a).parent.glob("*.jsonl")}
    assert after == before
    assert_same(a, b)


def test_a_segment_whose_header_is_damaged_is_not_sent_under_another_name(
    server: Server, tmp_path: Path
) -> None:
    """The others would keep it out as a fork; it is shown as damage."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    assert_same(a, b)
    a.append("a2")
    path = _segment(a)
    path.write_bytes(path.read_bytes().replace(b'"format":2', b'"format":9', 1))
    a.relay()
    b.relay()
    assert "its header is damaged" in a.status().problems[0]
    assert b.status().problems == ()
    [(done, kept)] = _repair(a)
    assert (done, kept > 0) == ("mended", True)
    assert_same(a, b)


def test_sound_records_that_differ_are_left_to_the_relay(server: Server, tmp_path: Path) -> None:
    """A restored backup that went on has them: nothing of it is overwritten."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    a.relay()
    shutil.copytree(a.path, tmp_path / "backup", copy_function=shutil.copy2)
    a.append("a2")
    assert_same(a, b)
    shutil.rmtree(a.path / "lanes")
    shutil.copytree(tmp_path / "backup" / "lanes", a.path / "lanes", copy_function=shutil.copy2)
    with _segment(a).open("ab") as file:  # as its writer would, had it not noticed the copy
        file.write(_line(2, "a3"))
    a.ids.add("a3")
    before = _segment(a).read_bytes()
    done = a.run("relay", "repair")
    assert (done.exit_code, _segment(a).read_bytes()) == (DAMAGED, before)
    assert "sound records here differ" in done.stderr
    assert_same(a, b, kinds=_COPIES)
    assert a.status().former


def test_lanes_of_an_older_backup_are_completed_or_become_those_of_another_machine(
    server: Server, tmp_path: Path
) -> None:
    """Whatever `state.db` says was sent: no byte is sent behind bytes that are not here."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    a.relay()
    shutil.copytree(a.path / "lanes", tmp_path / "lanes", copy_function=shutil.copy2)
    a.append("a2")
    assert_same(a, b)
    shutil.rmtree(a.path / "lanes")
    shutil.copytree(tmp_path / "lanes", a.path / "lanes", copy_function=shutil.copy2)
    a.append("a3", content="x" * 1_000)
    assert_same(a, b, kinds=_COPIES)
    assert a.status().former


def test_a_lane_whose_writer_is_at_work_is_left(server: Server, tmp_path: Path) -> None:
    """Its writer would go on in the file that was replaced."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    assert_same(a, b)
    path = _segment(a)
    path.write_bytes(path.read_bytes()[:-20])
    with Journal.open(a.path):
        before = path.read_bytes()
        done = a.run("relay", "repair")
        assert (done.exit_code, path.read_bytes()) == (DAMAGED, before)
        assert "a writer holds the lane" in done.stderr
    assert _repair(a) == [("completed", 0)]
    assert_same(a, b)


def test_what_the_server_lost_is_read_from_another_machine(
    server: Server, tmp_path: Path, start_command: Callable[..., subprocess.Popen[str]]
) -> None:
    """Chunks that are gone in the middle of the stream are in the mirror of another machine."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("long", content="x" * 1_800_000)
    a.append("a2")
    assert_same(a, b)
    server.lose("AJ_f", 2)
    whole = _segment(a).read_bytes()
    _segment(a).write_bytes(whole[:900_000])
    done = a.run("relay", "repair")
    assert (done.exit_code, "are nowhere" in done.stderr) == (DAMAGED, True)
    start_command(sys.executable, "-m", "journal", "--journal", b.path, "relay", "run")
    until = time.monotonic() + 30
    while a.run("relay", "repair").exit_code and time.monotonic() < until:
        time.sleep(0.1)
    assert _segment(a).read_bytes() == whole
    assert not verify(a.path / "lanes").problems


def test_a_folder_repairs_without_a_server(tmp_path: Path) -> None:
    """The mirrors of another journal have what ours lacks, also without a fleet."""
    a, b = (Machine(tmp_path / name, "nats://127.0.0.1:1") for name in "ab")
    a.append("a1", "a2")
    assert b.run("relay", "copy", a.path).exit_code == 0
    whole = _segment(a).read_bytes()
    _segment(a).write_bytes(whole.replace(b"hello a1", b"HELLO a1"))
    assert _repair(a, b.path) == [("mended", 0)]
    assert _segment(a).read_bytes() == whole
    assert a.run("relay", "repair", a.path).exit_code == 1


def test_what_was_erased_does_not_come_back(tmp_path: Path) -> None:
    """Of a segment and the one that replaces it, only that one is fetched."""
    a, b, old = (Machine(tmp_path / name, "nats://127.0.0.1:1") for name in ("a", "b", "old"))
    a.append("a1")
    assert old.run("relay", "copy", a.path).exit_code == 0
    assert a.run("forget", "a", "--yes").exit_code == 0
    assert b.run("relay", "copy", a.path).exit_code == 0
    assert _repair(a, old.path) == []
    [mirror] = b.path.glob("lanes/m-*")
    [older] = old.path.glob("lanes/m-*/*.jsonl")
    shutil.copy(older, mirror / "000009.jsonl")  # a store that has both
    (mirror / "000009.jsonl").chmod(0o600)
    shutil.rmtree(a.path / "lanes" / "1")
    _repair(a, b.path)
    for path in (a.path / "lanes").rglob("*.jsonl"):
        assert b"hello a1" not in path.read_bytes()


_LATE = 2_000_000_000_000_000
"""Microseconds: a time behind that of all events that are appended now."""
_UUID = "0199c0de-0000-7000-8000-000000000001"


def _line(seq: int, id: str = "") -> bytes:
    data = {"role": "user", "content": "hello"}
    at = _LATE + seq
    event = Event(
        id=id or f"m{seq}", type="message.appended", session="s", time=at, order=at, data=data
    )
    return encode_event(seq, event)


_HEAD = encode_header(Header(2, _UUID, _UUID, 1, 1, "h", "", 1, 1, ()))
_WHOLE = _HEAD + b"".join(map(_line, range(1, 5)))
_BROKEN = _line(2).replace(b"hello", b"HELLO")
_NEW = _line(5)


_BROKEN_WHOLE = _WHOLE.replace(_line(2), _BROKEN)
_OTHER = _WHOLE.replace(_line(4), _line(4, "other"))
_WAYS = {
    "whole": (_WHOLE, "same", b""),
    "grown": (_WHOLE + _NEW, "same", b""),
    "growing": (_WHOLE + b'{"crc":"', "same", b""),
    "without its last newline": (_WHOLE[:-1], "shorter", _WHOLE),
    "cut off": (_WHOLE[:-30], "shorter", _WHOLE),
    "empty": (b"", "shorter", _WHOLE),
    "a byte changed": (_BROKEN_WHOLE, "damaged", _WHOLE),
    "changed and grown": (_BROKEN_WHOLE + _NEW, "damaged", _WHOLE + _NEW),
    "also what is new": (_BROKEN_WHOLE + _BROKEN + _NEW, "damaged", _WHOLE + _BROKEN + _NEW),
    "a line removed": (_WHOLE.replace(_line(2), b"") + _NEW, "damaged", _WHOLE + _NEW),
    "a line emptied": (_WHOLE.replace(_line(2), b"\n"), "damaged", _WHOLE),
    "a longer line": (_WHOLE.replace(_line(2), b"x" * 7_000 + b"\n"), "damaged", _WHOLE),
    "its header": (_HEAD.replace(b":2,", b":3,", 1) + _WHOLE[len(_HEAD) :], "damaged", _WHOLE),
    "all NUL": (b"\0" * len(_WHOLE), "damaged", _WHOLE),
    "another event": (_OTHER, "fork", b""),
    "another event, and grown": (_OTHER + _NEW, "fork", b""),
    "another event, and damage": (_OTHER.replace(_line(2), b"\n"), "fork", b""),
}


@pytest.mark.parametrize("way", _WAYS)
def test_what_is_only_here_is_kept(way: str) -> None:
    """Each way in which a file can differ from what others have of it."""
    here, kind, content = _WAYS[way]
    found = compare(here, _WHOLE)
    assert (found.kind, found.content) == (kind, content)
    assert found.content.endswith(_NEW) is (found.kept > 0)


def test_damaged_bytes_of_others_replace_nothing() -> None:
    """They may have been damaged before they were sent."""
    there = _WHOLE.replace(_line(3), _line(3).replace(b"hello", b"HELLO"))
    assert compare(_WHOLE.replace(_line(2), _BROKEN), there).kind == "unsound"
    assert compare(there + _NEW, there).kind == "same"
