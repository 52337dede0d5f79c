"""`journal relay copy`: the carrier that is a folder."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from journal import Journal
from journal.cli import cli
from journal.fs.directory import open_directory
from journal.verify import verify
from projector import Projection
from projector.relay.errors import RelayBusy, RelayError
from projector.relay.folder import copy
from projector.relay.identity import former_of, machine_of
from projector.relay.lock import relay_lock

if TYPE_CHECKING:
    from pathlib import Path


def _append(path: Path, *ids: str, session: str = "s", content: str = "hello") -> None:
    with Journal.open(path, fsync="never") as journal:
        for id in ids:
            journal.append_message(session, "user", f"{content} {id}", id=id)


def _run(path: Path, *arguments: object) -> str:
    done = CliRunner().invoke(cli, ["--journal", str(path), *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.stdout


def _digest(path: Path) -> str:
    with Projection.open(path) as projection:
        return projection.digest()


def _ids(path: Path) -> set[str]:
    with Projection.open(path) as projection:
        return {m.id for s in projection.sessions() for m in projection.messages(s.session)}


def test_both_ways_end_with_one_digest(tmp_path: Path) -> None:
    """Two journals that were copied into each other hold the same events; a third gets both."""
    a, b, c = (tmp_path / name for name in "abc")
    _append(a, "m1", "m2")
    _append(b, "m3", session="t")
    assert copy(open_directory(b), a).segments == 1
    assert copy(open_directory(a), b).segments == 1
    _append(a, "m4")
    found = copy(open_directory(b), a)
    assert (found.segments, found.problems) == (1, ())
    assert copy(open_directory(b), a).bytes == 0
    assert copy(open_directory(c), b).segments == 2
    assert _digest(a) == _digest(b) == _digest(c)
    assert _ids(c) == {"m1", "m2", "m3", "m4"}
    for path in (a, b, c):
        assert not verify(path / "lanes").problems


def test_a_long_record_and_many_segments_arrive_byte_for_byte(tmp_path: Path) -> None:
    """Chunks are put together to the same files, also where a record is longer than a chunk."""
    a, b = tmp_path / "a", tmp_path / "b"
    _append(a, "long", content="x" * 1_500_000)
    (a / "lanes" / "1" / "roll").touch(mode=0o600)
    _append(a, "m2", "m3")
    copy(open_directory(b), a)
    for path in (a / "lanes" / "1").glob("*.jsonl"):
        [mirrored] = b.glob(f"lanes/m-*/{path.name}")
        assert mirrored.read_bytes() == path.read_bytes()


def test_an_unfinished_line_stays_where_it_is(tmp_path: Path) -> None:
    """A writer may remove its unfinished line: others never have it."""
    a, b = tmp_path / "a", tmp_path / "b"
    _append(a, "m1")
    path = a / "lanes" / "1" / "000001.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"crc":"0000')
    copy(open_directory(b), a)
    [mirrored] = b.glob("lanes/m-*/*.jsonl")
    assert mirrored.read_bytes() == whole


def test_a_clone_becomes_another_machine(tmp_path: Path) -> None:
    """Of two journals with one uuid the one that copies becomes another machine."""
    a, b = tmp_path / "a", tmp_path / "b"
    _append(a, "m1")
    shutil.copytree(a, b, copy_function=shutil.copy2)
    _append(a, "m2")
    _append(b, "m3", session="t")
    found = copy(open_directory(b), a)
    assert found.renamed
    assert former_of(open_directory(b)) == (machine_of(open_directory(a)),)
    assert not copy(open_directory(b), a).renamed
    _append(b, "m4", session="t")
    copy(open_directory(a), b)
    copy(open_directory(b), a)
    assert _ids(a) == _ids(b) == {"m1", "m2", "m3", "m4"}
    assert _digest(a) == _digest(b)


def test_a_restored_backup_gets_its_lost_end_back(tmp_path: Path) -> None:
    """An older copy in the place of the journal finds what it lacks in the mirror of another."""
    a, b, backup = (tmp_path / name for name in ("a", "b", "backup"))
    _append(a, "m1")
    shutil.copytree(a, backup)
    _append(a, "m2")
    copy(open_directory(b), a)
    shutil.rmtree(a)
    shutil.move(backup, a)
    _append(a, "m3")
    assert copy(open_directory(a), b).renamed
    copy(open_directory(b), a)
    assert _ids(a) == _ids(b) == {"m1", "m2", "m3"}
    assert _digest(a) == _digest(b)


def test_an_erased_event_leaves_the_mirror(tmp_path: Path) -> None:
    """What the origin rewrote replaces the mirror, and no byte of it stays in its lanes."""
    a, b = tmp_path / "a", tmp_path / "b"
    _append(a, "m1", content="planted-secret")
    _append(a, "m2", session="other")
    copy(open_directory(b), a)
    _run(a, "forget", "s", "--yes")
    copy(open_directory(b), a)
    assert not [p for p in b.glob("lanes/*/*") if b"planted-secret" in p.read_bytes()]
    assert _digest(a) == _digest(b)


def test_one_relay_works_for_a_journal(tmp_path: Path) -> None:
    """A second one ends with an error, and changes nothing."""
    _append(tmp_path / "a", "m1")
    journal = open_directory(tmp_path / "a")
    with relay_lock(journal), pytest.raises(RelayBusy), relay_lock(journal):
        pass


def test_a_journal_is_not_copied_into_itself(tmp_path: Path) -> None:
    """The command says so, and does not make it another machine."""
    _append(tmp_path / "a", "m1")
    with pytest.raises(RelayError, match="another one"):
        copy(open_directory(tmp_path / "a"), tmp_path / "a")


def test_the_command_prints_what_came(tmp_path: Path) -> None:
    """One line for people, one object for programs."""
    a, b = tmp_path / "a", tmp_path / "b"
    _append(a, "m1")
    _append(b, "m2")
    assert json.loads(_run(b, "relay", "copy", a, "--json"))["segments"] == 1
    assert "0 bytes" in _run(b, "relay", "copy", a)
