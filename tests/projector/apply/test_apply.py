"""The projection is a function of the set of events."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import projector.run.projector as project_module
from journal.errors import ReadError
from journal.format.event import Event
from journal.format.event_types import MESSAGE_APPENDED, MESSAGE_REVISED
from journal.segments.blocks import read_chunk
from projector.errors import ProjectionError
from projector.run.projector import Projector
from tests.conftest import few
from tests.support.arrangements import check_convergence, write_plain
from tests.support.made_up import WORDS, random_facts
from tests.support.model import Content, Model, content
from tests.support.projections import (
    Fact,
    catch_up,
    counters,
    facts,
    header,
    line,
    message,
    scratch,
    write_lane,
    write_segment,
)


@pytest.mark.slow
@settings(max_examples=few())
@given(st.randoms(use_true_random=False))
def test_any_arrangement_of_any_events_gives_the_models_result(random: Random) -> None:
    """Lanes, interleaving, batches, duplicates and restarts do not change the projection.

    Fixed seeds of the same test, with rebuilds too, are a sample of the ladder.
    """
    with TemporaryDirectory() as folder:
        check_convergence(random, random_facts(random), Path(folder))


class _Fault(apsw.FullError):
    """The error of the statement that a test lets fail."""


def _fail_at(db: apsw.Connection, number: int, error: type[BaseException] = _Fault) -> list[str]:
    """Let the n-th statement from now on fail; return the list of statements that were run."""
    reached: list[str] = []

    def trace(_cursor: apsw.Cursor, statement: str, _bindings: Any) -> bool:  # noqa: ANN401 - apsw's own
        if statement != "ROLLBACK":
            reached.append(statement)
            if len(reached) == number:
                raise error("made to fail")
        return True

    db.exec_trace = trace
    return reached


def _eventful() -> list[Fact]:
    """Records that make every statement of an applier run."""
    return [
        *facts(
            message("m2", "beta", parent="m1"),
            Event("s", "e1", "session.created", 0, 0, {"title": "t"}),
            Event("s", "r1", MESSAGE_REVISED, 0, 0, {"message": "m2", "content": "gamma"}),
            message("m1", "alpha"),
            Event("s", "m3", "tool.used", 0, 0, {}),
            message("m4", "delta", parent="missing"),
            lane="L2",
        ),
        *facts(
            message("m1", "alpha", time=5),
            message("m3", "now a message", time=6),
            Event("s", "r1", MESSAGE_REVISED, 7, 7, {"message": "m1", "content": "beta"}),
            message("m4", "delta", time=8, session="s2"),
            message("m4", "other", time=8),
            lane="L1",
        ),
    ]


def _wal(path: Path) -> apsw.Connection:
    with scratch(path):
        pass
    db = apsw.Connection(str(path))
    db.pragma("journal_mode", "wal")
    db.pragma("synchronous", "OFF")
    return db


@pytest.fixture
def eventful(tmp_path: Path) -> tuple[Path, Content]:
    """Lanes with eventful records in two rounds, and the expected projection."""
    records = _eventful()
    write_plain(tmp_path / "lanes", records)
    with scratch(tmp_path / "expected.db") as db:
        catch_up(db, tmp_path / "lanes")
        expected = content(db, WORDS)
    assert replace(expected, digest="") == Model(records).content(WORDS)
    return tmp_path, expected


@pytest.mark.slow
def test_a_statement_that_fails_leaves_nothing_behind(
    eventful: tuple[Path, Content], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failed statement, the next catch-up applies everything exactly once.

    The next catch-up is run by the same projector and by a new one in turn.
    """
    path, expected = eventful
    monkeypatch.setattr(project_module, "_TRANSACTION", 300)
    monkeypatch.setitem(read_chunk.__kwdefaults__ or {}, "limit", 300)
    number = 0
    failures: list[str] = []
    while len(failures) == number:  # until no statement is left to fail
        number += 1
        db = _wal(path / f"{number}.db")
        running = Projector(db, path / "lanes")
        reached = _fail_at(db, number)
        try:
            running.catch_up()
        except ProjectionError as error:
            failures.append(str(error))
        db.exec_trace = None
        (Projector(db, path / "lanes") if number % 2 else running).catch_up()
        assert content(db, WORDS) == expected, f"statement {number}: {reached[-1]}"
        assert counters(db)["duplicates"] == 1
        db.close()
    assert all("made to fail" in failure for failure in failures)
    assert number > 100, "the sweep shrank: the records no longer make every statement run"


