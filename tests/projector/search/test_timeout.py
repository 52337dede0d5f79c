"""Queries end at their time limit, and report it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from journal import Journal
from journal.fs.directory import open_directory
from journal.fs.key_file import own_key
from journal.segments.find import find_events
from projector import Projection, QueryTimeout
from projector.errors import BuildStopped
from projector.reading.deadline import Deadline
from projector.reading.own_projector import OwnProjector
from projector.run.generation import search_requests
from tests.support.forgetting.requests import ask

if TYPE_CHECKING:
    from journal.segments.listing import SegmentRef

PROJECTOR = str(Path(sys.executable).with_name("projector"))


def test_a_query_that_takes_too_long_is_interrupted(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite is interrupted in the middle of a statement, and the handle stays usable."""
    with Journal.open(journal_dir) as journal:
        for number in range(2000):
            journal.append_message("s", "user", f"word{number} common")
    with Projection.open(journal_dir, timeout=60) as projection:
        projection.sessions()
        monkeypatch.setattr("projector.reading.asking.STEPS", 10)
        with monkeypatch.context() as patch:
            patch.setattr(Deadline, "is_over", lambda _: True)
            with pytest.raises(QueryTimeout, match="the query takes longer than 60 s"):
                projection.search("common")
        assert len(projection.search("common").hits) == 20


def test_a_first_build_that_takes_too_long_is_an_error(journal_dir: Path) -> None:
    """Without a complete projection there is no answer, and the error says what to do."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "word")
    with (
        Projection.open(journal_dir, timeout=1e-9) as projection,
        pytest.raises(QueryTimeout, match="let `projector run` do the work beforehand"),
    ):
        projection.sessions()
    assert [p.name for p in (journal_dir / "projection").glob("*.db")] == []


def test_catching_up_that_takes_too_long_gives_a_stale_answer(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer contains what is applied, and is marked as not fresh."""
    with Journal.open(journal_dir) as journal, Projection.open(journal_dir) as projection:
        journal.append_message("s", "user", "alpha")
        assert projection.search("alpha").fresh
        for number in range(20):
            journal.append_message("s", "user", f"beta {number}")

        def no_time(*_: object) -> None:
            raise QueryTimeout("no time")

        with monkeypatch.context() as patch:
            patch.setattr(OwnProjector, "catch_up", no_time)
            results = projection.search("alpha")
        assert (len(results.hits), results.fresh) == (1, False)
        assert projection.search("beta").fresh


@pytest.fixture
def searched(journal_dir: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of segments that are searched for requests, in a journal with some of these."""
    with monkeypatch.context() as patch, Journal.open(journal_dir, fsync="never") as journal:
        patch.setattr("journal.lanes.writer.ROLL_SIZE", 1)
        for number in range(6):
            journal.append_message("s", "user", f"word {number}")
    own_key(journal_dir)
    names: list[str] = []

    def find(ref: SegmentRef, *given: Any) -> Any:  # noqa: ANN401 - as `find_events`
        names.append(ref.path.name)
        return find_events(ref, *given)

    monkeypatch.setattr("journal.erasure.requests.find_events", find)
    return names


def test_a_search_for_requests_that_was_stopped_is_continued(
    journal_dir: Path, searched: list[str]
) -> None:
    """A query with a time limit searches a part of the segments, and the next one the others."""
    journal = open_directory(journal_dir)
    with pytest.raises(BuildStopped, match="for requests to forget was stopped"):
        search_requests(journal, lambda: len(searched) == 4)
    assert len(searched) == 4
    search_requests(journal, lambda: False)
    assert sorted(searched) == [f"{number:06}.jsonl" for number in range(1, len(searched) + 1)]


@pytest.mark.parametrize("is_built", [False, True])
def test_a_query_ends_at_its_limit_in_the_search_for_requests(
    journal_dir: Path, searched: list[str], monkeypatch: pytest.MonkeyPatch, *, is_built: bool
) -> None:
    """That is an error, also with an old database: it shows what is to be forgotten."""
    if is_built:
        with Projection.open(journal_dir) as projection:
            projection.sessions()
        searched.clear()
    ask(journal_dir, sessions=["other"])
    monkeypatch.setattr(Deadline, "is_over", lambda _: len(searched) > 1)
    with (
        Projection.open(journal_dir, timeout=60) as projection,
        pytest.raises(QueryTimeout, match=r"done of it is kept\) takes longer than 60 s"),
    ):
        projection.sessions()
    assert len(searched) == 2


def test_the_command_reports_what_took_too_long(journal_dir: Path) -> None:
    """With `--timeout` the command exits with 1 and a message; the number must be positive."""
    with Journal.open(journal_dir) as journal:
        journal.append_message("s", "user", "word")
    command = [PROJECTOR, "--journal", str(journal_dir), "search", "word", "--timeout"]
    done = subprocess.run(
        [*command, "1e-9"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: bringing the projection up to date (what was done of it")
    assert "is kept) takes longer than 1e-09 s; allow more time" in done.stderr
    wrong = subprocess.run([*command, "0"], capture_output=True, text=True, check=False, timeout=60)
    assert wrong.returncode == 2
