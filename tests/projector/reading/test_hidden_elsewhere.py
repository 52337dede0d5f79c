"""Where no database that hides a request can be made, queries hide it all the same."""

from __future__ import annotations

import errno
import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from journal import Journal
from journal.fs import disk
from journal.fs.disk import Disk
from projector import NotFound, Projection, ProjectionError, QueryTimeout, SessionStore
from projector.db.generations import generations
from projector.db.process_lock import ProcessLock
from projector.errors import NotFinished
from projector.forgetting.finish import finish_forgetting
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from projector.reading import goal
from projector.reading.hidden import temporary as temporary_module
from tests.projector.run.test_hiding import fill, shown
from tests.support.forgetting.requests import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Full(Disk):
    """A disk on which no database can be put into use in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def replace(self, source: Path, target: Path) -> None:
        """Rename, or refuse."""
        if self._folder in target.parents:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().replace(source, target)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, which is empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def full(
    journal_dir: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], None]]:
    """A journal whose request to forget s1 is in no database; the function makes space."""
    fill(journal_dir)
    shown(journal_dir)
    ask(journal_dir, sessions=["s1"])
    with monkeypatch.context() as patch:
        patch.setattr(disk, "in_use", _Full(journal_dir / "projection"))
        yield patch.undo
    assert not list(temporary.iterdir())


def test_no_query_shows_what_is_requested_to_be_forgotten(
    journal_dir: Path, full: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Search, lists, sums and the transcript are without it, and up to date; a warning says why."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s3", "user", "a new secret", id="m1")
    with caplog.at_level(logging.WARNING), Projection.open(journal_dir) as projection:
        found = projection.search("secret")
        assert sorted(hit.session for hit in found.hits) == ["s2", "s3"]
        assert found.behind is None
        assert {view.session for view in projection.sessions()} == {"s2", "s3"}
        with pytest.raises(NotFound):
            projection.messages("s1")
        query = "SELECT count(*) FROM _events WHERE kind = 1"
        assert projection.read(lambda db: db.execute(query).get)[0] == 3
        assert not projection.catch_up()
    (warning,) = [line for line in caplog.messages if "asks to forget" in line]
    assert "No space left" in warning
    full()


def test_events_that_arrive_later_are_applied_elsewhere_too(
    journal_dir: Path, full: Callable[[], None]
) -> None:
    """One handle keeps its database elsewhere up to date, and gives it up when there is space."""
    with SessionStore.open(journal_dir) as store:
        assert [view.session for view in store.sessions()] == ["s2"]
        store.append("s3", "user", "later")
        assert {view.session for view in store.sessions()} == {"s2", "s3"}
        full()
        assert {view.session for view in store.sessions()} == {"s2", "s3"}
        assert not list(Path(tempfile.gettempdir()).iterdir())
        assert store.projection.catch_up()


def test_a_second_request_is_hidden_elsewhere_too(
    journal_dir: Path, full: Callable[[], None]
) -> None:
    """The database elsewhere is replaced like any other."""
    with Projection.open(journal_dir) as projection:
        assert [view.session for view in projection.sessions()] == ["s2"]
        ask(journal_dir, sessions=["s2"])
        assert list(projection.sessions()) == []
    full()


def test_forgetting_ends_with_an_error_and_hides(
    journal_dir: Path, full: Callable[[], None]
) -> None:
    """The request is kept; its bytes go when there is space."""
    with pytest.raises(NotFinished, match=r"No space left.*Queries hide .*--finish` hides"):
        forget(journal_dir, Selection(sessions=("s2",)))
    assert shown(journal_dir) == {}
    full()
    finish_forgetting(journal_dir)
    assert shown(journal_dir) == {}


def test_without_space_anywhere_a_query_is_refused(
    journal_dir: Path, full: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the request, the space that is needed and what to do."""
    monkeypatch.setattr(temporary_module, "_LEAST", 1 << 60)
    with (
        Projection.open(journal_dir) as projection,
        pytest.raises(ProjectionError, match=r"request \S+ asks to forget.* needs \d+ MiB.*TMPDIR"),
    ):
        projection.sessions()
    full()


def test_a_projector_that_hangs_is_waited_for_and_passed_over(
    journal_dir: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds its lock and hides nothing: a query waits, for as long as it may, and hides."""
    fill(journal_dir)
    shown(journal_dir)
    ask(journal_dir, sessions=["s1"])
    with ProcessLock(generations(journal_dir).lock).held():
        with (
            Projection.open(journal_dir, timeout=0.3) as projection,
            pytest.raises(QueryTimeout, match="hiding what is requested to be forgotten"),
        ):
            projection.sessions()
        monkeypatch.setattr(goal, "HIDING_PATIENCE", 0.7)
        assert shown(journal_dir) == {"s2": ["m1", "m2"]}
    assert not list(temporary.iterdir())


def test_an_event_that_is_not_applied_needs_no_database_elsewhere(
    journal_dir: Path, temporary: Path
) -> None:
    """A projector that is behind, and hides all that is requested, is answered from."""
    fill(journal_dir)
    ask(journal_dir, sessions=["s1"])
    shown(journal_dir)
    with Journal.open(journal_dir) as journal:
        journal.append_message("s3", "user", "not applied", id="m1")
    with (
        ProcessLock(generations(journal_dir).lock).held(),
        Projection.open(journal_dir) as projection,
    ):
        found = projection.sessions()
        assert ([view.session for view in found], found.fresh) == (["s2"], False)
    assert not list(temporary.iterdir())
