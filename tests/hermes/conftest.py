"""Fixtures of the tests of the stand-in for Hermes's store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from journal.directory import open_directory
from projector.adapters.hermes import SessionDB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def db(journal_dir: Path) -> Iterator[SessionDB]:
    """A store on a new journal, which must be sound at the end of the test."""
    open_directory(journal_dir)  # a folder that is a journal is that journal
    with SessionDB(journal_dir) as db:
        yield db
