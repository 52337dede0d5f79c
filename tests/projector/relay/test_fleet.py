"""Machines that share a real server."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from journal import make_backup, restore_backup
from tests.support.relay.fleet import Machine, assert_same

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.relay.servers import Server

_COPIES = frozenset({"duplicate", "copy"})
"""A former self of a machine is mirrored, and has segments that are its own, too."""


def test_three_machines_end_with_the_same_bytes(server: Server, tmp_path: Path) -> None:
    """What each appends is on all, also on one that comes later."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1", "a2")
    b.append("b1")
    a.append("long", content="x" * 1_500_000)
    assert_same(a, b)
    a.append("a3")
    c = Machine(tmp_path / "c", server.url)
    c.append("c1")
    assert_same(a, b, c)


def test_a_wiped_server_gets_everything_again(server: Server, tmp_path: Path) -> None:
    """Its stream is made again, and each machine sends what it has."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    assert_same(a, b)
    server.kill()
    server.wipe()
    server.start()
    b.append("b1")
    assert_same(a, b, Machine(tmp_path / "c", server.url))


def test_a_server_that_went_back_is_found_out(server: Server, tmp_path: Path) -> None:
    """An older copy of its disk lacks chunks, which are sent again."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    assert_same(a, b)
    server.kill()
    shutil.copytree(server.store, tmp_path / "older")
    server.start()
    a.append("a2")
    b.append("b1", "b2")
    assert_same(a, b)
    server.kill()
    server.wipe()
    shutil.copytree(tmp_path / "older", server.store)
    server.start()
    b.append("b3")
    assert_same(b, a, Machine(tmp_path / "c", server.url))


def test_a_clone_becomes_another_machine(server: Server, tmp_path: Path) -> None:
    """Of two copies that both go on, at least one gets a new uuid, and nothing is lost."""
    a = Machine(tmp_path / "a", server.url)
    a.append("a1")
    a.relay()
    shutil.copytree(a.path, tmp_path / "clone", copy_function=shutil.copy2)
    clone = Machine.__new__(Machine)
    clone.join_as_copy(tmp_path / "clone", a)
    a.append("a2")
    clone.append("k1")
    a.relay()
    assert_same(a, clone, kinds=_COPIES)
    assert a.status().machine != clone.status().machine


def test_a_restored_backup_gets_its_end_back(server: Server, tmp_path: Path) -> None:
    """An older copy in the place of a machine finds what it lacks, and goes on as another."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    a.relay()
    shutil.copytree(a.path, tmp_path / "backup", copy_function=shutil.copy2)
    a.append("a2")
    assert_same(a, b)
    shutil.rmtree(a.path)
    shutil.move(tmp_path / "backup", a.path)
    a.append("a3")
    assert_same(a, b, kinds=_COPIES)
    assert a.status().former


def test_a_backup_of_a_journal_with_mirrors_is_restored(server: Server, tmp_path: Path) -> None:
    """What was mirrored is there again, with the same digest; it joins as a new machine."""
    a, b = (Machine(tmp_path / name, server.url) for name in "ab")
    a.append("a1")
    b.append("b1")
    assert_same(a, b)
    make_backup(b.path, tmp_path / "backup")
    digest = b.digest()
    shutil.rmtree(b.path)
    restore_backup(tmp_path / "backup", b.path)
    restored = Machine(b.path, server.url)
    restored.ids = b.ids
    assert restored.found() == {"a1", "b1"}
    assert restored.digest() == digest
    a.append("a2")
    restored.append("b2")
    assert_same(a, restored, kinds=_COPIES)
