"""The folder of the projection is removed again and again; every handle rebuilds and continues."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from journal.fs.directory import open_directory
from projector import Projection, SessionStore
from projector.db.generations import generations
from projector.run.build import rebuild

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECTOR = str(Path(sys.executable).with_name("projector"))


@pytest.fixture(params=[False, True], ids=["alone", "beside a projector"])
def journal(journal_dir: Path, request: pytest.FixtureRequest) -> Iterator[Journal]:
    """A journal, in one case with a projector that must survive the removals."""
    with Journal.open(journal_dir) as journal:
        if not request.param:
            yield journal
            return
        command = [PROJECTOR, "--journal", str(journal_dir), "run"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                yield journal
                assert process.poll() is None
            finally:
                process.kill()


def test_the_projection_may_vanish_at_any_moment(journal: Journal) -> None:
    """Reads, decisions and projectors raise no error, and each handle sees its own writes."""
    done = threading.Event()

    def remove() -> None:
        while not done.wait(0.2):
            shutil.rmtree(journal.path / "projection", ignore_errors=True)

    removing = threading.Thread(target=remove)
    removing.start()
    try:
        until = time.monotonic() + 4
        with SessionStore.open(journal.path, timeout=30) as store:
            number = 0
            while time.monotonic() < until:
                number += 1
                store.append("s", "user", "alpha", id=f"m{number}")
                assert len(store.messages("s")) == number
                assert store.search("alpha").hits
                assert store.claims.acquire(f"thing {number}", holder="me", seconds=60) is not None
    finally:
        done.set()
        removing.join()
    with Projection.open(journal.path, timeout=60) as projection:
        assert len(projection.messages("s")) == number


def test_old_generations_are_removed_without_a_daemon(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every process that applies events removes generations that no query can use any more."""
    with Journal.open(journal_dir) as journal, Projection.open(journal_dir) as projection:
        journal.append_message("s", "user", "alpha")
        projection.sessions()
        rebuild(open_directory(journal_dir))
        journal.append_message("s", "user", "beta")
        projection.sessions()
        kept = generations(journal_dir)
        assert kept.path(1).exists()
        monkeypatch.setattr("projector.db.generations._GRACE", -1.0)
        journal.append_message("s", "user", "gamma")
        assert len(projection.messages("s")) == 3
        assert not kept.path(1).exists()
        assert kept.path(2).exists()
