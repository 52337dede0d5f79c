"""An error of SQLite, in whatever statement, leaves the projector as a ProjectionError."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw
import pytest

from journal import Journal
from journal.fs.directory import open_directory
from projector.errors import ProjectionError
from projector.forgetting.forget import forget
from projector.forgetting.selection import Selection
from projector.run.build import rebuild
from projector.run.projector import Projector
from tests.support.projections import facts, header, line, message, scratch, write_segment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(slots=True)
class Failing:
    """The statements from the n-th on fail, but for ROLLBACK: the disk is full.

    Attributes:
        number: n, from 0.
        run: statements that were run.
    """

    number: int
    run: int = 0

    def trace(self, _cursor: object, statement: str, _bindings: object) -> bool:
        """Be called before a statement."""
        if statement == "ROLLBACK":
            return True
        self.run += 1
        if self.run > self.number:
            raise apsw.FullError("made to fail")
        return True

    @property
    def is_over(self) -> bool:
        """Whether no statement was left to fail."""
        return self.run <= self.number

    @contextmanager
    def on_new_connections(self) -> Iterator[None]:
        """Let statements of connections fail that are opened within it."""

        def hook(db: apsw.Connection) -> None:
            db.exec_trace = self.trace

        apsw.connection_hooks.append(hook)
        try:
            yield
        finally:
            apsw.connection_hooks.remove(hook)


def test_a_catch_up_fails_with_an_error_of_the_projector(tmp_path: Path) -> None:
    """Also between two transactions: while it looks for segments that are gone or replaced."""
    lanes = tmp_path / "lanes"
    write_segment(lanes, "1", 1, header("L1") + line(*facts(message("m1", "alpha"))))
    failing = Failing(-1)
    while failing.number < 0 or not failing.is_over:
        failing = Failing(failing.number + 1)
        gone = write_segment(lanes, "2", 1, header("L2") + line(*facts(message("m9", "delta"))))
        with scratch(tmp_path / f"{failing.number}.db") as db:
            running = Projector(db, lanes)
            running.catch_up()
            gone.unlink()
            db.exec_trace = failing.trace
            with suppress(ProjectionError):
                running.catch_up()
            db.exec_trace = None
    assert failing.number > 1, "the search for the segment runs no statement"


@pytest.mark.slow
def test_a_build_fails_with_an_error_of_the_projector(journal_dir: Path) -> None:
    """Also before its first transaction: while it records what is to be hidden."""
    with Journal.open(journal_dir, fsync="never") as journal:
        for session in ("s1", "s2"):
            journal.append_message(session, "user", "a word", id="m1")
    forget(journal_dir, Selection(sessions=("s1",)))
    directory = open_directory(journal_dir)
    failing = Failing(-1)
    while failing.number < 0 or not failing.is_over:
        failing = Failing(failing.number + 1)
        with failing.on_new_connections(), suppress(ProjectionError):
            rebuild(directory)
    assert failing.number > 50, "a build runs fewer statements than it did"
