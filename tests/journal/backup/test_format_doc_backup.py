"""docs/format.md is true: the format of a backup, and the restore program in it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import orjson

from journal import Journal, make_backup
from journal.backup.manifest import MANIFEST, copy_name
from journal.fs.key_file import own_key
from journal.lanes import writer
from journal.verify import verify
from projector import Projection
from tests.support.journals import headers
from tests.support.redaction.document import program, rows

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_program_of_the_document_restores_a_backup(
    journal_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The restored journal is complete, and writers begin new lanes in it."""
    monkeypatch.setattr(writer, "ROLL_SIZE", 1000)
    with Journal.open(journal_dir) as first, Journal.open(journal_dir) as second:
        for n in range(20):
            (first, second)[n % 2].append_message("s", "user", f"text {n}", id=f"m{n}")
    own_key(journal_dir)
    make_backup(journal_dir, tmp_path / "backup")
    made = tmp_path / "made"
    before = os.umask(0o077)
    try:
        program("reader", "restorer")["restore"](tmp_path / "backup", made)
    finally:
        os.umask(before)
    assert verify(made / "lanes").problems == ()
    with Projection.open(made) as new, Projection.open(journal_dir) as old:
        assert new.digest() == old.digest()
    lanes = {header.lane for header in headers(made)}
    with Journal.open(made) as journal:
        journal.append_message("s", "user", "later")
    assert len({header.lane for header in headers(made)} - lanes) == 1


def test_the_manifest_has_the_documented_keys(journal_dir: Path, tmp_path: Path) -> None:
    """The manifest and each of its segments have exactly the documented keys."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "hello")
    make_backup(journal_dir, tmp_path / "backup")
    manifest = orjson.loads((tmp_path / "backup" / MANIFEST).read_bytes())
    (segment,) = manifest["segments"]
    first = ["crc", "backup", "journal", "format", "began", "keys", "segments"]
    assert list(manifest) == first
    assert [row[0] for row in rows("| key of a manifest | kind | meaning |")] == first
    documented = [
        name
        for row in rows("| key of a segment | kind | meaning |")
        for name in re.findall(r"\w+", row[0])
    ]
    assert list(segment) == documented


def test_the_names_of_files_are_those_of_the_document() -> None:
    """A file name contains a uuid, `none`, or 32 digits."""
    uuid = "0199c0de-0000-7000-8000-000000000002"
    assert copy_name(7, uuid) == f"000007.{uuid}.jsonl"
    assert copy_name(7, "") == "000007.none.jsonl"
    assert re.fullmatch(r"000007\.[0-9a-f]{32}\.jsonl", copy_name(7, "my segment"))
