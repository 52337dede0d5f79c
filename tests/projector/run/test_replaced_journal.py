"""If a journal is replaced under open handles, they raise errors and give no wrong answers."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from journal import Journal
from journal.errors import JournalOpenError
from journal.fs.directory import open_directory
from journal.lanes import recovery
from projector import NotProjected, Projection, SessionStore
from projector.db.generations import generations
from projector.errors import ProjectionError
from projector.reading.own_projector import OwnProjector
from projector.run.build import rebuild

PROJECTOR = str(Path(sys.executable).with_name("projector"))


def _write(path: Path, text: str) -> None:
    with Journal.open(path) as journal:
        journal.append_message("s", "user", text)


def _contents(projection: Projection) -> list[object]:
    return [message.content for message in projection.messages("s")]


@pytest.mark.parametrize("projected", [False, True], ids=["not projected", "projected"])
def test_a_handle_on_a_replaced_journal_raises(journal_dir: Path, *, projected: bool) -> None:
    """The handle raises an error and builds nothing in the new journal; a new handle answers."""
    _write(journal_dir, "old")
    with Projection.open(journal_dir) as old:
        assert _contents(old) == ["old"]
        shutil.rmtree(journal_dir)
        _write(journal_dir, "new")
        if projected:
            with Projection.open(journal_dir) as first:
                assert _contents(first) == ["new"]
        before = generations(journal_dir).current()
        for _ in range(2):
            with pytest.raises(JournalOpenError, match="was replaced"):
                old.messages("s")
        assert generations(journal_dir).current() == before
        with pytest.raises(JournalOpenError, match="was replaced"):
            old.rebuild()
        with Projection.open(journal_dir) as new:
            assert _contents(new) == ["new"]
    rebuild(open_directory(journal_dir))


def test_a_projector_ends_when_its_journal_is_replaced(journal_dir: Path) -> None:
    """`projector run` reports that the journal was replaced, ends, and leaves the new one alone."""
    _write(journal_dir, "old")
    command = [PROJECTOR, "--journal", str(journal_dir), "run"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            kept = generations(journal_dir)
            until = time.monotonic() + 30
            while kept.current() is None and time.monotonic() < until:
                time.sleep(0.05)
            shutil.rmtree(journal_dir)
            _write(journal_dir, "new")
            _, printed = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode > 0
    assert "was replaced" in printed
    with Projection.open(journal_dir) as new:
        assert _contents(new) == ["new"]


def test_a_read_does_not_answer_without_own_events_that_a_backup_lacks(
    journal_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a backup is copied back, a read misses the own event that was in the removed file."""
    # the writer checks its files ten times a second; this append comes between two checks
    monkeypatch.setattr(recovery, "LOOK_EVERY", 1000.0)
    with SessionStore.open(journal_dir, fsync="never") as store:
        store.append("s", "user", "zero")
        assert len(store.messages("s")) == 1
        shutil.copytree(journal_dir, tmp_path / "backup")
        shutil.rmtree(journal_dir)
        shutil.copytree(tmp_path / "backup", journal_dir)
        store.append("s", "user", "one")
        began = time.monotonic()
        with pytest.raises(NotProjected, match="not in the journal any more"):
            store.messages("s")
        assert time.monotonic() - began < 4.0


def test_a_read_of_own_events_names_what_keeps_them_from_being_applied(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk the error names the full disk, and not only the timeout."""

    def full(*_: object) -> bool:
        cause = OSError(errno.ENOSPC, "No space left on device")
        raise ProjectionError(f"cannot write the projection: {cause.strerror}") from cause

    with SessionStore.open(journal_dir, timeout=0.3) as store:
        store.append("s", "user", "zero")
        assert len(store.messages("s")) == 1
        store.append("s", "user", "one")
        with monkeypatch.context() as patch:
            patch.setattr(OwnProjector, "catch_up", full)
            with pytest.raises(NotProjected, match="No space left on device"):
                store.messages("s")
        assert len(store.messages("s")) == 2
