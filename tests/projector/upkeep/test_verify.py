"""A faulty projection is reported, with the remedy."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import apsw
import pytest

from journal import Journal
from journal.fs.directory import open_directory
from projector import Projection
from projector.db.checksums import vfs
from projector.db.generations import generations
from projector.db.read_only import open_on_any_medium
from projector.run.build import rebuild
from projector.upkeep.verify import Fault, verify

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def built(journal_dir: Path) -> Path:
    """A journal with a projection of generation 1."""
    with Journal.open(journal_dir) as journal:
        for number in range(300):
            journal.append_message(f"s{number % 7}", "user", f"word{number} and others")
    with Projection.open(journal_dir) as projection:
        projection.sessions()
    return journal_dir


def _faults(path: Path) -> list[Fault]:
    return verify(open_directory(path))


def test_a_sound_projection_has_no_faults(built: Path) -> None:
    """No fault is reported, also after a rebuild."""
    assert _faults(built) == []
    rebuild(open_directory(built))
    assert _faults(built) == []


def test_a_generation_that_is_replaced_meanwhile_is_no_fault(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that was in use can be gone before it is opened: the next one is checked."""

    def replace_first(path: Path, uuid: str) -> tuple[apsw.Connection, object]:
        if path.name == "1.db":
            rebuild(open_directory(built))
            generations(built).remove_earlier(2)
        return open_on_any_medium(path, uuid)

    monkeypatch.setattr("projector.upkeep.verify.open_on_any_medium", replace_first)
    assert _faults(built) == []


def test_a_projection_that_was_never_built_is_reported(journal_dir: Path) -> None:
    """A projection that was never built is reported as such, and not as sound."""
    Journal.open(journal_dir).close()
    assert [fault.remedy for fault in _faults(journal_dir)] == ["projector sync"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("DELETE FROM _events WHERE id = 5", "count"),
        ("UPDATE _meta SET value = 7 WHERE key = 'messages'", "count"),
        ("UPDATE _meta SET value = 7 WHERE key = 'conflicts'", "count"),
        ("DELETE FROM fts_docsize WHERE id = 5", "index"),
        ("DELETE FROM fts_data WHERE id > 10", "index"),
        ("UPDATE _segments SET offset = offset - 1", "log"),
        ("UPDATE _segments SET offset = offset + 1", "log"),
        ("UPDATE _segments SET number = 9", "log"),
    ],
)
def test_contradictions_are_named(built: Path, statement: str, kind: str) -> None:
    """Rows, counters, index and log are compared with each other."""
    # the checksums are right, so only the contents are wrong
    db = apsw.Connection(str(built / "projection/1.db"), vfs=vfs())
    db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
    db.execute(statement)
    db.close()
    assert kind in {fault.kind for fault in _faults(built)}
    rebuild(open_directory(built))
    assert _faults(built) == []


@pytest.mark.slow
def test_overwritten_pages_are_found(built: Path) -> None:
    """Random bytes in the b-trees of the tables and of the index are detected."""
    path = built / "projection/1.db"
    content = path.read_bytes()
    pages = len(content) // 4096
    noise = random.Random(1)  # noqa: S311 - the same noise each time
    for page in range(1, pages):
        damaged = bytearray(content)
        damaged[page * 4096 : page * 4096 + 100] = noise.randbytes(100)
        path.write_bytes(damaged)
        assert _faults(built), f"page {page + 1}"
    path.write_bytes(content)


def test_a_projector_may_be_at_work_meanwhile(built: Path) -> None:
    """Appending and applying between two steps of the check is no fault."""
    with Journal.open(built) as journal, Projection.open(built) as projection:
        for number in range(20):
            journal.append_message("s1", "user", f"more {number}")
            if number % 3 == 0:
                projection.sessions()
            assert _faults(built) == []
