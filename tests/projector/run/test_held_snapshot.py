"""A reader that holds an old snapshot affects neither the WAL nor other readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from journal import Journal
from journal.fs.directory import open_directory
from projector import Projection
from projector.db.generations import generations
from projector.run.build import rebuild
from projector.run.lock_holder import move_to_copy, open_current

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

# its own process: two SQLite libraries in one process drop each other's locks on a file
HOLDER = """
import sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, isolation_level=None)
db.execute("BEGIN")
print(db.execute("SELECT count(*) FROM _events").fetchone()[0], flush=True)
sys.stdin.readline()
print(db.execute("SELECT count(*) FROM _events").fetchone()[0], flush=True)
"""


def test_the_projector_continues_in_a_copy(
    journal_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    start: Callable[..., subprocess.Popen[str]],
) -> None:
    """The reader keeps its snapshot, other readers see new events, and the WAL stays small."""
    monkeypatch.setattr("projector.run.projector._TRANSACTION", 20_000)
    for name, size in {"_PRESSED": 20, "_PINNED": 40}.items():
        monkeypatch.setattr(f"projector.run.wal.{name}", size * 1000)
    with Journal.open(journal_dir) as journal, Projection.open(journal_dir) as projection:
        journal.append_message("s", "user", "first")
        projection.sessions()
        holder = start(HOLDER, journal_dir / "projection/1.db")
        assert holder.stdout is not None
        assert holder.stdout.readline() == "1\n"
        largest = 0
        for number in range(300):
            journal.append_message("s", "user", f"word{number} " + "filler " * 60)
            if number % 10 == 0:
                projection.sessions()
                wals = (journal_dir / "projection").glob("*.db-wal")
                largest = max([largest, *(wal.stat().st_size for wal in wals)])
        assert len(projection.messages("s")) == 301
        assert generations(journal_dir).current() > 1  # type: ignore[operator] # it was built
        assert largest < 400_000
        assert holder.communicate("\n", timeout=60)[0] == "1\n", (
            "the snapshot changed under its reader"
        )


@pytest.mark.slow
def test_without_a_holder_there_is_no_copy(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a held snapshot, the WAL is reset and the generation does not change."""
    monkeypatch.setattr("projector.run.projector._TRANSACTION", 20_000)
    for name, size in {"_PRESSED": 20, "_PINNED": 6000}.items():
        monkeypatch.setattr(f"projector.run.wal.{name}", size * 1000)
    with Journal.open(journal_dir) as journal, Projection.open(journal_dir) as projection:
        for number in range(200):
            journal.append_message("s", "user", f"word{number} " + "filler " * 60)
            projection.sessions()
    assert generations(journal_dir).current() == 1


def test_a_copy_is_whole(journal_dir: Path) -> None:
    """The copy equals a rebuild."""
    with Journal.open(journal_dir) as journal:
        for number in range(50):
            journal.append_message(f"s{number % 3}", "user", f"word{number}")
    directory = open_directory(journal_dir)
    number, projector = open_current(directory)
    projector.catch_up()
    move_to_copy(directory, projector)
    projector.close()
    assert generations(journal_dir).current() == number + 1
    with Projection.open(journal_dir) as projection:
        copied = projection.digest()
        assert len(projection.search("word7").hits) == 1
        rebuild(directory)
        assert projection.digest() == copied
