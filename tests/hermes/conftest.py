"""Fixtures of the tests of the class that replaces Hermes's store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from journal.fs.directory import open_directory
from journal.process import clock as journal_clock
from projector.adapters.hermes import SessionDB
from tests.hermes.real.package import loaded
from tests.hermes.real.pairs import Clock, Pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def db(journal_dir: Path) -> Iterator[SessionDB]:
    """A store on a new journal, which must be valid at the end of the test."""
    open_directory(journal_dir)  # the path is a journal, so that journal is used
    with SessionDB(journal_dir) as db:
        yield db


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that both stores read."""
    clock = Clock()
    monkeypatch.setattr(time, "time", clock.seconds)
    monkeypatch.setattr(journal_clock, "wall", clock.micros)
    monkeypatch.setattr(journal_clock, "_clocks", {})
    return clock


@pytest.fixture
def pair(journal_dir: Path, clock: Clock) -> Iterator[Pair]:  # noqa: ARG001 - both read it
    """A real store and ours, both empty."""
    with loaded(journal_dir.parent) as hermes:
        real = hermes.SessionDB(journal_dir.with_name("state.db"))
        open_directory(journal_dir)
        with SessionDB(journal_dir) as ours:
            yield Pair(real, ours, hermes.SCHEMA_VERSION)
        real.close()