@pytest.mark.slow
def test_a_projector_killed_at_any_statement_resumes_exactly_once(
    eventful: tuple[Path, Content], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After SIGKILL before any statement, COMMIT too, nothing is lost or applied twice."""
    path, expected = eventful
    monkeypatch.setattr(project_module, "_TRANSACTION", 300)
    monkeypatch.setitem(read_chunk.__kwdefaults__ or {}, "limit", 300)
    number, status = 0, 9
    while status == 9:
        number += 3
        _wal(path / f"{number}.db").close()
        child = os.fork()
        if not child:
            _die_at(path, number)
        _, status = os.waitpid(child, 0)
        db = apsw.Connection(str(path / f"{number}.db"))
        catch_up(db, path / "lanes")
        assert content(db, WORDS) == expected, f"killed at statement {number}"
        db.close()
    assert status == 0
    assert number > 100


def _die_at(path: Path, number: int) -> None:
    """Catch up, and be killed before the n-th statement; never returns."""
    code = 1
    try:
        db = apsw.Connection(str(path / f"{number}.db"))
        reached = 0

        def trace(_cursor: apsw.Cursor, _statement: str, _bindings: Any) -> bool:  # noqa: ANN401 - apsw's own
            nonlocal reached
            reached += 1
            if reached == number:
                os.kill(os.getpid(), 9)
            return True

        running = Projector(db, path / "lanes")
        db.exec_trace = trace
        running.catch_up()
        code = 0
    finally:
        os._exit(code)


def test_events_whose_sync_fails_are_not_shown(
    eventful: tuple[Path, Content], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events whose sync fails are not shown until a sync succeeds."""
    path, expected = eventful
    db = _wal(path / "1.db")
    running = Projector(db, path / "lanes")

    def refuse(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", refuse)
        with pytest.raises(ReadError, match="Input/output error"):
            running.catch_up()
    assert db.execute("SELECT count(*) FROM _events").get == 0
    running.catch_up()
    assert content(db, WORDS) == expected


def test_a_segment_that_became_final_is_synced_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes between the last sync of a segment and its roll are synced, too."""
    lanes = tmp_path / "lanes"
    first, second, third = facts(message("m1", "a"), message("m2", "b"), message("m3", "c"))
    write_lane(lanes, "1", [first])
    db = _wal(tmp_path / "1.db")
    running = Projector(db, lanes)
    running.catch_up()
    synced: list[str] = []
    real = os.fdatasync

    def sync(fd: int) -> None:
        synced.append(Path(f"/proc/self/fd/{fd}").readlink().name)
        real(fd)

    monkeypatch.setattr(os, "fdatasync", sync)
    write_segment(lanes, "1", 1, line(second))
    write_segment(lanes, "1", 2, header("L1", 2) + line(third))
    running.catch_up()
    assert sorted(synced) == ["000001.jsonl", "000002.jsonl"]


def test_a_revision_may_come_before_its_message(tmp_path: Path) -> None:
    """The order of arrival of a message and its revisions does not matter."""
    records = facts(
        Event("s", "r1", MESSAGE_REVISED, 0, 0, {"message": "m1", "content": "beta"}),
        message("m1", "alpha"),
    )
    write_lane(tmp_path / "lanes", "1", records)
    with scratch(tmp_path / "1.db") as db:
        catch_up(db, tmp_path / "lanes")
        shown = content(db, WORDS)
    assert shown.found["beta"] == {("s", "m1")}
    assert not shown.found["alpha"]


def test_the_earliest_of_two_contents_is_in_force(tmp_path: Path) -> None:
    """Of two contents of one key the lowest (order, lane, seq) is in force; the other is kept."""
    write_lane(tmp_path / "lanes", "1", facts(message("m1", "alpha", time=9), lane="L1"))
    write_lane(tmp_path / "lanes", "2", facts(message("m1", "beta", time=8), lane="L2"))
    with scratch(tmp_path / "1.db") as db:
        catch_up(db, tmp_path / "lanes")
        shown = content(db, WORDS)
    assert shown.found["beta"] == {("s", "m1")}
    assert [other[3] for other in shown.others] == [b'{"content":"alpha","role":"user"}']


def test_message_types_are_those_of_the_journal() -> None:
    """The message types of made-up records are those that the projector folds."""
    random = Random(1)  # noqa: S311 - reproducible, not secret
    kinds = {fact.event.type for _ in range(40) for fact in random_facts(random)}
    assert {MESSAGE_APPENDED, MESSAGE_REVISED, "session.created", "session.ended"} < kinds
