"""The journal's keys: created once, readable only by the owner, and never part of a hash."""

from __future__ import annotations

import os
import re
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from journal.errors import JournalOpenError
from journal.format.keyed_hash import Key
from journal.fs import key_file
from journal.fs.directory import KEY_FILE, open_directory
from journal.fs.files import create_file
from journal.fs.key_file import add_keys, own_key, read_keys
from journal.fs.lock import lock_folder
from tests.support.disks.faulty import faulty_disk

if TYPE_CHECKING:
    from pathlib import Path

_OTHER = Key(b"o" * 32)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Return a new journal."""
    return open_directory(tmp_path / "journal").path


def test_no_key_is_made_until_one_is_needed(journal: Path) -> None:
    """A journal in which nothing was redacted or forgotten has no key."""
    assert read_keys(journal) == ()
    assert not (journal / KEY_FILE).exists()


def test_concurrent_callers_get_one_key(journal: Path) -> None:
    """Of several callers that create the key at the same time, one succeeds and all use it."""
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(own_key, [journal] * 32))
    assert keys == set(read_keys(journal))
    assert len(keys) == 1


def test_only_the_owner_reads_the_key(journal: Path) -> None:
    """The file has mode 0600, and `repr` of a key does not contain its bytes."""
    key = own_key(journal)
    assert stat.S_IMODE((journal / KEY_FILE).stat().st_mode) == 0o600
    assert key.secret.hex() not in repr(key) + key.id
    assert str(key.secret) not in repr(key)


def test_a_new_key_is_durable_before_it_is_used(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer may have synced the folder before: a power loss would leave hashes without a key."""
    faulty = faulty_disk(monkeypatch)
    own_key(journal)
    assert faulty.folders == [journal]


def test_keys_of_other_journals_come_after_the_own(journal: Path) -> None:
    """An added key is stored once, and the journal's own key stays the first."""
    own = own_key(journal)
    add_keys(journal, [_OTHER, own])
    add_keys(journal, [_OTHER])
    assert read_keys(journal) == (own, _OTHER)


def test_a_journal_without_a_key_gets_the_key_of_its_fleet(journal: Path) -> None:
    """The first added key becomes the journal's own."""
    add_keys(journal, [_OTHER])
    assert own_key(journal) == _OTHER


def test_keys_that_are_added_at_once_are_all_kept(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each addition reads the file and replaces it: none may lose what another one added."""
    read = key_file.read_keys

    def read_slowly(path: Path) -> tuple[Key, ...]:
        found = read(path)
        time.sleep(0.005)  # another addition would replace the file meanwhile
        return found

    monkeypatch.setattr(key_file, "read_keys", read_slowly)
    keys = [Key(bytes([number]) * 32) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(add_keys, journal, [key]) for key in keys]:
            done.result()
    assert set(read(journal)) == set(keys)


def test_an_own_key_that_is_made_meanwhile_is_kept(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process makes the journal's key at the moment in which the first keys are added."""
    own: list[Key] = []

    def create_late(path: Path, content: bytes) -> None:
        monkeypatch.undo()
        own.append(own_key(journal))
        create_file(path, content)

    monkeypatch.setattr(key_file, "create_file", create_late)
    add_keys(journal, [_OTHER])
    assert read_keys(journal) == (*own, _OTHER)


def test_a_folder_that_stays_locked_is_an_error(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the folder, and no key was added."""
    monkeypatch.setattr(key_file, "_PATIENCE", 0.0)
    holder = lock_folder(journal)
    assert holder is not None
    try:
        with pytest.raises(JournalOpenError, match=r"held the folder .* no key was added"):
            add_keys(journal, [_OTHER])
    finally:
        os.close(holder)
    assert read_keys(journal) == ()


@pytest.mark.parametrize("content", ["0123\n", "z" * 64 + "\n", "é\n", "\n", "0" * 64 + "\n00\n"])
def test_a_damaged_key_file_is_an_error_and_is_kept(journal: Path, content: str) -> None:
    """It is not replaced: with a new key, no hash of the old one could be checked."""
    (journal / KEY_FILE).write_text(content)
    (journal / KEY_FILE).chmod(0o600)
    with pytest.raises(JournalOpenError, match=r"(?i)put (it|the file) back") as error:
        own_key(journal)
    assert not re.search("codec|fromhex", str(error.value))
    assert (journal / KEY_FILE).read_text() == content


def test_hashes_differ_by_key_kind_and_value() -> None:
    """A hash depends on the key, the kind of hash, and every part of the value."""
    key = Key(b"k" * 32)
    hashes = [
        key.hash("session", "a"),
        key.hash("secret", "a"),
        _OTHER.hash("session", "a"),
        key.hash("session", "b"),
        key.hash("event", ["a", "b"]),
        key.hash("event", ["ab", ""]),
    ]
    assert len(set(hashes)) == len(hashes)
    assert all(len(each) == 32 for each in hashes)


def test_the_order_of_the_keys_of_an_object_does_not_count() -> None:
    """Equal JSON values have one hash."""
    key = Key(b"k" * 32)
    assert key.hash("original", {"a": 1, "b": 2}) == key.hash("original", {"b": 2, "a": 1})


def test_a_key_has_32_bytes() -> None:
    """A key of another length is refused."""
    with pytest.raises(ValueError, match="32"):
        Key(b"short")
